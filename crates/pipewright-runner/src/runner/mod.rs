//! The loop that claims attempts and runs them in slots, and what it needs from whoever hands out the work.
//!
//! One task claims; each attempt has a task of its own, so that a bug costs one attempt; one courier an attempt
//! brings its news to the dispatcher in order. Nothing is kept here that the dispatcher does not know or cannot do
//! without: a runner that is killed loses what ran, and its leases expire.

mod attempt;
mod claiming;
mod config;
mod courier;
mod dispatcher;
mod kept;
mod marks;
mod place;
mod registry;

pub use claiming::{ReadyRunner, Runner, RunnerError};
pub use config::RunnerConfig;
pub use dispatcher::{DispatchError, Dispatcher, Resumed};
pub use place::remove as remove_directory;
