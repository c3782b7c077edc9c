//! The remote of a command, with what it is shown.

use pipewright_core::wire::CloneCredential;

use super::remote::RemoteUrl;

/// The remote of a command that needs the network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Network<'a> {
    pub(super) url: &'a RemoteUrl,
    pub(super) credential: &'a CloneCredential,
}
