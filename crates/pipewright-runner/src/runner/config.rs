//! What a runner is made with.

use std::path::PathBuf;
use std::time::Duration;

use pipewright_core::Timestamp;
use tokio::sync::watch;

use crate::archive::ArchiveLimits;
use crate::caches::CacheStore;
use crate::executor::StepLimits;
use crate::keeper::KeeperConfig;

/// A runner's name, place and limits.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// Its name, for the log and for people.
    pub name: String,
    /// How many attempts run at the same time; at least 1.
    pub slots: usize,
    /// Where attempts have their directories; one runner's own. It is locked while the runner lives.
    pub data_dir: PathBuf,
    /// The base environment of every script, before the attempt's own variables: at least `PATH`. The library reads
    /// no environment itself.
    pub environment: Vec<(String, String)>,
    /// How often leases are renewed.
    pub heartbeat: Duration,
    /// How long running attempts may go on after shutdown was asked; then they are ended and given back as lost.
    pub drain: Duration,
    /// Limits of every step.
    pub limits: StepLimits,
    /// Bytes of one attempt's log; what comes after is read and dropped.
    pub log_limit: u64,
    /// Where caches are kept between builds; none keeps none.
    pub caches: Option<CacheStore>,
    /// Has a keeper run each attempt's scripts, so that they outlive the runner; none runs them in this process. The program
    /// that this process runs must be a keeper when it is started with [`crate::keeper::COMMAND`].
    pub keeper: Option<KeeperConfig>,
    /// Limits of one artifact or cache.
    pub archive_limits: ArchiveLimits,
    /// Why the runner claims nothing now, in whole sentences; `None` while it does.
    pub trouble: watch::Sender<Option<String>>,
    /// The wall clock, used only to say how long an attempt waited to be claimed.
    pub now: fn() -> Timestamp,
}

impl RunnerConfig {
    /// A configuration with the usual limits.
    pub fn new(
        name: impl Into<String>,
        slots: usize,
        data_dir: PathBuf,
        now: fn() -> Timestamp,
    ) -> Self {
        Self {
            name: name.into(),
            slots: slots.max(1),
            data_dir,
            environment: vec![(
                "PATH".to_owned(),
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            )],
            heartbeat: Duration::from_secs(5),
            drain: Duration::from_secs(30),
            limits: StepLimits::default(),
            log_limit: crate::log::DEFAULT_LIMIT,
            caches: None,
            keeper: None,
            archive_limits: ArchiveLimits::default(),
            trouble: watch::Sender::new(None),
            now,
        }
    }
}
