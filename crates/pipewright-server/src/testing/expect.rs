//! What a test expects, waited for by the server's own news.

use std::time::Duration;

use pipewright_core::ids::AttemptId;
use pipewright_store::builds::{self, Build, BuildFilter};
use pipewright_store::decisions::Decision;
use pipewright_store::deliveries::{self, DeliveryFilter, DeliveryLine};
use pipewright_store::logs::read_bytes;
use pipewright_store::steps::{self, Step};
use pipewright_store::{attempts, decisions};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::server::TestServer;

/// How long is waited. Far more than anything takes, because the machine may be busy.
const LIMIT: Duration = Duration::from_secs(40);

/// What other servers or the database's clock do brings no news: everything is looked at again now and then.
const LOOK: Duration = Duration::from_millis(500);

impl TestServer {
    /// Waits until `look` finds something, and looks each time that anything moved.
    ///
    /// # Panics
    ///
    /// After a while, with the whole history.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let mut news = self.app.live().news.follow();
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            match tokio::time::timeout(LOOK, news.recv()).await {
                Ok(Err(RecvError::Closed | RecvError::Lagged(_)) | Ok(_)) | Err(_) => {}
            }
            assert!(
                Instant::now() < end,
                "waited in vain for {what}\n{}",
                self.history().await
            );
        }
    }

    /// The build of this number, once it is in this state.
    pub async fn expect_build(&self, number: i64, state: &str) -> Build {
        self.until(&format!("build #{number} {state}"), async || {
            self.build(number)
                .await
                .filter(|build| build.state.as_str() == state)
        })
        .await
    }

    /// The build of this number, if there is one.
    pub async fn build(&self, number: i64) -> Option<Build> {
        builds::by_number(&self.app.db, self.account(), self.application(), number)
            .await
            .expect("reads")
    }

    /// Every build, oldest first.
    pub async fn builds(&self) -> Vec<Build> {
        let mut found = builds::list(
            &self.app.db,
            self.account(),
            &BuildFilter::default(),
            10_000,
        )
        .await
        .expect("reads");
        found.reverse();
        found
    }

    /// The steps of a build, in plan order.
    pub async fn steps(&self, build: &Build) -> Vec<Step> {
        steps::list(&self.app.db, build.id).await.expect("reads")
    }

    /// Where each step of a build stands, in plan order.
    pub async fn step_states(&self, build: &Build) -> Vec<&'static str> {
        self.steps(build)
            .await
            .iter()
            .map(|step| step.state.as_str())
            .collect()
    }

    /// What the page of the build of this number says of its waiting.
    pub async fn why_it_waits(&self, number: i64) -> Option<String> {
        let build = self.build(number).await.expect("the build");
        crate::builds::why_it_waits(&self.app, &build)
            .await
            .expect("reads")
    }

    /// Waits until Bitbucket shows this state of a commit.
    pub async fn expect_status(&self, commit: &str, state: &str) {
        self.until(&format!("status {state} on {commit}"), async || {
            let writes = self
                .bitbucket()
                .statuses(self.repository(), commit)
                .expect("the repository");
            (writes.last()?.state == state).then_some(())
        })
        .await;
    }

    /// The states that Bitbucket was told of a commit, in order.
    pub fn statuses(&self, commit: &str) -> Vec<String> {
        let writes = self
            .bitbucket()
            .statuses(self.repository(), commit)
            .expect("the repository");
        writes.into_iter().map(|write| write.state).collect()
    }

    /// Waits until there are so many deliveries and all are decided or failed. Answers them, oldest first, each with its
    /// decisions.
    pub async fn expect_deliveries(&self, count: usize) -> Vec<(DeliveryLine, Vec<Decision>)> {
        let listed = self
            .until(&format!("{count} decided deliveries"), async || {
                let listed = deliveries::list(
                    &self.app.db,
                    self.account(),
                    &DeliveryFilter::default(),
                    10_000,
                )
                .await
                .expect("reads");
                let open = listed
                    .iter()
                    .any(|delivery| delivery.state == deliveries::DeliveryState::Received);
                (listed.len() >= count && !open).then_some(listed)
            })
            .await;
        let mut all = Vec::new();
        for delivery in listed.into_iter().rev() {
            let made = decisions::of_delivery(&self.app.db, self.account(), delivery.id)
                .await
                .expect("reads");
            all.push((delivery, made));
        }
        all
    }

    /// The reasons of every decision, in order.
    pub async fn reasons(&self, deliveries: usize) -> Vec<String> {
        let all = self.expect_deliveries(deliveries).await;
        all.into_iter()
            .flat_map(|(_, made)| made)
            .map(|decision| decision.reason)
            .collect()
    }

    /// The log of the newest attempt of a build's step, numbered from 1.
    pub async fn log_of_step(&self, build: &Build, number: usize) -> String {
        let step = self.steps(build).await[number - 1].id;
        let made = attempts::of_build(&self.app.db, build.id)
            .await
            .expect("reads");
        let attempt = made
            .iter()
            .rfind(|attempt| attempt.step_id == step)
            .expect("an attempt")
            .id;
        let bytes = read_bytes(&self.app.logs, attempt, 0, 1 << 20).expect("reads");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The database as it lies on the disk, with what is not yet moved into its main file.
    ///
    /// # Panics
    ///
    /// Where the database is no file.
    pub fn database_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.directory())
            .expect("the data directory")
            .flatten();
        let database = files.filter(|file| file.file_name().to_string_lossy().contains(".db"));
        let bytes: Vec<u8> = database
            .flat_map(|file| std::fs::read(file.path()).expect("a file"))
            .collect();
        assert!(
            !bytes.is_empty(),
            "there is a database in {}",
            self.directory().display()
        );
        bytes
    }

    /// The log of the newest attempt of a build.
    pub async fn log(&self, build: &Build) -> String {
        self.log_of(build).await.expect("an attempt")
    }

    /// The log of the newest attempt of a build, if there is one yet.
    pub async fn log_of(&self, build: &Build) -> Option<String> {
        let made = attempts::of_build(&self.app.db, build.id)
            .await
            .expect("reads");
        let attempt: AttemptId = made.last()?.id;
        let bytes = read_bytes(&self.app.logs, attempt, 0, 1 << 20).expect("reads");
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
