//! Connecting, through the whole router against the simulated Bitbuckets.

mod build;
mod disconnect;
mod oauth;
mod refresh;
mod server_form;
mod ssh_key;
pub(crate) mod world;
