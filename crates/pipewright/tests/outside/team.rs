//! A server whose team is connected to the simulated Cloud, made through the pages.

use std::path::Path;
use std::time::Duration;

use pipewright::story::{ACCOUNT, Team};
use pipewright_core::ids::AccountId;
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::builds::{Build, BuildFilter};
use pipewright_store::logs::{LogStore, read_bytes};
use pipewright_store::{Database, Db, DbOptions};
use tempfile::TempDir;

use crate::server::{Server, free_address};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything a test from outside needs.
pub(crate) struct House {
    /// Bitbucket.
    pub(crate) simulator: Simulator,
    /// The built binary, running.
    pub(crate) server: Server,
    /// Mara at her browser.
    pub(crate) team: Team,
}

impl House {
    /// Connected to Cloud; the SSH key is not yet there.
    pub(crate) async fn connected() -> Self {
        Self::connected_with(&[]).await
    }

    /// The same on a server with these settings.
    async fn connected_with(settings: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        Self::connected_in(data, settings).await
    }

    /// The same with this data directory.
    async fn connected_in(data: TempDir, settings: &[&str]) -> Self {
        let simulator = Simulator::start(SimulatorOptions::default())
            .await
            .expect("the simulator starts");
        simulator.sample_team().await.expect("the sample team");
        let server = Server::start_in(data, &simulator, &free_address(), settings);
        let mut team = Team::set_up(
            server
                .setup_link
                .as_deref()
                .expect("a first run prints the link"),
        )
        .await
        .expect("sets up");
        team.introduce(&simulator).await.expect("introduces");
        team.connect_cloud().await.expect("connects");
        Self {
            simulator,
            server,
            team,
        }
    }

    /// Connected, with its key, and with an application of a fresh repository that holds this pipeline file.
    pub(crate) async fn with_application(pipeline: &str) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        Self::with_application_in(data, pipeline).await
    }

    /// The same with this data directory.
    pub(crate) async fn with_application_in(data: TempDir, pipeline: &str) -> Self {
        let mut house = Self::connected_in(data, &[]).await;
        house
            .team
            .add_key_to_cloud(&house.simulator)
            .await
            .expect("adds the key");
        house.application(pipeline).await;
        house
    }

    /// The same, where steps have no sandbox: their scripts meet at files outside of their workspaces.
    pub(crate) async fn without_sandboxes(pipeline: &str) -> Self {
        let mut house = Self::connected_with(&["host.isolation=none"]).await;
        house
            .team
            .add_key_to_cloud(&house.simulator)
            .await
            .expect("adds the key");
        house.application(pipeline).await;
        house
    }

    /// Makes `harbor/subject` with this pipeline file, and its application.
    pub(crate) async fn application(&mut self, pipeline: &str) {
        let cloud = self.simulator.cloud();
        cloud
            .add_repository("harbor", "subject", true)
            .expect("a repository");
        cloud
            .commit(
                "harbor/subject",
                "main",
                &[("bitbucket-pipelines.yml", pipeline)],
                "Begin",
                "mara",
            )
            .await
            .expect("a commit");
        self.team
            .person
            .goes_to(&self.team.page("/applications/new"))
            .await
            .expect("goes there");
        self.team
            .person
            .presses("Refresh", &[])
            .await
            .expect("refreshes");
        self.team
            .make_application("harbor/subject")
            .await
            .expect("makes the application");
        cloud
            .wait_until(PATIENCE, |tables| {
                tables.webhooks.values().next().map(|_| ())
            })
            .await
            .expect("the webhook is made");
    }

    /// The build of this number once `fits`, from the server's database.
    pub(crate) async fn build(&self, number: i64, fits: impl Fn(&Build) -> bool) -> Build {
        self.build_in(self.server.data(), number, fits).await
    }

    /// The same from the database in this data directory.
    pub(crate) async fn build_in(
        &self,
        data: &Path,
        number: i64,
        fits: impl Fn(&Build) -> bool,
    ) -> Build {
        let (db, account) = self.database(data).await;
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let found = async {
            loop {
                looks.tick().await;
                let builds =
                    pipewright_store::builds::list(&db, account, &BuildFilter::default(), 100)
                        .await
                        .expect("reads");
                if let Some(build) = builds
                    .into_iter()
                    .find(|build| build.number == number && fits(build))
                {
                    return build;
                }
            }
        };
        if let Ok(build) = tokio::time::timeout(PATIENCE, found).await {
            return build;
        }
        let builds = pipewright_store::builds::list(&db, account, &BuildFilter::default(), 100)
            .await
            .expect("reads");
        panic!("build #{number} is not as expected: {builds:#?}")
    }

    /// All builds.
    pub(crate) async fn builds(&self) -> Vec<Build> {
        let (db, account) = self.database(self.server.data()).await;
        pipewright_store::builds::list(&db, account, &BuildFilter::default(), 100)
            .await
            .expect("reads")
    }

    /// All that the build's attempts printed.
    pub(crate) async fn log_of(&self, build: &Build) -> String {
        let (db, _) = self.database(self.server.data()).await;
        let logs = LogStore::open(self.server.data().join("logs")).expect("opens");
        let attempts = pipewright_store::attempts::of_build(&db, build.id)
            .await
            .expect("reads");
        let printed = attempts.iter().map(|attempt| {
            let bytes = read_bytes(&logs, attempt.id, 0, 1 << 20).expect("reads");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        printed.collect()
    }

    async fn database(&self, data: &Path) -> (Db, AccountId) {
        let database = Database::Sqlite(data.join("pipewright.db"));
        let db = Db::open(&DbOptions {
            database,
            connections: 1,
        })
        .await
        .expect("opens");
        let account = pipewright_store::accounts::by_slug(&db, ACCOUNT)
            .await
            .expect("reads")
            .expect("is there");
        (db, account.id)
    }
}
