//! What runner and keeper say to each other: lines of JSON over a socket in the attempt's folder.

use std::path::PathBuf;
use std::time::Duration;

use pipewright_core::plan::StepPlan;
use pipewright_core::wire::Timing;
use serde::{Deserialize, Serialize};

use crate::executor::{Begun, EngineOptions, HostOptions, StepDirectories, StepLimits};

/// The first line: what to run. It holds secured values, and crosses the socket only.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    /// The attempt's folder.
    pub(crate) folder: PathBuf,
    /// Unique among the runs on this machine.
    pub(crate) mark: String,
    pub(crate) plan: StepPlan,
    pub(crate) directories: StepDirectories,
    /// The whole environment, in order; later ones win.
    pub(crate) environment: Vec<(String, String)>,
    /// Values that must not appear in the log.
    pub(crate) masked: Vec<String>,
    pub(crate) max_time: Duration,
    pub(crate) limits: StepLimits,
    /// Bytes of the whole log.
    pub(crate) log_limit: u64,
    pub(crate) host: HostOptions,
    pub(crate) engine: Option<EngineOptions>,
    pub(crate) begun: Option<Begun>,
    pub(crate) alone: Duration,
}

/// How it stands; each line replaces the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Bytes in the spool.
    pub(super) log: u64,
    /// The script's shell was started, which took this long.
    pub(super) started: Option<Timing>,
    /// Everything ended; how stands in the folder.
    pub(super) ended: bool,
}

/// A word to the keeper. One that hears a word before its order was left without one, and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// A runner is here that was not when the step began.
    Follow,
    /// End the script as a person's stop does.
    Stop,
    /// End everything now.
    Kill,
}
