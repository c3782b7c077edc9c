//! What lives in this process alone: caches, hints and channels. None of it is needed after a restart; everything that
//! matters is in the database.

mod beats;
mod files;
mod growth;
mod hints;
mod hooks;
mod intake;
mod news;
mod tallies;
mod vitals;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use pipewright_core::ids::{AttemptId, IntegrationId, RepositoryId};

pub(crate) use beats::Beats;
pub(crate) use files::{PipelineFiles, ReadCommit};
pub(crate) use growth::LogGrowth;
pub use growth::LogLength;
pub(crate) use hints::{Bell, Hints, Mailbox};
pub(crate) use hooks::{Hook, Hooks};
pub(crate) use intake::{Intake, IntakeError, Waiting};
pub use news::{News, NewsItem};
pub(crate) use tallies::Tallies;
pub(crate) use vitals::{Part, Trouble, Vitals};

/// How many hints of one kind wait at most; more are dropped, because every loop also looks by itself.
const HINTS: usize = 1024;

/// How many attempts wait at most to be told to stop at once; more are told by their next heartbeat.
const STOPS: usize = 256;

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// This process; another start is another one.
    pub(crate) instance: Uuid,
    /// Webhooks by their path, with their secrets opened.
    pub(crate) hooks: Arc<Hooks>,
    /// Takes deliveries to be stored, many to a commit.
    pub(crate) intake: Intake,
    /// Repositories with a delivery to decide.
    pub(crate) decide: Hints<RepositoryId>,
    /// Repositories with a build to plan.
    pub(crate) plan: Hints<RepositoryId>,
    /// Integrations with a status to send.
    pub(crate) tell: Hints<IntegrationId>,
    /// Rung where an attempt waits for a runner.
    pub(crate) attempts: Bell,
    /// Rung where listings, inspections, checks of keys or webhooks wait.
    pub(crate) integrations: Bell,
    /// Rung where tasks wait.
    pub(crate) tasks: Bell,
    /// Attempts of the embedded runner that are to stop.
    pub(crate) stops: Mailbox<AttemptId>,
    /// How long logs have grown.
    pub(crate) growth: Arc<LogGrowth>,
    /// Pipeline files that were read a moment ago.
    pub(crate) files: Arc<PipelineFiles>,
    /// Tells followers that a build moved.
    pub(crate) news: News,
    /// Why the embedded runner claims nothing now, in whole sentences.
    pub(crate) runner_trouble: watch::Sender<Option<String>>,
    /// Refused attempts to sign in, to write a few of many down.
    pub(crate) tallies: Arc<Tallies>,
    /// Whether it was said that a proxy is not trusted.
    pub(crate) forwarded: Arc<Once>,
    /// When the embedded runner last spoke of what it holds.
    pub(crate) beats: Arc<Beats>,
    /// How each part of the server is.
    pub(crate) vitals: Arc<Vitals>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            instance: Uuid::now_v7(),
            hooks: Arc::default(),
            intake: Intake::new(),
            decide: Hints::new(HINTS),
            plan: Hints::new(HINTS),
            tell: Hints::new(HINTS),
            attempts: Bell::new(),
            integrations: Bell::new(),
            tasks: Bell::new(),
            stops: Mailbox::new(STOPS),
            growth: Arc::default(),
            files: Arc::default(),
            news: News::new(),
            runner_trouble: watch::Sender::new(None),
            tallies: Arc::default(),
            forwarded: Arc::default(),
            beats: Arc::default(),
            vitals: Arc::default(),
        }
    }
}

/// Something that is done once while the process lives.
#[derive(Debug, Default)]
pub(crate) struct Once(std::sync::atomic::AtomicBool);

impl Once {
    /// True the first time.
    pub(crate) fn is_first(&self) -> bool {
        !self.0.swap(true, std::sync::atomic::Ordering::Relaxed)
    }
}

/// The reading end of a channel, for the loop that serves it. A loop that ended by a bug gives it back with its end.
pub(crate) type Reading<T> = tokio::sync::Mutex<mpsc::Receiver<T>>;
