//! Where the consumer's key and secret are kept, and the OAuth client made from them.

use pipewright_bitbucket::CloudEndpoints;
use pipewright_bitbucket::oauth::OAuthClient;
use pipewright_core::Secret;
use pipewright_store::sealed::purpose;
use pipewright_store::{OpenSecretError, Sealed, StoreError, Tx, settings};
use serde::{Deserialize, Serialize};

use crate::app::App;

/// The path that Bitbucket sends people back to.
pub(crate) const CALLBACK_PATH: &str = "/oauth/bitbucket/callback";

/// The setting's name, which is also what it is sealed for.
const NAME: &str = purpose::CLOUD_CONSUMER;

/// The consumer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsumerError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was sealed with another key.
    #[error(transparent)]
    Sealed(#[from] OpenSecretError),
    /// What was sealed is not what this version writes.
    #[error("the stored OAuth consumer cannot be read ({0}); enter its key and secret again")]
    Shape(serde_json::Error),
}

/// An OAuth consumer, as Bitbucket's page shows it. Neither part has a fixed length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// The key, which also stands in the authorise address.
    pub(crate) key: String,
    /// The secret.
    pub(crate) secret: Secret,
}

/// As it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    secret: String,
}

/// The installation's consumer; none before set-up.
pub(crate) async fn load(app: &App) -> Result<Option<Consumer>, ConsumerError> {
    let Some(bytes) = settings::get(&app.db, NAME).await? else {
        return Ok(None);
    };
    let text = app.vault.open(&Sealed::from(bytes), NAME)?;
    let stored: Stored = serde_json::from_str(text.expose()).map_err(ConsumerError::Shape)?;
    Ok(Some(Consumer {
        key: stored.key,
        secret: Secret::new(stored.secret),
    }))
}

/// Keeps the consumer, sealed.
pub(crate) async fn save(app: &App, tx: &mut Tx, consumer: &Consumer) -> Result<(), StoreError> {
    let stored = Stored {
        key: consumer.key.clone(),
        secret: consumer.secret.expose().to_owned(),
    };
    let text = Secret::new(
        serde_json::to_string(&stored).expect("cannot fail because both parts are text"),
    );
    settings::put(
        tx,
        NAME,
        app.vault.seal(&text, NAME).as_bytes(),
        app.clock.now(),
    )
    .await
}

/// The exact address to enter in the consumer's form.
pub(crate) fn callback_url(app: &App) -> String {
    app.config.public(CALLBACK_PATH)
}

/// Where Bitbucket Cloud is.
pub(crate) fn endpoints(app: &App) -> CloudEndpoints {
    let cloud = &app.config.cloud;
    CloudEndpoints {
        web: cloud.web.clone(),
        api: cloud.api.clone(),
        ssh_host: cloud.ssh_host.clone(),
        ssh_port: cloud.ssh_port,
    }
}

/// The client that speaks for the consumer.
pub(crate) fn oauth_client(app: &App, consumer: Consumer) -> OAuthClient {
    OAuthClient::new(
        app.http.clone(),
        endpoints(app),
        consumer.key,
        consumer.secret,
    )
}
