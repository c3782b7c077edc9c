//! What the steps of an application sign in to other hosts with over SSH: its key, and the hosts that they know.
//!
//! `key` makes, takes and removes the key, `hosts` the known hosts, `give` hands both to a step. The key has nothing to do
//! with how the repository is cloned: that is the integration's, and never reaches a step. Pull requests from forks are not
//! built at all, so their scripts get neither.

mod error;
mod give;
mod hosts;
mod key;

pub(crate) use give::{GiveError, given, private_key};
pub(crate) use hosts::{Offered, add_hosts, fetch_hosts, remove_host};
pub(crate) use key::{generate, remove, set};
