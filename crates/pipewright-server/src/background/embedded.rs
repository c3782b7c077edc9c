//! The embedded runner as a part of the server: what it needs is made ready each time it begins, so that a disk that was
//! full, or a lock that another process still had, costs time and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use pipewright_core::ids::RunnerId;
use pipewright_runner::executor::{EitherExecutor, EngineExecutor, EngineOptions, HostExecutor};
use pipewright_runner::keeper::KeeperConfig;
use pipewright_runner::runner::{Runner, RunnerConfig, RunnerError};
use pipewright_store::StoreError;
use pipewright_store::files::write_durably;
use pipewright_store::runners::{RunnerKind, register};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ground::chain;
use crate::live::Part;
use crate::scheduler::EmbeddedDispatcher;

/// The embedded runner cannot begin.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    /// The database failed.
    #[error("the database does not accept the runner")]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error("cannot use {path}; check its owner and free space")]
    Directory {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file that names the embedded runner holds something else.
    #[error("{0} does not hold the id of a runner; remove it, and a new one is made")]
    RunnerId(PathBuf),
    /// The runner itself.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// See the module.
#[derive(Debug)]
pub(super) struct EmbeddedRunner {
    app: App,
    environment: Vec<(String, String)>,
}

impl EmbeddedRunner {
    pub(super) const fn new(app: App, environment: Vec<(String, String)>) -> Self {
        Self { app, environment }
    }

    /// Claims and runs until `shutdown`, then drains.
    pub(super) async fn run(&self, shutdown: CancellationToken) -> Result<(), String> {
        self.begin(shutdown).await.map_err(|error| chain(&error))
    }

    /// Attempts that this runner held when an earlier process ended go on with their keepers or are queued again before
    /// anything new is claimed, and not before the directory is ours.
    async fn begin(&self, shutdown: CancellationToken) -> Result<(), BeginError> {
        let app = &self.app;
        let directory = app.config.data_directory.join("runner");
        let id = runner_id(&directory)?;
        let name = format!("embedded-{}", &id.to_string()[20..]);
        let mut tx = app.db.begin().await?;
        let slots = app.config.runner_slots;
        let now = app.clock.now();
        register(&mut tx, id, &name, RunnerKind::Embedded, slots, now).await?;
        tx.commit().await?;
        let mut config = RunnerConfig::new(name, slots, directory, || {
            crate::clock::Clock::now(&crate::clock::SystemClock)
        });
        config.environment = self.environment.clone();
        config.caches = Some(app.caches.clone());
        config.log_limit = app.config.log_bytes;
        config.drain = app.config.drain;
        config.limits.stop_grace = app.config.stop_grace;
        config.limits.workspace = app.config.workspace_bytes;
        // Its own containers are told from those of other runners by its name.
        let engine = app.config.engine.clone().map(|engine| EngineOptions {
            owner: config.name.clone(),
            ..engine
        });
        config.keeper = app.config.unattended.map(|alone| KeeperConfig {
            host: app.config.host.clone(),
            engine: engine.clone(),
            alone,
        });
        config.trouble = app.live().runner_trouble.clone();
        let dispatcher = Arc::new(EmbeddedDispatcher::new(app.clone(), id));
        let executor = Arc::new(EitherExecutor::new(
            HostExecutor::new(app.config.host.clone()),
            engine.map(EngineExecutor::new),
        ));
        let runner = Runner::with_executor(config, app.mirrors.clone(), dispatcher, executor);
        let ready = runner.prepare().await?;
        app.live().vitals.well(Part::Runner);
        app.live().vitals.begins(Part::Room);
        let mut trouble = app.live().runner_trouble.subscribe();
        let told = async {
            loop {
                let why = trouble.borrow_and_update().clone();
                match why {
                    Some(why) => app.live().vitals.unwell(Part::Runner, why),
                    None => app.live().vitals.well(Part::Runner),
                }
                if trouble.changed().await.is_err() {
                    return std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            () = ready.run(shutdown) => Ok(()),
            () = told => Ok(()),
        }
    }
}

/// The embedded runner's id: made once for a data directory, so that after a crash the next process knows what was its
/// own.
fn runner_id(directory: &std::path::Path) -> Result<RunnerId, BeginError> {
    let path = directory.join("id");
    let wrong = |source| BeginError::Directory {
        path: path.clone(),
        source,
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| BeginError::RunnerId(path.clone())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(directory).map_err(wrong)?;
            let id = RunnerId::new();
            write_durably(&path, id.to_string().as_bytes()).map_err(wrong)?;
            Ok(id)
        }
        Err(error) => Err(wrong(error)),
    }
}
