//! A stateful Bitbucket Cloud and Bitbucket Data Center for tests and the demonstration.

mod actions;
mod clock;
mod faults;
mod git;
mod hooks;
mod installation;
mod random;
mod ssh;
pub mod state;

pub use actions::{ActionError, NewPullRequest, PullRequestChange};
pub use clock::SimClock;
pub use faults::{AnswerFault, Faults};
pub use git::{FileChange, GitError, RefUpdate};
pub use hooks::sign;
pub use installation::{Addresses, Installation, Product};
pub use ssh::HostKey;
