//! A site with one application, to put builds, logs and deliveries into.

use std::time::Duration;

use pipewright_core::build::{AttemptOutcome, BuildState, StepRun, StepState};
use pipewright_core::ids::{
    AccountId, ApplicationId, AttemptId, BuildId, DeliveryId, IntegrationId, RepositoryId,
    RunnerId, UserId,
};
use pipewright_core::plan::testing::{a_group, a_plan, a_step};
use pipewright_core::plan::{GroupKind, ScriptItem, StepPlan};
use pipewright_core::wire::Timing;
use pipewright_core::{Plan, RefName, Role, Timestamp, TriggerKind};
use pipewright_store::applications::{self, NewApplication, Rules, Watch};
use pipewright_store::attempts::{self, Claim, Ended};
use pipewright_store::builds::{self, CommitText, NewBuild, TriggerDetail};
use pipewright_store::deliveries::{self, NewDelivery, Origin};
use pipewright_store::integrations::{
    self, CloneVia, Identity, IntegrationKind, KeyPair, NewIntegration,
};
use pipewright_store::repositories::{self, SeenRepository};
use pipewright_store::runners::{self, RunnerKind};
use pipewright_store::{Sealed, Tx, steps};
use uuid::Uuid;

use crate::web::testing::{Browser, TestSite};

/// The application's pages.
pub(crate) const APPLICATION: &str = "/harbor/applications/checkout-api";

/// The site, its account `harbor` and its application `checkout-api`.
pub(crate) struct Scene {
    pub(crate) site: TestSite,
    pub(crate) owner: Browser,
    pub(crate) account: AccountId,
    pub(crate) repository: RepositoryId,
    pub(crate) application: ApplicationId,
    runner: RunnerId,
}

/// An attempt that a runner holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    pub(crate) id: AttemptId,
    lease: Uuid,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let site = TestSite::new().await;
        let user = site.user("mara@example.com").await;
        let account = site.team("harbor", &user).await.id;
        let now = site.app.clock.now();
        let mut tx = site.app.db.begin().await.expect("begins");
        let integration = IntegrationId::new();
        integrations::insert(
            &mut tx,
            &new_integration(integration, account, user.id, now),
        )
        .await
        .expect("an integration");
        let repository = repositories::remember(&mut tx, account, integration, &seen(), now)
            .await
            .expect("a repository");
        let new = new_application("checkout-api", account, repository, user.id);
        let application = new.id;
        applications::insert(&mut tx, &new, now)
            .await
            .expect("an application");
        let runner = RunnerId::new();
        runners::register(&mut tx, runner, "rack-3", RunnerKind::Embedded, 2, now)
            .await
            .expect("a runner");
        tx.commit().await.expect("commits");
        let owner = site.signed_in(&user).await;
        Self {
            site,
            owner,
            account,
            repository,
            application,
            runner,
        }
    }

    /// Another application of the same account, of a repository of its own.
    pub(crate) async fn another(&self, name: &str) {
        let now = self.now();
        let db = &self.site.app.db;
        let first = repositories::get(db, self.repository)
            .await
            .expect("reads")
            .expect("a repository");
        let user = pipewright_store::users::by_email(db, "mara@example.com")
            .await
            .expect("reads")
            .expect("the owner");
        let listed = SeenRepository {
            remote_id: format!("{{{name}}}"),
            slug: name.to_owned(),
            name: name.to_owned(),
            full_name: format!("harbor/{name}"),
            ..seen()
        };
        let mut tx = self.tx().await;
        let repository =
            repositories::remember(&mut tx, self.account, first.integration, &listed, now)
                .await
                .expect("a repository");
        let new = new_application(name, self.account, repository, user.id);
        applications::insert(&mut tx, &new, now)
            .await
            .expect("an application");
        tx.commit().await.expect("commits");
    }

    /// A browser of another member.
    pub(crate) async fn member(&self, role: Role) -> Browser {
        let user = self
            .site
            .user(&format!("{}@example.com", role.as_str()))
            .await;
        self.site.join("harbor", &user, role).await;
        self.site.signed_in(&user).await
    }

    async fn tx(&self) -> Tx {
        self.site.app.db.begin().await.expect("begins")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.site.app.clock.now()
    }

    /// A push of this branch with this message, not planned yet. The commit is made of the digit.
    pub(crate) async fn push(&self, branch: &str, digit: char, message: &str) -> BuildId {
        let now = self.now();
        let new = NewBuild {
            id: BuildId::new(),
            account_id: self.account,
            application_id: self.application,
            ref_name: RefName::branch(branch).expect("a branch"),
            commit: digit.to_string().repeat(40).parse().expect("a commit"),
            previous: None,
            trigger: TriggerKind::Push,
            detail: TriggerDetail::default(),
            repeatable: false,
            event: None,
            delivery_id: None,
            started_by: None,
            accepted_at: now - Duration::from_millis(180),
            created_at: now,
        };
        let text = CommitText {
            message: message.to_owned(),
            author: "Mara Lindqvist".to_owned(),
            email: "mara@example.com".to_owned(),
            committed_at: now,
        };
        let mut tx = self.tx().await;
        builds::create(&mut tx, &new).await.expect("a build");
        builds::set_commit_text(&mut tx, new.id, &text)
            .await
            .expect("its commit");
        tx.commit().await.expect("commits");
        new.id
    }

    /// Gives a build a plan of these groups, and lets it run.
    pub(crate) async fn plan(&self, build: BuildId, groups: &[&[&str]]) {
        self.plan_of(build, &plan(groups)).await;
    }

    /// Gives a build this plan, and lets it run.
    pub(crate) async fn plan_of(&self, build: BuildId, plan: &Plan) {
        let mut tx = self.tx().await;
        let file =
            b"pipelines:\n  default:\n    - step:\n        script:\n          - make <all>\n";
        builds::set_plan(
            &mut tx,
            build,
            Some(plan),
            Some(file),
            &serde_json::json!([]),
            self.now(),
        )
        .await
        .expect("plans");
        steps::insert_all(&mut tx, build, plan)
            .await
            .expect("steps");
        builds::set_state(
            &mut tx,
            build,
            BuildState::Queued,
            BuildState::Running,
            None,
            self.now(),
        )
        .await
        .expect("runs");
        tx.commit().await.expect("commits");
    }

    /// Moves a build.
    pub(crate) async fn state(
        &self,
        build: BuildId,
        from: BuildState,
        to: BuildState,
        message: Option<&str>,
    ) {
        let mut tx = self.tx().await;
        builds::set_state(&mut tx, build, from, to, message, self.now())
            .await
            .expect("moves");
        tx.commit().await.expect("commits");
    }

    /// Moves a step.
    pub(crate) async fn step(&self, build: BuildId, position: usize, state: StepState) {
        let mut tx = self.tx().await;
        steps::set(
            &mut tx,
            build,
            position,
            StepRun::new(state, 1),
            None,
            self.now(),
        )
        .await
        .expect("moves");
        tx.commit().await.expect("commits");
    }

    /// Has a step's attempt claimed and begun.
    pub(crate) async fn run(&self, build: BuildId, position: usize, number: u32) -> Running {
        let now = self.now();
        let lease = Uuid::now_v7();
        let mut tx = self.tx().await;
        attempts::queue(&mut tx, build, position, number, now)
            .await
            .expect("queues");
        let claim = Claim {
            runner: self.runner,
            lease,
            until: now + Duration::from_mins(1),
            now,
        };
        let claimed = attempts::claim(&mut tx, claim)
            .await
            .expect("claims")
            .expect("one is queued");
        attempts::begin(&mut tx, claimed.id, lease, &[], now)
            .await
            .expect("begins");
        builds::set_begun(&mut tx, build, now)
            .await
            .expect("begins");
        steps::set(
            &mut tx,
            build,
            position,
            StepRun::new(StepState::Running, number),
            None,
            now,
        )
        .await
        .expect("runs");
        tx.commit().await.expect("commits");
        Running {
            id: claimed.id,
            lease,
        }
    }

    /// Appends to an attempt's log.
    pub(crate) fn print(&self, running: Running, text: &[u8]) {
        let mut writer = self.site.app.logs.writer(running.id).expect("a log");
        writer
            .append_at(writer.size().stored, text)
            .expect("appends");
        let size = writer.size();
        self.site
            .app
            .live()
            .growth
            .grew(running.id, size.stored, size.lines);
    }

    /// Ends an attempt.
    pub(crate) async fn finish(
        &self,
        running: Running,
        outcome: AttemptOutcome,
        message: Option<&str>,
    ) {
        self.finish_leaving(running, outcome, message, Vec::new())
            .await;
    }

    /// Ends an attempt that left artifacts, for a day.
    pub(crate) async fn finish_leaving(
        &self,
        running: Running,
        outcome: AttemptOutcome,
        message: Option<&str>,
        artifacts: Vec<pipewright_core::wire::NewArtifact>,
    ) {
        let writer = self.site.app.logs.writer(running.id).expect("a log");
        let size = writer.size();
        let ended = Ended {
            artifacts,
            artifacts_expire: self.now() + Duration::from_hours(24),
            outcome,
            exit_code: Some(i32::from(outcome != AttemptOutcome::Passed)),
            message: message.map(str::to_owned),
            timings: Some(vec![Timing {
                part: "script".to_owned(),
                micros: 14_000_000,
            }]),
            log_bytes: size.printed,
            log_lines: size.lines,
            ..Ended::of(outcome, None)
        };
        let mut tx = self.tx().await;
        assert!(
            attempts::finish(&mut tx, running.id, running.lease, &ended, self.now())
                .await
                .expect("ends")
        );
        tx.commit().await.expect("commits");
        self.site
            .app
            .live()
            .growth
            .complete(running.id, size.stored, size.lines);
    }

    /// Ends an attempt whose tests said this.
    pub(crate) async fn finish_telling(
        &self,
        running: Running,
        outcome: AttemptOutcome,
        report: pipewright_core::wire::TestReport,
    ) {
        let ended = Ended {
            tests: Some(Box::new(report)),
            ..Ended::of(outcome, None)
        };
        let mut tx = self.tx().await;
        assert!(
            attempts::finish(&mut tx, running.id, running.lease, &ended, self.now())
                .await
                .expect("ends")
        );
        tx.commit().await.expect("commits");
    }

    /// A whole build of one step that printed this and passed.
    pub(crate) async fn passed(
        &self,
        branch: &str,
        digit: char,
        message: &str,
        log: &[u8],
    ) -> (BuildId, Running) {
        use pipewright_core::build::{BuildOutcome, StepOutcome};
        let build = self.push(branch, digit, message).await;
        self.plan(build, &[&["Unit tests"]]).await;
        let running = self.run(build, 0, 1).await;
        self.print(running, log);
        self.finish(running, AttemptOutcome::Passed, None).await;
        self.step(build, 0, StepState::Finished(StepOutcome::Passed))
            .await;
        self.state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Passed),
            None,
        )
        .await;
        (build, running)
    }

    /// A stored delivery of this body.
    pub(crate) async fn delivery(&self, request: &str, body: &str) -> DeliveryId {
        let new = NewDelivery {
            id: DeliveryId::new(),
            account_id: self.account,
            repository_id: self.repository,
            webhook_id: Uuid::now_v7(),
            request_id: request.to_owned(),
            event: None,
            origin: Origin::Bitbucket,
            event_key: "repo:push".to_owned(),
            attempt_number: 1,
            headers: vec![("x-event-key".to_owned(), "repo:push".to_owned())],
            body: body.as_bytes().to_vec(),
            received_at: self.now(),
        };
        let mut tx = self.tx().await;
        assert!(deliveries::insert(&mut tx, &new).await.expect("stores"));
        tx.commit().await.expect("commits");
        new.id
    }
}

/// A plan of these groups of steps.
pub(crate) fn plan(groups: &[&[&str]]) -> Plan {
    let step = |name: &&str| StepPlan {
        script: vec![ScriptItem::Command("make <all>".to_owned())],
        line: 3,
        ..a_step(name)
    };
    let group = |names: &&[&str]| {
        let kind = if names.len() == 1 {
            GroupKind::Step
        } else {
            GroupKind::Parallel { fail_fast: false }
        };
        a_group(kind, names.iter().map(step).collect())
    };
    Plan {
        pipeline: "branches: main".to_owned(),
        ..a_plan(groups.iter().map(group).collect())
    }
}

fn new_application(
    name: &str,
    account: AccountId,
    repository: RepositoryId,
    created_by: UserId,
) -> NewApplication {
    NewApplication {
        id: ApplicationId::new(),
        account,
        repository,
        slug: name.to_owned(),
        name: name.to_owned(),
        rules: Rules {
            auto_build: true,
            pushes: true,
            pull_requests: true,
            tags: true,
            branches: Vec::new(),
            cancel_superseded: false,
        },
        watch: Watch::Webhook,
        created_by,
    }
}

fn new_integration(
    id: IntegrationId,
    account: AccountId,
    connected_by: UserId,
    now: Timestamp,
) -> NewIntegration {
    NewIntegration {
        id,
        account,
        kind: IntegrationKind::Cloud,
        base_url: "https://bitbucket.org".to_owned(),
        identity: Identity {
            user_id: "17".to_owned(),
            user_name: "Mara Lindqvist".to_owned(),
            workspaces: vec!["harbor".to_owned()],
            product_version: None,
            capabilities: Vec::new(),
            ssh_host: "bitbucket.org".to_owned(),
            ssh_port: 22,
            features: Vec::new(),
        },
        key: KeyPair {
            public: "ssh-ed25519 AAAA pipewright".to_owned(),
            fingerprint: "SHA256:abc".to_owned(),
            private_sealed: Some(Sealed::from(vec![1, 2, 3])),
            made_at: now,
            posted_id: None,
        },
        clone_via: CloneVia::Ssh,
        host_key: None,
        connected_by,
        now,
    }
}

fn seen() -> SeenRepository {
    SeenRepository {
        remote_id: "{1}".to_owned(),
        owner_id: "{2}".to_owned(),
        owner: "harbor".to_owned(),
        owner_name: "Harbor".to_owned(),
        project_key: Some("SHOP".to_owned()),
        slug: "checkout-api".to_owned(),
        name: "checkout-api".to_owned(),
        full_name: "harbor/checkout-api".to_owned(),
        is_private: true,
        can_administer: Some(true),
        default_branch: Some("main".to_owned()),
        ssh_url: Some("ssh://git@bitbucket.org/harbor/checkout-api.git".to_owned()),
        http_url: None,
        web_url: "https://bitbucket.org/harbor/checkout-api".to_owned(),
        remote_updated_at: None,
    }
}
