//! Claims attempts, prepares workspaces, runs them and streams what they print.
//!
//! The server uses this crate in its own process, a remote runner in another, and `pipewright run` on a laptop: only
//! the [`runner::Dispatcher`] differs, or is absent where [`executor::run_scripts`] alone is wanted. Nothing here knows
//! the database or Bitbucket's API; git is [`pipewright_git`]'s.

pub mod archive;
pub mod artifacts;
pub mod caches;
pub mod executor;
pub mod keeper;
pub mod log;
pub mod runner;
pub mod teardown;
pub mod test_reports;
#[cfg(feature = "testing")]
pub mod testing;

pub use pipewright_git::trouble;
// Short for what ends the processes of a step.
use pipewright_git::process;
