//! Running other programs: with limits, in a process group of their own, and ending all that they started.
//!
//! This is the only place that signals processes. It knows nothing of git, shells or attempts.

mod find;
mod group;
mod run;
mod sweep;

pub(crate) use find::find_program;
pub use group::ProcessGroup;
pub(crate) use run::{Finished, Limits, RunFailure, run};
pub use sweep::{Sweeper, kill_marked};
