//! The demonstration's server: the real one, composed as `serve` composes it, on embedded defaults in a temporary directory.

use anyhow::Context;
use pipewright_core::ids::AccountId;
use pipewright_runner::executor::{Executor as _, HostExecutor, Isolation, NotReady};
use pipewright_server::App;
use pipewright_simulator::Simulator;
use pipewright_store::data_directory::DataDirectory;
use pipewright_store::{DbOptions, Permissions};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::commands::serve::{compose, script_environment, take};
use crate::config::{address_of, check, gather};

/// A running server.
pub(super) struct Installation {
    app: App,
    setup_link: String,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), pipewright_server::RunError>>,
    _held: DataDirectory,
    directory: tempfile::TempDir,
    /// Why its steps have no sandbox; `None` where they have one.
    no_sandbox: Option<String>,
}

impl Installation {
    /// Starts with the simulated Cloud in place of Atlassian's.
    pub(super) async fn start(simulator: &Simulator, port: u16) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("pipewright-demo-")
            .tempdir()
            .context("no temporary directory can be made")?;
        let (ssh_host, ssh_port) = simulator.cloud_ssh();
        let settings = [
            format!("data.directory={}", directory.path().display()),
            format!("bitbucket.cloud_web={}", simulator.cloud_web_url()),
            format!("bitbucket.cloud_api={}", simulator.cloud_api_url()),
            format!("bitbucket.cloud_ssh={ssh_host}:{ssh_port}"),
        ];
        let mut config = check(&gather(None, std::iter::empty(), &settings, Vec::new())?)?;
        // The demonstration works everywhere; the server itself would wait for a sandbox.
        let executor = HostExecutor::new(config.server.host.clone());
        let no_sandbox = executor.ready().await.err().map(|NotReady(why)| why);
        if no_sandbox.is_some() {
            config.server.host.isolation = Isolation::None;
        }
        // Its directory goes when it ends, and its steps with it.
        config.server.unattended = None;
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} cannot be listened on"))?;
        config.server.public_url = address_of(listener.local_addr()?);
        let held = take(&config.server.data_directory).await?;
        let database = DbOptions {
            database: config.database,
            connections: 1,
        };
        let app = compose(
            config.server,
            &config.key_file,
            config.git,
            database,
            Permissions::default(),
        )
        .await?;
        let setup_link = pipewright_server::setup_link(&app)
            .await?
            .context("a fresh installation has a set-up link")?;
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(pipewright_server::run(
            app.clone(),
            script_environment(),
            listener,
            pipewright_server::Notify::default(),
            shutdown.clone(),
        ));
        Ok(Self {
            app,
            setup_link,
            shutdown,
            running,
            _held: held,
            directory,
            no_sandbox,
        })
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        self.app.config.public("/")
    }

    /// How its steps run, for people.
    pub(super) fn isolation(&self) -> String {
        match &self.no_sandbox {
            None => "steps run in sandboxes (bubblewrap)".to_owned(),
            Some(why) => {
                let (first, _) = why.split_once(". Until").unwrap_or((why, ""));
                format!("steps run on this machine itself, without a sandbox. {first}")
            }
        }
    }

    /// The one-time link.
    pub(super) fn setup_link(&self) -> &str {
        &self.setup_link
    }

    /// The server's parts, to watch what happens.
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// The account of this slug.
    pub(super) async fn account(&self, slug: &str) -> anyhow::Result<AccountId> {
        let account = pipewright_store::accounts::by_slug(&self.app.db, slug).await?;
        Ok(account
            .with_context(|| format!("there is no account {slug}"))?
            .id)
    }

    /// Drains and removes everything.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.running.await.context("the server panicked")??;
        self.directory
            .close()
            .context("the temporary directory cannot be removed")
    }
}
