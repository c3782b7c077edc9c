//! Integrations: an account's connections to Bitbucket Cloud and to Bitbucket Servers and Data Centers.
//!
//! Connecting either keeps everything (integration, credential, SSH key) in one transaction, or nothing.
//! What the rest of the server uses of a connection is [`crate::access`].

mod callback;
mod check_now;
mod connect;
mod connect_server;
pub(crate) mod disconnect;
mod keep;
mod post_key;
mod register_key;
mod set_clone_via;
mod start;
#[cfg(test)]
pub(crate) mod tests;
mod trust_host_key;

pub(crate) use callback::{FinishError, finish, flow_of};
pub(crate) use check_now::check_now;
pub(crate) use connect_server::{AddError, Field, ServerForm, add};
pub(crate) use disconnect::{Removal, disconnect};
pub(crate) use keep::{check_due_keys, keep};
pub(crate) use post_key::{Posted, to_repository as post_key_to_repository};
pub(crate) use register_key::register_key;
pub(crate) use set_clone_via::set_clone_via;
pub(crate) use start::{SetOutError, start};
pub(crate) use trust_host_key::trust_host_key;
