//! `pipewright serve`: compose the parts, run them, drain them.
//!
//! The configuration is checked whole before the port opens; requests are answered when everything behind it stands.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pipewright_git::{Gate, Git, GitOptions, MirrorStore, NotAdmitted};
use pipewright_runner::caches::CacheStore;
use pipewright_server::{App, AppParts, Clock, Notify, ServerConfig, SystemClock};
use pipewright_store::blobs::BlobStore;
use pipewright_store::data_directory::DataDirectory;
use pipewright_store::files::write_durably;
use pipewright_store::logs::LogStore;
use pipewright_store::{Db, DbOptions, Permissions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::open_files;
use super::stop::stop_on_signal;
use crate::backup::MARKER;
use crate::config::{Config, GitLimits, address_of};
use crate::key_file;
use crate::logging::{self, Voice};

/// How long a data directory is waited for that another process has, which may be about to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// How long a taken port is waited for, and the pause between two tries.
const PORT_PATIENCE: Duration = Duration::from_secs(5);
const PORT_PAUSE: Duration = Duration::from_millis(20);

/// Runs until asked to stop.
pub(super) fn run(config: Config) -> anyhow::Result<ExitCode> {
    let voice = logging::start(&config)?;
    let ended = run_with(config, &voice);
    voice.flush();
    ended
}

fn run_with(config: Config, voice: &Voice) -> anyhow::Result<ExitCode> {
    let files = open_files::raise();
    // An address that nobody listens at is the service manager's trouble: the server is of use without it.
    let notify = Notify::new(
        std::env::var_os("NOTIFY_SOCKET").as_deref(),
        std::env::var("WATCHDOG_USEC").ok().as_deref(),
    )
    .unwrap_or_else(|error| {
        tracing::warn!(%error, "the service manager at NOTIFY_SOCKET cannot be reached");
        Notify::default()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    runtime.block_on(async {
        // Before the port, the database and the runner's attempts: whoever does not have the directory touches nothing.
        let _held = take(&config.server.data_directory).await?;
        let listen = config.listen;
        let listener = bind(listen).await.with_context(|| {
            format!(
                "cannot listen on {listen}; is another server running there? Change server.listen"
            )
        })?;
        let mut server = config.server;
        server.connections = open_files::connections(server.connections, files);
        server.engine = config.engine_address.find(config.engine);
        if !config.public_url_is_given {
            server.public_url = address_of(listener.local_addr()?);
        }
        warn_of_risks(&server, config.public_url_is_given);
        let app = compose(
            server,
            &config.key_file,
            config.git,
            DbOptions {
                database: config.database,
                connections: config.connections,
            },
            Permissions {
                without_copy: config.migrate_without_copy,
            },
        )
        .await?;
        if let Some(warning) = app.config.host.isolation.warning() {
            tracing::warn!("{warning}");
        }
        if let Some(engine) = &app.config.engine {
            tracing::info!(socket = %engine.socket.display(), "steps run in containers");
        } else {
            tracing::info!(
                "steps run with the programs of this machine, without their images: no container engine was found (setting engine.address)"
            );
        }
        for program in missing_programs() {
            tracing::error!(
                "{program} is not on the PATH: nothing can be built until it is installed"
            );
        }
        welcome(&app, &listener, voice).await?;
        let shutdown = CancellationToken::new();
        tokio::spawn(stop_on_signal(shutdown.clone()));
        pipewright_server::run(app, script_environment(), listener, notify, shutdown).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Opens the port. A server that was killed a moment ago may have left it to a process it was just starting, so a taken
/// port is tried again for a while.
async fn bind(listen: std::net::SocketAddr) -> std::io::Result<TcpListener> {
    let deadline = tokio::time::Instant::now() + PORT_PATIENCE;
    loop {
        match TcpListener::bind(listen).await {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(PORT_PAUSE).await;
            }
            bound => return bound,
        }
    }
}

/// Takes the data directory for this process, and says what is not as private in it as it should be.
pub(super) async fn take(path: &Path) -> anyhow::Result<DataDirectory> {
    take_for(path, false).await
}

/// The same for `pipewright restore`, which may go on where an earlier one was interrupted.
pub(super) async fn take_to_restore(path: &Path) -> anyhow::Result<DataDirectory> {
    take_for(path, true).await
}

async fn take_for(path: &Path, is_restoring: bool) -> anyhow::Result<DataDirectory> {
    let held = DataDirectory::take(path, LOCK_PATIENCE).await?;
    // The restore itself goes on from there.
    if !is_restoring && path.join(MARKER).exists() {
        anyhow::bail!(
            "a backup was restored into {} and not to its end; run `pipewright restore` again, or empty the directory",
            path.display()
        );
    }
    for path in held.tightened() {
        tracing::warn!(path = %path.display(), "other users could read this; they no longer can");
    }
    for path in held.loose() {
        tracing::warn!(path = %path.display(), "other users can read this, and it belongs to somebody else: change its owner or mode");
    }
    Ok(held)
}

/// Puts the server's parts together. The caller has taken the data directory.
pub(super) async fn compose(
    server: ServerConfig,
    key_file: &Path,
    limits: GitLimits,
    database: DbOptions,
    permissions: Permissions,
) -> anyhow::Result<App> {
    let outgoing = Arc::new(pipewright_bitbucket::Outgoing::new(always_allowed(&server)));
    let options = pipewright_bitbucket::HttpOptions {
        outgoing: Arc::clone(&outgoing),
        extra_ca_pem: server.extra_ca_pem.clone().unwrap_or_default().into_bytes(),
        ..pipewright_bitbucket::HttpOptions::default()
    };
    // Reading the machine's certificate authorities takes as long as opening the database: both at once.
    let http = tokio::task::spawn_blocking(move || pipewright_bitbucket::Http::new(options));
    // A key that cannot be used stops the start before the database is touched.
    key_file::read(key_file)?;
    let db = Db::open_with(&database, permissions).await?;
    let vault = key_file::open(key_file, &db, SystemClock.now()).await?;
    let http = http.await.context("the HTTP client cannot be prepared")??;
    let logs = LogStore::open(server.data_directory.join("logs"))
        .context("the directory of logs cannot be made")?;
    let blobs = BlobStore::open(server.data_directory.join("artifacts"))
        .context("the directory of artifacts cannot be made")?;
    let caches = CacheStore::new(
        server.data_directory.join("runner/caches"),
        server.cache_bytes,
        || SystemClock.now(),
    );
    let environment = script_environment();
    let path = environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, path)| path.clone());
    let defaults = GitOptions::default();
    let options = GitOptions {
        path: path.unwrap_or(defaults.path),
        ca_file: authorities(&server)?,
        fetch_timeout: limits.fetch,
        local_timeout: limits.local,
        connect_timeout: limits.connect,
        environment,
        gate: Some(gate(outgoing)),
        ..defaults
    };
    let git = Git::new(options, &server.data_directory).context("git cannot be prepared")?;
    let mirrors = MirrorStore::open(server.data_directory.join("mirrors"), git)
        .context("the directory of mirrors cannot be made")?;
    let parts = AppParts {
        db,
        vault,
        clock: Arc::new(SystemClock),
        config: server,
        logs,
        blobs,
        caches,
        http,
        mirrors,
    };
    Ok(App::new(parts))
}

/// git and ssh connect where the policy allows it at that moment, and nowhere else.
fn gate(outgoing: Arc<pipewright_bitbucket::Outgoing>) -> Gate {
    Gate::new(move |host, port| {
        let outgoing = Arc::clone(&outgoing);
        async move {
            let admitted = outgoing.admit(&host, port).await;
            admitted.map_err(|refused| NotAdmitted(refused.to_string()))
        }
    })
}

/// Where the server may connect to whatever administrators say: Bitbucket Cloud, and the proxies of its environment.
fn always_allowed(server: &ServerConfig) -> Vec<pipewright_bitbucket::Pattern> {
    const PROXIES: &[&str] = &[
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ];
    let at = |url: &url::Url| {
        let host = url.host_str()?;
        Some(format!("{host}:{}", url.port_or_known_default()?))
    };
    let proxies = PROXIES
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .filter_map(|text| text.parse().ok());
    [server.cloud.web.clone(), server.cloud.api.clone()]
        .into_iter()
        .chain(proxies)
        .filter_map(|url| at(&url))
        .chain([format!(
            "{}:{}",
            server.cloud.ssh_host, server.cloud.ssh_port
        )])
        .filter_map(|text| text.parse().ok())
        .collect()
}

/// git takes one file of authorities in place of the system's, so the private ones are written behind the public ones.
fn authorities(server: &ServerConfig) -> anyhow::Result<Option<PathBuf>> {
    const SYSTEM: &[&str] = &[
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ];
    let Some(extra) = &server.extra_ca_pem else {
        return Ok(None);
    };
    let public = SYSTEM
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    let path = server.data_directory.join("authorities.pem");
    write_durably(&path, format!("{public}\n{extra}").as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Some(path))
}

/// What scripts of the embedded runner inherit from this process: where programs are, and how to reach the outside.
/// Nothing else, because the server's own environment may hold its secrets.
pub(super) fn script_environment() -> Vec<(String, String)> {
    const INHERITED: &[&str] = &[
        "PATH",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "TZ",
    ];
    INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect()
}

/// The programs that builds need and that are not where they are looked for.
fn missing_programs() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| GitOptions::default().path.into());
    let is_there =
        |name: &str| std::env::split_paths(&path).any(|directory| directory.join(name).is_file());
    ["git", "ssh"]
        .into_iter()
        .filter(|name| !is_there(name))
        .collect()
}

/// Says where to go, and on the first run gives the one-time set-up link.
async fn welcome(app: &App, listener: &TcpListener, voice: &Voice) -> anyhow::Result<()> {
    voice.say(&format!(
        "Pipewright {} listens on http://{}\n",
        env!("CARGO_PKG_VERSION"),
        listener.local_addr()?
    ));
    match pipewright_server::setup_link(app).await? {
        Some(link) => voice.say(&format!(
            "\nFirst run: make the administrator here (the link works once):\n\n    {link}\n\n"
        )),
        None => voice.say(&format!("Open {}\n", app.config.public("/"))),
    }
    Ok(())
}

/// Says what an operator should know before something happens.
fn warn_of_risks(server: &ServerConfig, public_url_is_given: bool) {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if is_root {
        tracing::warn!(
            "the server runs as root: whatever breaks out of it owns the machine; run it as a user of its own"
        );
    }
    let host = server.public_url.host_str().unwrap_or_default();
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    if public_url_is_given && server.public_url.scheme() == "http" && !is_local {
        tracing::warn!(
            public_url = %server.public_url,
            "the public address is not encrypted: passwords and sessions can be read on their way; put a proxy with TLS before it and give its https address as server.public_url"
        );
    }
}
