//! Every loop of the server: how they begin, and how they end.

use std::sync::Arc;
use std::time::Duration;

use pipewright_core::ids::RunnerId;
use pipewright_runner::executor::HostExecutor;
use pipewright_runner::runner::{Runner, RunnerConfig, RunnerError};
use pipewright_store::StoreError;
use pipewright_store::runners::{RunnerKind, register};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{lanes, queue};
use crate::app::App;
use crate::builds::PlanLane;
use crate::deliveries::decide::DecideLane;
use crate::deliveries::receive;
use crate::scheduler::{EmbeddedDispatcher, end_left_over, expire_leases};
use crate::statuses::StatusLane;

/// How long the runner's drain and every loop's last step may take together.
const DEADLINE: Duration = Duration::from_secs(45);

/// The background work could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database failed.
    #[error("cannot begin the background work")]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error("cannot use {path}; check its owner and free space")]
    Directory {
        /// The file or directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file that names the embedded runner holds something else.
    #[error("{0} does not hold the id of a runner; remove it, and a new one is made")]
    RunnerId(std::path::PathBuf),
}

/// The running loops.
#[derive(Debug)]
pub struct Background {
    tracker: TaskTracker,
    /// Ends the loops.
    cancel: CancellationToken,
    /// Ends the runner: it claims nothing more and lets what runs go on for a while.
    runner: CancellationToken,
    /// Cancelled by the runner where it cannot work.
    failed: CancellationToken,
    /// The runner, until it is waited for.
    runner_task: Option<JoinHandle<()>>,
}

impl Background {
    /// Begins every loop. Attempts that the embedded runner held when its process died are lost, and queued again, before
    /// anything new is claimed. `environment` is the base environment of every script, at least `PATH`.
    pub async fn start(app: &App, environment: Vec<(String, String)>) -> Result<Self, StartError> {
        let mut background = Self {
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            runner: CancellationToken::new(),
            failed: CancellationToken::new(),
            runner_task: None,
        };
        if app.config.runner_slots > 0 {
            background.start_runner(app, environment).await?;
        }
        let background = background;
        let spawn = |future| {
            background.tracker.spawn(future);
        };
        let cancel = || background.cancel.clone();
        spawn(Box::pin(receive::run(app.clone(), cancel())) as BoxFuture);
        spawn(Box::pin(expire_leases(app.clone(), cancel())));
        spawn(Box::pin(crate::artifacts::sweep(app.clone(), cancel())));
        spawn(Box::pin(crate::retention::run(app.clone(), cancel())));
        spawn(Box::pin(queue::run(app.clone(), cancel())));
        spawn(Box::pin(crate::comparison::run(app.clone(), cancel())));
        spawn(Box::pin(crate::integrations::keep(app.clone(), cancel())));
        spawn(Box::pin(crate::schedules::run(app.clone(), cancel())));
        let live = app.live();
        if let Some(hints) = live.decide.listen() {
            let wake = Arc::clone(&app.wakeups.deliveries);
            spawn(Box::pin(lanes::run(
                Arc::new(DecideLane(app.clone())),
                wake,
                hints,
                cancel(),
            )));
        }
        if let Some(hints) = live.plan.listen() {
            let wake = Arc::clone(&app.wakeups.plans);
            spawn(Box::pin(lanes::run(
                Arc::new(PlanLane(app.clone())),
                wake,
                hints,
                cancel(),
            )));
        }
        if let Some(hints) = live.tell.listen() {
            let wake = Arc::clone(&app.wakeups.statuses);
            spawn(Box::pin(lanes::run(
                Arc::new(StatusLane(app.clone())),
                wake,
                hints,
                cancel(),
            )));
        }
        background.tracker.close();
        Ok(background)
    }

    async fn start_runner(
        &mut self,
        app: &App,
        environment: Vec<(String, String)>,
    ) -> Result<(), StartError> {
        let directory = app.config.data_directory.join("runner");
        let id = runner_id(&directory)?;
        let name = format!("embedded-{}", &id.to_string()[20..]);
        let mut tx = app.db.begin().await?;
        register(
            &mut tx,
            id,
            &name,
            RunnerKind::Embedded,
            app.config.runner_slots,
            app.clock.now(),
        )
        .await?;
        tx.commit().await?;
        let lost = end_left_over(app, id).await?;
        if lost > 0 {
            tracing::info!(lost, "attempts of the server that stopped run again");
        }
        let mut config = RunnerConfig::new(name, app.config.runner_slots, directory, || {
            crate::clock::Clock::now(&crate::clock::SystemClock)
        });
        config.environment = environment;
        config.caches = Some(app.caches.clone());
        config.limits.stop_grace = app.config.stop_grace;
        config.limits.workspace = app.config.workspace_bytes;
        config.trouble = app.live().runner_trouble.clone();
        let dispatcher = Arc::new(EmbeddedDispatcher::new(app.clone(), id));
        let executor = Arc::new(HostExecutor::new(app.config.host.clone()));
        let runner = Runner::with_executor(config, app.mirrors.clone(), dispatcher, executor);
        let (shutdown, failed) = (self.runner.clone(), self.failed.clone());
        self.runner_task = Some(tokio::spawn(async move {
            if let Err(error) = runner.run(shutdown).await {
                let error: &RunnerError = &error;
                tracing::error!(error = %super::chain(error), "the embedded runner does not work; nothing is built");
                failed.cancel();
            }
        }));
        Ok(())
    }

    /// Waits until the embedded runner turns out not to work. Never returns while it does.
    pub async fn runner_failed(&self) {
        self.failed.cancelled().await;
    }

    /// Ends everything: the runner first, so that what it still reports is taken, then the loops. True if all ended in
    /// time; what did not is found by the next start.
    pub async fn stop(mut self) -> bool {
        self.runner.cancel();
        let runner = self.runner_task.take();
        let ended = async {
            if let Some(runner) = runner {
                // A runner that panicked has ended as well.
                let _ = runner.await;
            }
            self.cancel.cancel();
            self.tracker.wait().await;
        };
        tokio::time::timeout(DEADLINE, ended).await.is_ok()
    }
}

impl Drop for Background {
    /// Dropped without [`Background::stop`], everything ends at its next look.
    fn drop(&mut self) {
        self.runner.cancel();
        self.cancel.cancel();
    }
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// The embedded runner's id: made once for a data directory, so that after a crash the next process knows what was its
/// own.
fn runner_id(directory: &std::path::Path) -> Result<RunnerId, StartError> {
    let path = directory.join("id");
    let wrong = |source| StartError::Directory {
        path: path.clone(),
        source,
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .map_err(|_| StartError::RunnerId(path.clone())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(directory).map_err(wrong)?;
            let id = RunnerId::new();
            // Written beside and renamed, so that a half-written file is never read.
            let new = directory.join("id.new");
            std::fs::write(&new, id.to_string()).map_err(wrong)?;
            std::fs::rename(&new, &path).map_err(wrong)?;
            Ok(id)
        }
        Err(error) => Err(wrong(error)),
    }
}
