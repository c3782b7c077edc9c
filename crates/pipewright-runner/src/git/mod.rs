//! The `git` program, hardened: mirrors, reading from them, checking out, and listing what a remote has.
//!
//! Every call goes through [`Git`], which owns the environment, the time limits and the reading of error messages.
//! Names and paths that come from other people are only ever separate arguments after `--`, standard input, or file
//! contents; nothing is spliced into a command line that a shell reads.

mod changes;
mod checkout;
mod classify;
mod command;
mod error;
mod local;
mod maintain;
mod merge;
mod mirror;
mod options;
mod read;
mod refs;
mod remote;

pub(crate) use classify::{classify_connect, fingerprint_in};

pub use changes::{Compared, MAX_COMMITS, MAX_FILES, MAX_NAMES, with_more};
pub use checkout::{CheckedOut, CheckoutTarget};
pub use command::Git;
pub use error::GitError;
pub use local::{Head, LocalCheckout, LocalRepository};
pub use mirror::{Ensured, MirrorStore};
pub use options::GitOptions;
pub use read::CommitInfo;
pub use refs::RemoteRefs;
pub use remote::{RemoteUrl, RemoteUrlError, Transport};
