//! The Pipewright server: pages, API, webhooks, tasks and the scheduler.
//!
//! One folder a noun, one file a verb; `http/` extracts, calls one use case and renders; `tasks/` runs what happens by
//! itself. This crate holds no SQL text and starts no process: those are the store's and the runner's.

mod accounts;
mod app;
mod clock;
mod config;
mod events;
mod http;
mod members;
mod sessions;
pub mod setup;
mod users;
mod wakeups;

pub use app::{App, AppParts};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{CloudAddresses, ServerConfig};
pub use http::router;
pub use wakeups::Wakeups;
