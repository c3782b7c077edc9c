//! Integrations: an account's connection to one Bitbucket.
//!
//! An account has at most one integration per Bitbucket (kind and address). Disconnecting keeps the row, without its
//! secrets, so that what was built stays readable and connecting again takes up where it was.

mod read;
mod row;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

pub use read::{by_account, find, find_at, get, of_account, to_check};
pub use row::{CloneVia, Integration, IntegrationKind, IntegrationState, KeyCheck, KeyPair};
pub use write::{
    HostKey, Identity, NewIntegration, accept_host_key, disconnect, insert, offer_host_key,
    pin_host_key, reconnect, set_clone_via, set_key_check, set_posted_key, set_state,
};

/// Every statement, for the test that prepares them.
#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static crate::macros::Statement> {
    read::ALL.iter().chain(write::ALL)
}
