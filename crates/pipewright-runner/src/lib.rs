//! Claims attempts, prepares workspaces, runs them and streams what they print.
//!
//! The server uses this crate in its own process, a remote runner in another, and `pipewright run` on a laptop: only
//! the [`runner::Dispatcher`] differs, or is absent where [`executor::run_scripts`] alone is wanted. Nothing here knows
//! the database or Bitbucket's API. The [`git`] and [`ssh`] modules are the project's only way to the `git` and `ssh`
//! programs and serve the server too, which reads pipeline files and remote refs through the same mirrors.

pub mod archive;
pub mod artifacts;
pub mod caches;
pub mod executor;
pub mod git;
pub mod log;
mod process;
pub mod runner;
pub mod ssh;
pub mod teardown;
pub mod trouble;
