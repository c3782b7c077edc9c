//! A stateful Bitbucket Cloud and Bitbucket Data Center for tests and the demonstration.

mod actions;
mod clock;
mod datacenter;
mod faults;
mod git;
mod hooks;
mod installation;
#[cfg(any(test, feature = "testing"))]
pub mod openapi;
mod random;
pub mod record;
mod ssh;
pub mod state;

pub use actions::{ActionError, NewPullRequest, PullRequestChange};
pub use clock::SimClock;
pub use datacenter::{Datacenter, DatacenterOptions, TokenLevel, Version, VersionError};
pub use faults::{AnswerFault, Faults};
pub use git::{FileChange, GitError, RefUpdate};
pub use hooks::sign;
pub use installation::{Addresses, Installation, Product};
pub use ssh::HostKey;
