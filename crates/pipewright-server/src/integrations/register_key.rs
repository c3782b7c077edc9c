//! Adding the integration's SSH key to the connected account at Bitbucket, for the person.

use pipewright_core::Right;
use pipewright_store::StoreError;
use pipewright_store::integrations::Integration;
use serde_json::json;

use super::post_key::{Posted, to_account};
use crate::access::{IntegrationUnavailable, bitbucket_for};
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// The key was not even offered to Bitbucket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterKeyError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no way to Bitbucket.
    #[error("the key could not be added: {0}")]
    Unavailable(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for RegisterKeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Unavailable(_) => Kind::NotNow,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Offers the key to Bitbucket and answers what it said.
pub(crate) async fn register_key(
    app: &App,
    actor: &Actor,
    integration: &Integration,
) -> Result<Posted, RegisterKeyError> {
    actor.require(Right::Connect)?;
    let bitbucket = bitbucket_for(app, integration.id).await?;
    let posted = to_account(app, integration.id, &bitbucket).await?;
    let mut tx = app.db.begin().await?;
    actor
        .record(
            &mut tx,
            "integration.key_registered",
            &integration.base_url,
            json!({ "outcome": posted.sentence }),
        )
        .await?;
    tx.commit().await?;
    app.live().integrations.ring();
    Ok(posted)
}
