//! The Pipewright server: pages, API, webhooks, tasks and the scheduler.
//!
//! Floors, each of which looks at lower ones only: `live`, `ground`, then `web` and `access`, then a folder for each noun
//! with a file for each verb, then `pages` and what happens by itself, and `routes` on top. This crate holds no SQL text and starts no process: those are the store's and the runner's.

mod access;
mod accounts;
mod administration;
mod applications;
mod artifacts;
mod background;
mod builds;
mod comparison;
mod deliveries;
mod ground;
mod integrations;
mod live;
mod machine;
mod members;
mod oidc;
mod pages;
mod repositories;
mod retention;
mod routes;
mod run;
mod scheduler;
mod schedules;
mod sessions;
mod setup;
mod ssh_keys;
mod statuses;

#[cfg(feature = "testing")]
pub mod testing;
mod users;
mod variables;
mod web;
mod webhooks;

// Short names of what nearly every file uses.
use ground::{app, clock, config};

pub use background::{Background, Notify};
pub use ground::app::{App, AppParts};
pub use ground::clock::{Clock, ManualClock, SystemClock};
pub use ground::config::{CloudAddresses, Floors, Retention, ServerConfig};
pub use live::{LogLength, News, NewsItem};
pub use machine::{Machine, MachineError, OneTimeLink, delete_account};
pub use routes::router;
pub use run::{RunError, run};
pub use setup::ensure_link as setup_link;
