//! The `git` and `ssh` programs, hardened: mirrors, reading from them, checking out, listing what a remote has; keys that
//! never touch the disk, and connections that are kept and shared.
//!
//! Every call of git goes through [`Git`], which owns the environment, the time limits and the reading of error messages.
//! Names and paths that come from other people are only ever separate arguments after `--`, standard input, or file
//! contents; nothing is spliced into a command line that a shell reads. The server reads pipeline files and remote refs
//! through it, the runner checks commits out, and `pipewright run` reads the repository that it stands in. Nothing here
//! knows steps, executors, the database or Bitbucket's API.

mod changes;
mod checkout;
mod classify;
mod command;
mod error;
mod gate;
mod known_hosts;
mod local;
mod maintain;
mod merge;
mod mirror;
mod network;
mod options;
pub mod process;
mod read;
mod refs;
mod remote;
mod shallow;
pub mod ssh;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trouble;

pub use changes::{Compared, MAX_COMMITS, MAX_FILES, with_more};
pub use checkout::{CheckedOut, CheckoutTarget};
pub use command::Git;
pub use error::GitError;
pub use gate::{Gate, NotAdmitted};
pub use local::{Head, LocalCheckout, LocalRepository};
pub use mirror::{Ensured, MirrorStore};
pub use options::GitOptions;
pub use read::CommitInfo;
pub use refs::RemoteRefs;
pub use remote::{RemoteUrl, RemoteUrlError, Transport};
