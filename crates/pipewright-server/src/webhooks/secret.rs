//! A webhook's secret.

use pipewright_core::Secret;
use pipewright_core::ids::WebhookId;
use pipewright_store::sealed::purpose;
use pipewright_store::webhooks::Webhook;
use pipewright_store::{OpenSecretError, Sealed, Vault};

/// Seals what deliveries are signed with.
pub(super) fn seal(vault: &Vault, id: WebhookId, secret: &Secret) -> Sealed {
    vault.seal(secret, &purpose::webhook(id))
}

/// Opens it.
pub(crate) fn open(vault: &Vault, webhook: &Webhook) -> Result<Secret, OpenSecretError> {
    vault.open(&webhook.secret, &purpose::webhook(webhook.id))
}
