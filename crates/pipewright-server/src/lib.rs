//! The Pipewright server: pages, API, webhooks, tasks and the scheduler.
//!
//! One folder a noun, one file a verb; `http/` extracts, calls one use case and renders; `tasks/` runs what happens by
//! itself. This crate holds no SQL text and starts no process: those are the store's and the runner's.

mod accounts;
mod app;
mod applications;
mod artifacts;
mod builds;
mod clock;
mod comparison;
mod config;
mod consumer;
mod deliveries;
mod events;
mod http;
mod integrations;
mod live;
mod members;
mod pages;
mod repositories;
mod run;
mod scheduler;
mod schedules;
mod sessions;
mod setup;
mod statuses;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod users;
mod variables;
mod wakeups;
mod webhooks;

pub use app::{App, AppParts};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{CloudAddresses, ServerConfig};
pub use http::router;
pub use live::{LogLength, News, NewsItem};
pub use run::{RunError, run};
pub use setup::ensure_link as setup_link;
pub use tasks::{Background, StartError};
pub use wakeups::Wakeups;
