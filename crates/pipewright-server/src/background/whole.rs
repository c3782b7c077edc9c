//! Every loop of the server: how they begin, and how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::embedded::EmbeddedRunner;
use super::listen::{Connections, accept};
use super::notify::{self, Notify};
use super::supervise::{Policy, Supervisor, Working};
use super::{lanes, probe, queue};
use crate::app::App;
use crate::builds::PlanLane;
use crate::deliveries::decide::DecideLane;
use crate::deliveries::receive;
use crate::live::{Hints, Part};
use crate::scheduler::expire_leases;
use crate::statuses::StatusLane;
use crate::{integrations, repositories, webhooks};

/// How long every loop's last step may take.
const LAST_STEPS: Duration = Duration::from_secs(10);

/// How long open requests may take to end.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How long after its drain the runner may take to report and to clean up.
const LAST_REPORTS: Duration = Duration::from_secs(10);

/// The running parts. They end in this order: the runner, which lets steps go on for the drain time; everything that works
/// by itself; and the intake last, so that a webhook is answered until the process ends.
#[derive(Debug)]
pub struct Background {
    app: App,
    /// What must end before the intake does.
    runner: Stage,
    loops: Stage,
    intake: Stage,
    connections: Arc<Connections>,
    notify: Arc<Notify>,
}

/// Parts that end together.
#[derive(Debug)]
struct Stage {
    supervisor: Supervisor,
    cancel: CancellationToken,
}

impl Stage {
    fn new(app: &App) -> Self {
        Self {
            supervisor: Supervisor::new(Arc::clone(&app.live().vitals)),
            cancel: CancellationToken::new(),
        }
    }

    /// Keeps a loop at work.
    fn keep<F: Future<Output = ()> + Send + 'static>(
        &self,
        app: &App,
        part: Part,
        policy: Policy,
        run: impl Fn(App, CancellationToken) -> F + Send + 'static,
    ) {
        let (app, cancel) = (app.clone(), self.cancel.clone());
        self.supervisor
            .keep(part, policy, self.cancel.clone(), move || {
                let running = run(app.clone(), cancel.clone());
                Box::pin(async move {
                    running.await;
                    Ok(())
                }) as Working
            });
    }

    /// Keeps a lane at work.
    fn lane<L: crate::ground::Lane>(&self, app: &App, lane: L, hints: &Hints<L::Key>) {
        let (lane, hints) = (Arc::new(lane), hints.clone());
        self.keep(app, L::PART, Policy::Restart, move |app, cancel| {
            lanes::run(
                Arc::clone(&lane),
                hints.clone(),
                Arc::clone(&app.live().vitals),
                cancel,
            )
        });
    }

    /// Ends its parts. True if they did in time.
    async fn end(&self, within: Duration) -> bool {
        self.cancel.cancel();
        tokio::time::timeout(within, self.supervisor.ended())
            .await
            .is_ok()
    }
}

impl Background {
    /// Begins every part. `environment` is the base environment of every script, at least `PATH`. What cannot work at the
    /// moment is tried again, and seen in health. `notify` is told when it answers, and how it is.
    pub fn start(app: &App, environment: Vec<(String, String)>, notify: Notify) -> Self {
        let background = Self {
            app: app.clone(),
            runner: Stage::new(app),
            loops: Stage::new(app),
            intake: Stage::new(app),
            connections: Arc::new(Connections::new(app.config.connections)),
            notify: Arc::new(notify),
        };
        let notify = Arc::clone(&background.notify);
        background
            .intake
            .keep(app, Part::Notify, Policy::Restart, move |app, cancel| {
                notify::run(app, Arc::clone(&notify), cancel)
            });
        background
            .intake
            .keep(app, Part::Intake, Policy::Needed, receive::run);
        background.begin_loops();
        if app.config.runner_slots > 0 {
            let runner = Arc::new(EmbeddedRunner::new(app.clone(), environment));
            let cancel = background.runner.cancel.clone();
            background.runner.supervisor.keep(
                Part::Runner,
                Policy::Restart,
                cancel.clone(),
                move || {
                    let (runner, cancel) = (Arc::clone(&runner), cancel.clone());
                    Box::pin(async move { runner.run(cancel).await })
                },
            );
        }
        background
    }

    /// Answers requests by `router` from now on, until [`Background::close`].
    pub fn answer(&self, listener: TcpListener, router: Router) {
        let (listener, connections) = (Arc::new(listener), Arc::clone(&self.connections));
        self.intake.keep(
            &self.app,
            Part::Listener,
            Policy::Needed,
            move |app, cancel| {
                accept(
                    Arc::clone(&listener),
                    router.clone(),
                    Arc::clone(&connections),
                    Arc::clone(&app.live().vitals),
                    cancel,
                )
            },
        );
        self.notify.ready();
    }

    fn begin_loops(&self) {
        let (app, loops) = (&self.app, &self.loops);
        let live = app.live();
        let often = Policy::Restart;
        loops.lane(app, DecideLane(app.clone()), &live.decide);
        loops.lane(app, PlanLane(app.clone()), &live.plan);
        loops.lane(app, StatusLane(app.clone()), &live.tell);
        loops.keep(app, Part::Database, often, probe::run);
        loops.keep(app, Part::Leases, often, expire_leases);
        loops.keep(app, Part::Artifacts, often, crate::artifacts::sweep);
        loops.keep(app, Part::Retention, often, crate::retention::run);
        loops.keep(app, Part::Tasks, often, queue::run);
        loops.keep(app, Part::Comparison, often, crate::comparison::run);
        loops.keep(app, Part::Schedules, often, crate::schedules::run);
        loops.keep(app, Part::Listings, often, |app, stop| {
            integrations::keep(app, stop, Part::Listings, repositories::list_due)
        });
        loops.keep(app, Part::Inspections, often, |app, stop| {
            integrations::keep(app, stop, Part::Inspections, repositories::inspect_due)
        });
        loops.keep(app, Part::Keys, often, |app, stop| {
            integrations::keep(app, stop, Part::Keys, integrations::check_due_keys)
        });
        loops.keep(app, Part::Webhooks, often, |app, stop| {
            integrations::keep(app, stop, Part::Webhooks, webhooks::keep)
        });
    }

    /// Waits until a part that the server cannot do without has ended for good, and says why.
    pub async fn gave_up(&self) -> String {
        self.intake.supervisor.gave_up().await
    }

    /// Ends all but the intake: the runner first, so that what it still reports is taken and told to Bitbucket, then the
    /// loops. `drain` is how long running steps may go on. True if all ended in time; what did not is found by the next start.
    pub async fn drain(&self, drain: Duration) -> bool {
        self.app.live().vitals.stop();
        self.notify
            .stopping(drain + LAST_REPORTS + LAST_STEPS + LAST_ANSWERS);
        let runner = self.runner.end(drain + LAST_REPORTS).await;
        self.loops.end(LAST_STEPS).await && runner
    }

    /// Ends the answering: requests that are under way are answered, and what the intake had accepted is stored. Followers of
    /// live logs are cut off; they come back by themselves.
    pub async fn close(self) {
        // Who connects meanwhile is answered as well; the listener ends with the intake's stage.
        let _ = tokio::time::timeout(LAST_ANSWERS, self.connections.close()).await;
        self.intake.end(LAST_STEPS).await;
    }
}

impl Drop for Background {
    /// Dropped without [`Background::close`], everything ends at its next look.
    fn drop(&mut self) {
        for stage in [&self.runner, &self.loops, &self.intake] {
            stage.cancel.cancel();
        }
    }
}
