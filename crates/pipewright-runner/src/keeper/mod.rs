//! The keeper: one small process per attempt that owns the step's processes and its output, and outlives its runner.
//!
//! A runner (in a server, or by itself) may be stopped, killed or replaced at any moment. What must not end with it stands
//! here: the script runs on, what it prints is masked and written to a [spool](spool) file, its time limit is kept, and how it
//! ended is written beside. The next runner finds the [folder](folder) of the attempt, connects to the keeper's socket, and
//! goes on where the last one was: no line is lost, and no step runs twice.
//!
//! Preparing a workspace and keeping what a step leaves are the runner's own work: both can be done again.
//! A keeper that no runner asks for ends its step after a while (see [`KeeperConfig::alone`]).

mod folder;
mod follow;
mod line;
mod order;
mod process;
mod spool;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use folder::{KeptAttempt, KeptFolder};
pub(crate) use follow::{Followed, Following};
pub(crate) use order::Order;
pub use process::keep;
pub(crate) use spool::{SpoolReader, append};

use crate::executor::{EngineOptions, HostOptions};

/// The word on the command line of this program that makes it a keeper.
pub const COMMAND: &str = "keep";

/// How attempts are kept.
#[derive(Debug, Clone)]
pub struct KeeperConfig {
    /// How the keeper's executor works: as the runner's own.
    pub host: HostOptions,
    /// How it works with containers, where the runner has an engine.
    pub engine: Option<EngineOptions>,
    /// How long a step goes on while no runner asks for it; then it is ended.
    pub alone: Duration,
}
