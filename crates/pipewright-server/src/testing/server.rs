//! The server's life in a test: start, kill, start again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pipewright_bitbucket::{Http, HttpOptions};
use pipewright_core::ids::{AccountId, ApplicationId, RepositoryId};
use pipewright_git::{Git, GitOptions, MirrorStore};
use pipewright_runner::caches::CacheStore;
use pipewright_runner::executor::{HostOptions, Isolation};
use pipewright_simulator::{Installation, Product, Simulator, SimulatorOptions};
use pipewright_store::applications;
use pipewright_store::blobs::BlobStore;
use pipewright_store::logs::LogStore;
use pipewright_store::{Database, Db, DbOptions, Vault, VaultKey};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use url::Url;

use super::connect::{Connected, connect};
use crate::background::Background;
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::ground::Retention;
use crate::{App, AppParts, CloudAddresses, Floors, Notify, ServerConfig};

/// How the server and its application are set up.
#[derive(Debug, Clone)]
pub struct TestOptions {
    /// At which Bitbucket.
    pub product: Product,
    /// Attempts at a time; 0 for a server without a runner.
    pub runner_slots: usize,
    /// Labels of the embedded runner; the usual ones.
    pub runner_labels: Vec<String>,
    /// False for an installation that Bitbucket cannot reach.
    pub webhooks_reach_us: bool,
    /// How often refs are compared, either way.
    pub compare_every: Duration,
    /// Whether a newer build of a branch stops the older ones.
    pub cancel_superseded: bool,
    /// Whether tags are built.
    pub build_tags: bool,
    /// Names or patterns of the branches that are built; none for every one.
    pub branches: Vec<&'static str>,
    /// How long artifacts are kept.
    pub artifact_keep: Duration,
    /// How long everything else is kept.
    pub retention: Retention,
    /// False for a server in which nothing happens by itself.
    pub works: bool,
    /// The URL of an empty PostgreSQL database; none for SQLite in the data directory.
    pub postgres: Option<String>,
    /// Where the data directory is made; none for the system's own place.
    pub directory: Option<PathBuf>,
    /// A clock that the test moves; none for the machine's.
    pub clock: Option<Arc<ManualClock>>,
    /// What the machine must have left for a step to begin.
    pub floors: Floors,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            product: Product::Datacenter,
            runner_slots: 2,
            runner_labels: pipewright_spec::USUAL_LABELS
                .iter()
                .map(|label| (*label).to_owned())
                .collect(),
            webhooks_reach_us: true,
            compare_every: Duration::from_hours(1),
            cancel_superseded: false,
            build_tags: true,
            branches: Vec::new(),
            artifact_keep: Duration::from_hours(24 * 14),
            retention: Retention::default(),
            works: true,
            postgres: None,
            directory: None,
            clock: None,
            // Whatever the machine has left: tests run where others build.
            floors: Floors::default(),
        }
    }
}

/// A server with one application, and its Bitbucket.
#[derive(Debug)]
pub struct TestServer {
    /// The simulated Bitbuckets.
    pub simulator: Simulator,
    /// The server's parts, for what no word below says.
    pub app: App,
    /// The address of the server.
    pub url: Url,
    pub(super) options: TestOptions,
    pub(super) connected: Connected,
    runtime: Option<Runtime>,
    key: String,
    directory: tempfile::TempDir,
    /// Keeps the port while the server is down: bound, never listening.
    _port: TcpSocket,
}

impl TestServer {
    /// A server with an application of an almost empty repository at a Data Center.
    pub async fn start() -> Self {
        Self::with(TestOptions::default()).await
    }

    /// A server set up otherwise.
    pub async fn with(options: TestOptions) -> Self {
        let simulator = Simulator::start(SimulatorOptions::default())
            .await
            .expect("the simulator starts");
        let directory = match &options.directory {
            Some(place) => tempfile::tempdir_in(place),
            None => tempfile::tempdir(),
        }
        .expect("a directory");
        let port = reserve();
        let address = port.local_addr().expect("an address");
        let url: Url = format!("http://{address}").parse().expect("a URL");
        let key = VaultKey::generate().to_text().expose().to_owned();
        let app = open(directory.path(), &url, &key, &simulator, &options).await;
        let connected = connect(&app, &simulator, &options).await;
        if let Some(clock) = &options.clock {
            // The server begins after what it begins with.
            clock.advance(Duration::from_secs(1));
        }
        let runtime = serve(&app, address, options.works).await;
        let server = Self {
            simulator,
            app,
            url,
            options,
            connected,
            runtime: Some(runtime),
            key,
            directory,
            _port: port,
        };
        if server.options.works {
            server.first_comparison().await;
        }
        server
    }

    /// Waits for the comparison of refs that every start begins with, so that it does not meet a test's pushes.
    async fn first_comparison(&self) {
        let compared = async || {
            applications::get(&self.app.db, self.application())
                .await
                .expect("reads")
                .and_then(|found| found.refs_compared_at)
        };
        let noted = self.connected.compared_at;
        self.until("the first comparison", async || {
            (compared().await > noted).then_some(())
        })
        .await;
    }

    /// The Bitbucket that the application is at.
    pub fn bitbucket(&self) -> &Arc<Installation> {
        match self.options.product {
            Product::Cloud => self.simulator.cloud(),
            Product::Datacenter => self.simulator.datacenter(),
        }
    }

    /// The repository's full name at Bitbucket.
    pub fn repository(&self) -> &str {
        &self.connected.full_name
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.connected.account
    }

    /// The application.
    pub fn application(&self) -> ApplicationId {
        self.connected.application
    }

    /// The repository's id.
    pub fn repository_id(&self) -> RepositoryId {
        self.connected.repository
    }

    /// Where the server keeps its data.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends the server without a word, wherever it stands: every task is dropped at once, nothing is drained.
    pub async fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10)))
                .await
                .expect("the runtime ends");
        }
    }

    /// Starts the server again on the same data and port.
    pub async fn restart(&mut self) {
        self.kill().await;
        let address: SocketAddr = self.url.authority().parse().expect("an address");
        self.app = open(
            self.directory.path(),
            &self.url,
            &self.key,
            &self.simulator,
            &self.options,
        )
        .await;
        self.runtime = Some(serve(&self.app, address, self.options.works).await);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime must not wait for its end inside another one.
            runtime.shutdown_background();
        }
    }
}

/// A free port that nobody else is given.
fn reserve() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .expect("a port");
    socket
}

async fn open(
    directory: &Path,
    url: &Url,
    key: &str,
    simulator: &Simulator,
    options: &TestOptions,
) -> App {
    let database = match &options.postgres {
        Some(url) => Database::Postgres(url.clone()),
        None => Database::Sqlite(directory.join("test.db")),
    };
    let db = Db::open(&DbOptions {
        database,
        connections: 4,
    })
    .await
    .expect("SQLite opens");
    let parsed = |text: String| text.parse::<Url>().expect("a URL");
    let (ssh_host, ssh_port) = simulator.cloud_ssh();
    let config = ServerConfig {
        public_url: url.clone(),
        data_directory: directory.to_owned(),
        cloud: CloudAddresses {
            web: parsed(simulator.cloud_web_url()),
            api: parsed(simulator.cloud_api_url()),
            ssh_host,
            ssh_port,
            known_hosts: String::new(),
        },
        webhooks_reach_us: options.webhooks_reach_us,
        compare_refs_every: options.compare_every,
        poll_refs_every: options.compare_every,
        runner_slots: options.runner_slots,
        runner_labels: options.runner_labels.clone(),
        session_lifetime: Duration::from_hours(24),
        session_longest: Duration::from_hours(24 * 90),
        trusted_proxies: Vec::new(),
        outgoing: Vec::new(),
        extra_ca_pem: None,
        delivery_body_limit: 1024 * 1024,
        log_bytes: 1_000_000_000,
        cache_bytes: 1 << 30,
        artifact_keep: options.artifact_keep,
        // Steps of these tests meet at files outside of their workspaces. Sandboxes have tests of their own: of the runner, and
        // from outside.
        host: HostOptions {
            isolation: Isolation::None,
            ..HostOptions::default()
        },
        engine: None,
        workspace_bytes: None,
        retention: options.retention,
        stop_grace: Duration::from_millis(500),
        unattended: None,
        drain: Duration::from_secs(5),
        connections: 1000,
        floors: options.floors,
    };
    let git = Git::new(GitOptions::default(), &std::env::temp_dir()).expect("a runtime directory");
    App::new(AppParts {
        db,
        vault: Vault::new(&key.parse().expect("a key")),
        clock: options.clock.clone().map_or_else(
            || Arc::new(SystemClock) as Arc<dyn Clock>,
            |clock| clock as Arc<dyn Clock>,
        ),
        config,
        logs: LogStore::open(directory.join("logs")).expect("a log store"),
        caches: CacheStore::new(directory.join("runner/caches"), 1 << 30, || {
            Clock::now(&SystemClock)
        }),
        blobs: BlobStore::open(directory.join("artifacts")).expect("a place"),
        http: Http::new(HttpOptions::default()).expect("a client"),
        mirrors: MirrorStore::open(directory.join("mirrors"), git).expect("a directory"),
    })
}

/// Begins to answer and to work, in a runtime of its own.
async fn serve(app: &App, address: SocketAddr, works: bool) -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let app = app.clone();
    runtime
        .spawn(async move {
            let listener = TcpListener::bind(address).await.expect("the port is ours");
            let background = if works {
                Some(Background::start(
                    &app,
                    vec![("PATH".to_owned(), path)],
                    Notify::default(),
                ))
            } else {
                None
            };
            let service = crate::router(app).into_make_service_with_connect_info::<SocketAddr>();
            tokio::spawn(async move {
                // The loops end with whoever holds them.
                let _background = background;
                axum::serve(listener, service).await
            });
        })
        .await
        .expect("the server begins");
    runtime
}
