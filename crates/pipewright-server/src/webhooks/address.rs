//! A webhook's address and secret.

use pipewright_core::Secret;
use pipewright_core::ids::WebhookId;
use pipewright_store::webhooks::Webhook;
use pipewright_store::{OpenSecretError, Sealed, Vault};
use url::Url;

use crate::app::App;

/// Where Bitbucket sends the deliveries of a webhook.
pub(crate) fn delivery_url(app: &App, webhook: &Webhook) -> Url {
    let mut url = app.config.public_url.clone();
    url.set_path(&format!(
        "{}/hooks/{}",
        app.config.base_path(),
        webhook.path
    ));
    url
}

/// Seals what deliveries are signed with.
pub(super) fn seal(vault: &Vault, id: WebhookId, secret: &Secret) -> Sealed {
    vault.seal(secret, &purpose(id))
}

/// Opens it.
pub(super) fn open(vault: &Vault, webhook: &Webhook) -> Result<Secret, OpenSecretError> {
    vault.open(&webhook.secret, &purpose(webhook.id))
}

fn purpose(id: WebhookId) -> String {
    format!("webhooks.secret:{id}")
}
