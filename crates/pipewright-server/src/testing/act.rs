//! What people and Bitbucket do in a test.

use pipewright_core::RefName;
use pipewright_core::ids::{BuildId, DeliveryId, ScheduleId};
use pipewright_store::deliveries::{NewDelivery, Origin, insert};
use pipewright_store::schedules::{self, NewSchedule, Schedule, Spec};
use pipewright_store::variables::VariableScope;
use pipewright_store::{applications, repositories};

use super::connect::{AUTHOR, remember};
use super::server::TestServer;
use crate::builds::{ManualBuild, start_manual};
use crate::ground::Actor;
use crate::variables::NewVariable;

/// A pipeline that prints and passes.
pub const PIPELINE: &str = "pipelines:\n  default:\n    - step:\n        name: Test\n        script:\n          - echo hello from $BITBUCKET_BRANCH$BITBUCKET_TAG\n";

impl TestServer {
    /// Pushes a commit with this pipeline to a branch. Answers the commit.
    pub async fn push(&self, branch: &str, pipeline: &str) -> String {
        self.push_files(
            branch,
            &[("bitbucket-pipelines.yml", pipeline)],
            &format!("Change {branch}"),
        )
        .await
    }

    /// Pushes a commit with these files and message to a branch. Answers the commit.
    pub async fn push_files(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        self.bitbucket()
            .commit(self.repository(), branch, files, message, AUTHOR)
            .await
            .expect("the push is taken")
    }

    /// Makes another repository beside that of the application, which the connection sees, with these files on its `main`.
    /// Answers the commit.
    pub async fn another_repository(&self, slug: &str, files: &[(&str, &str)]) -> String {
        let (space, _) = self.repository().split_once('/').expect("space/slug");
        self.repository_of(space, slug, files).await
    }

    /// The same in this workspace or project, which is there.
    pub async fn repository_of(&self, space: &str, slug: &str, files: &[(&str, &str)]) -> String {
        let full_name = format!("{space}/{slug}");
        self.bitbucket()
            .add_repository(space, slug, true)
            .expect("a repository");
        let commit = self
            .bitbucket()
            .commit(&full_name, "main", files, "Share", AUTHOR)
            .await
            .expect("the push is taken");
        let own = repositories::get(&self.app.db, self.repository_id())
            .await
            .expect("reads")
            .expect("the repository");
        remember(
            &self.app,
            self.options.product,
            own.account,
            own.integration,
            &full_name,
        )
        .await;
        commit
    }

    /// Pushes a script as the one step of the default pipeline. Answers the commit.
    pub async fn push_script(&self, branch: &str, script: &[&str]) -> String {
        let item = |line: &&str| {
            format!(
                "          - |\n            {}\n",
                line.replace('\n', "\n            ")
            )
        };
        let lines = script.iter().map(item).collect::<Vec<_>>().concat();
        self.push(
            branch,
            &format!(
                "pipelines:\n  default:\n    - step:\n        name: Test\n        script:\n{lines}"
            ),
        )
        .await
    }

    /// The next push's webhook is lost on its way.
    pub fn lose_next_webhook(&self) {
        self.bitbucket().faults().lose_webhooks(1);
    }

    /// Stores a push of a branch as Data Center tells of it, without Bitbucket: from one commit, or none, to another, or
    /// to forty zeros, which deletes it.
    pub async fn deliver(&self, branch: &str, from: Option<&str>, to: &str) -> DeliveryId {
        let name = format!("refs/heads/{branch}");
        let from = from.map_or_else(|| "0".repeat(40), str::to_owned);
        let kind = if to.bytes().all(|byte| byte == b'0') {
            "DELETE"
        } else {
            "UPDATE"
        };
        let body = serde_json::json!({
            "repository": {"slug": "ledger", "name": "ledger", "project": {"key": "FIN", "id": 1, "name": "Finance"}},
            "changes": [{"ref": {"id": name, "displayId": branch, "type": "BRANCH"}, "refId": name,
                         "fromHash": from, "toHash": to, "type": kind}],
        });
        self.store(
            Origin::Bitbucket,
            "repo:refs_changed",
            body.to_string().into_bytes(),
        )
        .await
    }

    /// Stores a delivery with this body.
    pub(crate) async fn store(&self, origin: Origin, event_key: &str, body: Vec<u8>) -> DeliveryId {
        let id = DeliveryId::new();
        let new = NewDelivery {
            id,
            account_id: self.account(),
            repository_id: self.repository_id(),
            webhook_id: self.repository_id().as_uuid(),
            request_id: id.to_string(),
            event: None,
            origin,
            event_key: event_key.to_owned(),
            attempt_number: 1,
            headers: Vec::new(),
            body,
            received_at: self.app.clock.now(),
        };
        let mut tx = self.app.db.begin().await.expect("begins");
        assert!(insert(&mut tx, &new).await.expect("stores"), "it is new");
        tx.commit().await.expect("commits");
        self.app.live().decide.give(self.repository_id());
        id
    }

    /// Compares refs now.
    pub async fn compare_refs(&self) {
        crate::comparison::compare_one(&self.app, self.application())
            .await
            .expect("the refs are compared");
    }

    /// Somebody revokes the token of the connection at Data Center.
    pub fn revoke_access(&self) {
        assert!(
            self.simulator
                .datacenter()
                .revoke_token(&self.connected.token),
            "the token is there"
        );
    }

    /// A person has a delivery decided once more.
    pub async fn redeliver(&self, delivery: DeliveryId) {
        crate::deliveries::redeliver(&self.app, &self.actor(), delivery)
            .await
            .expect("it is delivered again");
    }

    /// A person runs a branch by hand.
    pub async fn run_branch(&self, branch: &str) -> Result<i64, String> {
        let wish = ManualBuild {
            application: self.application(),
            ref_name: RefName::branch(branch).expect("a branch"),
            custom: None,
            variables: Vec::new(),
        };
        start_manual(&self.app, &self.actor(), wish)
            .await
            .map_err(|error| error.to_string())
    }

    /// A person sets a variable.
    pub async fn set_variable(
        &self,
        whom: VariableScope,
        name: &str,
        value: &str,
        is_secured: bool,
    ) {
        let (id, environment) = match whom {
            VariableScope::Account => (None, String::new()),
            VariableScope::Application(id) => (Some(id), String::new()),
            VariableScope::Environment(id, environment) => (Some(id), environment),
        };
        let mut application = None;
        if let Some(id) = id {
            application = applications::get(&self.app.db, id).await.expect("reads");
        }
        let new = NewVariable {
            application: application.as_ref(),
            environment: &environment,
            name,
            value,
            is_secured,
        };
        crate::variables::set(&self.app, &self.actor(), new)
            .await
            .expect("it is set");
    }

    /// Makes a schedule of a branch that runs what a push of it runs.
    pub async fn schedule(&self, branch: &str, cron: &str, zone: &str) -> ScheduleId {
        let now = self.app.clock.now();
        let timing = crate::schedules::Timing::read(cron, zone).expect("an expression in a zone");
        let spec = Spec {
            ref_name: RefName::branch(branch).expect("a branch"),
            custom: None,
            variables: Vec::new(),
            cron: cron.to_owned(),
            time_zone: timing.zone_name.clone(),
            is_on: true,
        };
        let new = NewSchedule {
            id: ScheduleId::new(),
            account: self.account(),
            application: self.application(),
            spec,
            next_at: timing.after(now),
            created_by: "Mara".to_owned(),
            now,
        };
        let mut tx = self.app.db.begin().await.expect("begins");
        schedules::insert(&mut tx, &new).await.expect("a schedule");
        tx.commit().await.expect("commits");
        new.id
    }

    /// A schedule as it stands.
    pub async fn schedule_now(&self, id: ScheduleId) -> Schedule {
        schedules::get(&self.app.db, self.account(), self.application(), id)
            .await
            .expect("reads")
            .expect("the schedule")
    }

    /// Mara, who may do everything in the account.
    fn actor(&self) -> Actor {
        Actor {
            name: "Mara".to_owned(),
            ..Actor::system(self.account(), self.app.clock.now())
        }
    }

    /// Stops a build.
    pub async fn stop(&self, build: BuildId) {
        crate::builds::stop(&self.app, &self.actor(), build)
            .await
            .expect("the build is stopped");
    }

    /// Starts the manual step that a build waits with.
    pub async fn resume(&self, build: BuildId) {
        crate::builds::resume(&self.app, &self.actor(), build, None)
            .await
            .expect("it goes on");
    }

    /// A person starts a step that waits for one, by its number from 0.
    pub async fn run_step(&self, build: BuildId, step: usize) -> Result<(), String> {
        crate::builds::resume(&self.app, &self.actor(), build, Some(step))
            .await
            .map_err(|error| error.to_string())
    }

    /// Runs what failed of a build again.
    pub async fn rerun_failed(&self, build: BuildId) {
        crate::builds::rerun(
            &self.app,
            &self.actor(),
            build,
            crate::builds::WhatToRerun::Failed,
        )
        .await
        .expect("it runs again");
    }
}
