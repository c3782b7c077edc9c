//! A stateful Bitbucket Cloud and Bitbucket Data Center for tests and the demonstration.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pipewright_simulator::{Simulator, SimulatorOptions};
//!
//! let sim = Simulator::start(SimulatorOptions::default()).await?;
//! sim.sample_team().await?;
//! let (key, secret) =
//!     sim.cloud().add_oauth_consumer("harbor", "ci", "http://127.0.0.1:8080/callback", &["account", "repository"])?;
//! let hash = sim.cloud().commit("harbor/checkout-api", "main", &[("a.txt", "a")], "Add a", "mara").await?;
//! println!("{key} {secret} {hash} {}", sim.cloud_api_url());
//! sim.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! One [`Simulator`] is both products on ports of 127.0.0.1, over real connections: HTTP, SSH, git's own protocols.
//! Nothing is global, so any number may run side by side. The words for what people do there (commit, push, open a pull
//! request, look at what was delivered) are methods of [`Installation`], which [`Cloud`] and [`Datacenter`] dereference
//! to; tests in another process say the same through the [`control`] API.
//!
//! # What is true here
//!
//! - Repositories are bare git repositories handled by the system's `git`; a push over SSH, over HTTP and by the actor
//!   are found by comparing refs, and raise the same webhooks.
//! - Webhooks are signed, sent, timed out and resent by each product's own rules, and kept whole for tests to read.
//! - SSH admits exactly the keys that were registered through the API or the settings pages.
//! - Time that expires things is [`SimClock`]; nothing sleeps but injected slowness and the pause before a resend.
//! - The JSON is written here after captures of the real products; this crate knows no other crate of the project, so a
//!   client's mistake cannot be mirrored.
//!
//! # What is not
//!
//! State other than git lives in memory and ends with the process. Pipelines, deployments, issues, wikis, snippets,
//! Code Insights and browser sign-in at Data Center are not played. Cloud's workspaces have one project each.

mod actions;
mod clock;
mod cloud;
pub mod control;
mod datacenter;
mod faults;
mod git;
mod hooks;
mod installation;
#[cfg(any(test, feature = "testing"))]
pub mod openapi;
mod random;
pub mod record;
mod sample;
mod simulator;
mod slash;
mod ssh;
pub mod state;

pub use actions::{ActionError, NewPullRequest, PullRequestChange};
pub use clock::SimClock;
pub use cloud::{Cloud, CloudSettings, TokenGeneration};
pub use datacenter::{Datacenter, DatacenterOptions, TokenLevel, Version, VersionError};
pub use faults::{AnswerFault, Faults};
pub use git::{FileChange, GitError, RefUpdate};
pub use hooks::sign;
pub use installation::{Addresses, Installation, Product};
pub use sample::SAMPLE_PASSWORD;
pub use simulator::{Simulator, SimulatorError, SimulatorOptions, SimulatorPorts};
pub use ssh::HostKey;
