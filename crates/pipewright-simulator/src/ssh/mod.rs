//! Git over SSH: an embedded server that admits exactly the keys registered with its installation.
//!
//! User `git` only, public keys only. A connection may carry many sessions, one after another or at once, as OpenSSH's
//! ControlMaster makes them. The host key is read anew for each connection, so it can change under a client's feet.

mod command;
mod host_key;
mod server;
mod session;

pub use host_key::HostKey;
pub(crate) use server::serve;
