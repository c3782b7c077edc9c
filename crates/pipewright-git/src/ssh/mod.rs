//! OpenSSH: keys that never touch the disk, connections that are kept and shared, and the check of a key.
//!
//! The `ssh` program speaks the protocol; this module makes keys, answers as its agent, holds its connections open,
//! and reads what it says.

mod agent;
mod check;
mod connection;
mod key;
mod program;

pub use crate::known_hosts::{HostKey, HostKeys};
pub use check::KeyCheck;
pub use connection::SshConnections;
pub use connection::SshTarget;
pub use key::{SshKeyError, SshKeyPair};
