//! The built `pipewright serve` under the conditions that a test sets: limits, signals, its service manager.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pipewright::story::Team;
use pipewright_core::build::BuildState;
use pipewright_core::ids::AccountId;
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::builds::{Build, BuildFilter};
use pipewright_store::{Database, Db, DbOptions};

use crate::server::free_port;

/// How long anything may take on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// How a server is started.
pub(super) struct Serve<'a> {
    pub(super) simulator: &'a Simulator,
    pub(super) data: &'a Path,
    pub(super) listen: String,
    /// Settings, as `key=value`.
    pub(super) set: Vec<String>,
    /// The limit of open files, soft and hard; none for the test's own.
    pub(super) files: Option<u32>,
    /// Where the service manager listens.
    pub(super) manager: Option<PathBuf>,
}

impl<'a> Serve<'a> {
    pub(super) fn on(simulator: &'a Simulator, data: &'a Path) -> Self {
        Self {
            simulator,
            data,
            listen: format!("127.0.0.1:{}", free_port()),
            set: Vec::new(),
            files: None,
            manager: None,
        }
    }

    pub(super) fn set(mut self, setting: &str) -> Self {
        self.set.push(setting.to_owned());
        self
    }

    /// Starts it and waits until it says where it is.
    pub(super) fn start(&self) -> Served {
        let simulator = self.simulator;
        let (ssh_host, ssh_port) = simulator.cloud_ssh();
        // Only a shell can lower the limits of what it becomes.
        let mut command = Command::new("/bin/sh");
        let limit = self
            .files
            .map_or_else(String::new, |files| format!("ulimit -n {files} && "));
        command
            .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_pipewright"))
            .arg("serve");
        let settings = [
            format!("server.listen={}", self.listen),
            format!("data.directory={}", self.data.display()),
            format!("bitbucket.cloud_web={}", simulator.cloud_web_url()),
            format!("bitbucket.cloud_api={}", simulator.cloud_api_url()),
            format!("bitbucket.cloud_ssh={ssh_host}:{ssh_port}"),
            "comparison.every_seconds=2".to_owned(),
            // Not the one that this machine may have: a test names its own.
            "engine.address=none".to_owned(),
        ];
        for setting in settings.iter().chain(&self.set) {
            command.args(["--set", setting]);
        }
        command
            .env_remove("PIPEWRIGHT_CONFIG")
            .env_remove("NOTIFY_SOCKET")
            .stderr(Stdio::piped());
        if let Some(manager) = &self.manager {
            command.env("NOTIFY_SOCKET", manager);
        }
        let mut served = Served {
            child: command.spawn().expect("the binary starts"),
            url: format!("http://{}", self.listen),
            setup_link: None,
        };
        let stderr = served.child.stderr.take().expect("it is piped");
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Shown with the test's own output if it fails; the reader goes on so that the server never blocks.
                #[expect(clippy::print_stderr, reason = "the test's output")]
                {
                    eprintln!("server: {line}");
                }
                let _ = send.send(line);
            }
        });
        while let Ok(line) = receive.recv_timeout(PATIENCE) {
            if line.contains("/setup/") {
                served.setup_link = Some(line.trim().to_owned());
            }
            if served.setup_link.is_some() || line.starts_with("Open ") {
                return served;
            }
        }
        panic!("the server did not say within {PATIENCE:?} where it listens");
    }
}

/// A running server.
pub(super) struct Served {
    child: Child,
    pub(super) url: String,
    pub(super) setup_link: Option<String>,
}

impl Served {
    /// Sends it a signal, by its name.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success(), "{name} is sent");
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("is ours") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not end");
            pause().await;
        }
    }

    /// Status and text of a page.
    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        let answer = client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .expect("the server answers");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a text"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a moment between two looks at what nothing tells of.
pub(super) async fn pause() {
    let _ = tokio::time::timeout(LOOK, std::future::pending::<()>()).await;
}

/// A simulated Bitbucket with the sample team and one repository `harbor/life` with this pipeline.
pub(super) async fn simulator(pipeline: &str) -> Simulator {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    let cloud = simulator.cloud();
    cloud
        .add_repository("harbor", "life", true)
        .expect("a repository");
    let files = [("bitbucket-pipelines.yml", pipeline)];
    cloud
        .commit("harbor/life", "main", &files, "Begin", "mara")
        .await
        .expect("a commit");
    simulator
}

/// Sets a team up with an application of `harbor/life`, and waits for its webhook.
pub(super) async fn team(simulator: &Simulator, served: &Served) -> Team {
    let link = served.setup_link.as_deref().expect("a first run");
    let mut team = Team::set_up(link).await.expect("sets up");
    team.introduce(simulator).await.expect("introduces");
    team.connect_cloud().await.expect("connects");
    team.add_key_to_cloud(simulator)
        .await
        .expect("adds the key");
    team.make_application("harbor/life")
        .await
        .expect("makes the application");
    simulator
        .cloud()
        .wait_until(PATIENCE, |tables| {
            tables.webhooks.values().next().map(|_| ())
        })
        .await
        .expect("the webhook is made");
    team
}

/// What is stored, for counting.
pub(super) struct Rows {
    pub(super) db: Db,
    account: AccountId,
}

impl Rows {
    pub(super) async fn of(data: &Path) -> Self {
        let database = Database::Sqlite(data.join("pipewright.db"));
        let db = Db::open(&DbOptions {
            database,
            connections: 1,
        })
        .await
        .expect("opens");
        let account = pipewright_store::accounts::by_slug(&db, pipewright::story::ACCOUNT)
            .await
            .expect("reads")
            .expect("is there")
            .id;
        Self { db, account }
    }

    pub(super) async fn builds(&self) -> Vec<Build> {
        pipewright_store::builds::list(&self.db, self.account, &BuildFilter::default(), 1000)
            .await
            .expect("reads")
    }

    /// Waits until this is so of the newest build.
    pub(super) async fn newest(&self, what: &str, is_so: impl Fn(&Build) -> bool) -> Build {
        let begun = Instant::now();
        loop {
            let builds = self.builds().await;
            let newest = builds.into_iter().max_by_key(|build| build.number);
            match newest {
                Some(build) if is_so(&build) => return build,
                newest => assert!(begun.elapsed() < PATIENCE, "{what} never came: {newest:#?}"),
            }
            pause().await;
        }
    }

    /// Waits until the first build runs, and its first step is somebody's.
    pub(super) async fn first_runs(&self) -> Build {
        let build = self
            .newest("the first build", |build| {
                build.state == BuildState::Running
            })
            .await;
        self.runs(&build, 1).await;
        build
    }

    /// Waits until attempt `number` of a build's first step runs.
    pub(super) async fn runs(&self, build: &Build, number: i64) {
        let begun = Instant::now();
        loop {
            let attempts = pipewright_store::attempts::of_build(&self.db, build.id)
                .await
                .expect("reads");
            if attempts.iter().any(|attempt| {
                attempt.number >= number
                    && attempt.claimed_at.is_some()
                    && attempt.outcome.is_none()
            }) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "attempt {number} never ran: {attempts:#?}"
            );
            pause().await;
        }
    }
}
