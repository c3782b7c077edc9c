//! A whole server in this process, composed as `pipewright serve` composes it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use pipewright_bitbucket::{Http, HttpOptions};
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_git::{Git, GitOptions, MirrorStore};
use pipewright_runner::caches::CacheStore;
use pipewright_runner::executor::{HostOptions, Isolation};
use pipewright_server::{App, AppParts, CloudAddresses, RunError, ServerConfig, SystemClock};
use pipewright_store::attempts::{self, Attempt};
use pipewright_store::blobs::BlobStore;
use pipewright_store::builds::{self, Build, BuildFilter};
use pipewright_store::logs::LogStore;
use pipewright_store::{Database, Db, DbOptions, Vault, VaultKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::delivery::Hook;
use crate::seed::{Remote, Seeded, seed};

/// Longer than any measurement: what would be done by itself is not.
const NEVER: Duration = Duration::from_hours(24);

/// How often a build is looked at.
const LOOK: Duration = Duration::from_millis(3);

/// How long one build may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// A data directory with its key and what was seeded into it. Servers are started on it, one after another.
#[derive(Debug)]
pub(crate) struct Home {
    directory: PathBuf,
    vault: Vault,
    isolation: Isolation,
    pub(crate) seeded: Seeded,
}

impl Home {
    /// Makes a data directory and seeds it.
    pub(crate) async fn furnish(directory: &Path, remote: &Remote) -> anyhow::Result<Self> {
        let vault = Vault::new(&VaultKey::generate());
        let db = open_database(directory).await?;
        let seeded = seed(&db, &vault, remote).await?;
        db.close().await;
        Ok(Self {
            directory: directory.to_owned(),
            vault,
            isolation: Isolation::Sandbox,
            seeded,
        })
    }

    /// Its steps run so.
    pub(crate) fn isolated(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Starts a server with an embedded runner of this many slots; 0 for none.
    pub(crate) async fn serve(&self, slots: usize) -> anyhow::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = self.compose(address, slots).await?;
        let shutdown = CancellationToken::new();
        let environment = vec![("PATH".to_owned(), GitOptions::default().path)];
        let running = tokio::spawn(pipewright_server::run(
            app.clone(),
            environment,
            listener,
            pipewright_server::Notify::default(),
            shutdown.clone(),
        ));
        let hook = Hook {
            address,
            path: self.seeded.hook_path.clone(),
            secret: self.seeded.hook_secret.clone(),
        };
        Ok(Server {
            app,
            address,
            hook,
            shutdown,
            running,
        })
    }

    async fn compose(&self, address: SocketAddr, slots: usize) -> anyhow::Result<App> {
        let directory = &self.directory;
        let url = |text: &str| text.parse::<url::Url>().context("a URL");
        let config = ServerConfig {
            public_url: url(&format!("http://{address}"))?,
            data_directory: directory.clone(),
            cloud: CloudAddresses {
                web: url("https://bitbucket.org")?,
                api: url("https://api.bitbucket.org/2.0")?,
                ssh_host: "bitbucket.org".to_owned(),
                ssh_port: 22,
                known_hosts: String::new(),
            },
            webhooks_reach_us: true,
            compare_refs_every: NEVER,
            poll_refs_every: NEVER,
            runner_slots: slots,
            runner_labels: vec!["self.hosted".to_owned(), "linux".to_owned()],
            session_lifetime: NEVER,
            session_longest: NEVER,
            trusted_proxies: Vec::new(),
            outgoing: Vec::new(),
            extra_ca_pem: None,
            delivery_body_limit: 25 << 20,
            cache_bytes: 1 << 30,
            log_bytes: 1_000_000_000,
            artifact_keep: Duration::from_hours(24 * 14),
            host: HostOptions {
                isolation: self.isolation,
                ..HostOptions::default()
            },
            engine: None,
            workspace_bytes: None,
            retention: pipewright_server::Retention::default(),
            stop_grace: Duration::from_secs(10),
            unattended: Some(Duration::from_mins(10)),
            drain: Duration::from_secs(30),
            connections: 4096,
            floors: pipewright_server::Floors::default(),
        };
        let git = Git::new(GitOptions::default(), directory)?;
        Ok(App::new(AppParts {
            db: open_database(directory).await?,
            vault: self.vault.clone(),
            clock: Arc::new(SystemClock),
            config,
            logs: LogStore::open(directory.join("logs"))?,
            caches: CacheStore::new(directory.join("runner/caches"), 1 << 30, || {
                pipewright_server::Clock::now(&SystemClock)
            }),
            blobs: BlobStore::open(directory.join("artifacts"))?,
            http: Http::new(HttpOptions::default())?,
            mirrors: MirrorStore::open(directory.join("mirrors"), git)?,
        }))
    }
}

/// A database in this directory, as a server opens it.
pub(crate) async fn open_database(directory: &Path) -> anyhow::Result<Db> {
    Ok(Db::open(&DbOptions {
        database: Database::Sqlite(directory.join("pipewright.db")),
        connections: 1,
    })
    .await?)
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) address: SocketAddr,
    pub(crate) hook: Hook,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), RunError>>,
}

impl Server {
    /// Pushes `main`, which nothing is built of, so that its commit is in the mirror. It is build #1.
    pub(crate) async fn warm_mirror(&self, home: &Home, commit: &str) -> anyhow::Result<()> {
        self.hook.push("main", commit).await?;
        let build = self
            .until(home, 1, |build| build.state.is_finished())
            .await?;
        ensure!(
            build.state == BuildState::Finished(BuildOutcome::Skipped),
            "the first build is {}: {:?}",
            build.state.as_str(),
            build.state_message
        );
        Ok(())
    }

    /// Waits until the newest build is this one and as it is wanted.
    pub(crate) async fn until(
        &self,
        home: &Home,
        number: usize,
        wanted: impl Fn(&Build) -> bool,
    ) -> anyhow::Result<Build> {
        let wait = async {
            loop {
                let newest = builds::list(
                    &self.app.db,
                    home.seeded.account,
                    &BuildFilter::default(),
                    1,
                )
                .await?
                .pop();
                if let Some(build) =
                    newest.filter(|build| build.number == number as i64 && wanted(build))
                {
                    return anyhow::Ok(build);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .with_context(|| format!("build #{number} does not get on"))?
    }

    /// Waits until the newest build is this one and has passed; its one attempt.
    pub(crate) async fn until_passed(
        &self,
        home: &Home,
        number: usize,
    ) -> anyhow::Result<(Build, Attempt)> {
        let build = self
            .until(home, number, |build| build.state.is_finished())
            .await?;
        ensure!(
            build.state == BuildState::Finished(BuildOutcome::Passed),
            "build #{number} is {}: {:?}",
            build.state.as_str(),
            build.state_message
        );
        let attempt = attempts::of_build(&self.app.db, build.id)
            .await?
            .pop()
            .context("a build that passed has an attempt")?;
        Ok((build, attempt))
    }

    /// Drains it and closes its database.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        Ok(self.running.await.context("the server panicked")??)
    }
}
