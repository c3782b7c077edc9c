//! The loop that claims attempts and runs them in slots, and what it needs from whoever hands out the work.

mod config;
mod dispatcher;

pub use config::RunnerConfig;
pub use dispatcher::{DispatchError, Dispatcher};
