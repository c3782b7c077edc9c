//! The webhook's row: its unguessable path and its secret, before anything is at Bitbucket.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipewright_core::Secret;
use pipewright_core::ids::WebhookId;
use pipewright_store::repositories::Repository;
use pipewright_store::webhooks::{self, NewWebhook};
use pipewright_store::{StoreError, Tx};

use super::secret::seal;
use crate::app::App;

/// Makes the row of a repository's webhook; one that is there is kept, so that its path and secret stay.
pub(crate) async fn make_row(
    app: &App,
    tx: &mut Tx,
    repository: &Repository,
) -> Result<(), StoreError> {
    let id = WebhookId::new();
    let new = NewWebhook {
        id,
        repository: repository.id,
        account: repository.account,
        path: random_text().expose().to_owned(),
        secret: seal(&app.vault, id, &random_text()),
    };
    webhooks::insert(tx, &new, app.clock.now()).await?;
    Ok(())
}

/// 256 random bits as 43 characters that need no encoding; Cloud takes secrets of up to 128 characters.
fn random_text() -> Secret {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .expect("cannot fail because the kernel's random source is always there on Linux");
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}
