//! Putting the integration's SSH key on an application's repository, to read it.

use pipewright_core::Right;
use pipewright_store::applications::Application;
use pipewright_store::{StoreError, repositories};
use serde_json::json;

use crate::access::{IntegrationUnavailable, bitbucket_for};
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};
use crate::integrations::{Posted, post_key_to_repository};

/// The key was not even offered to Bitbucket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddKeyError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The repository is gone.
    #[error("there is no such repository")]
    NotFound,
    /// There is no way to Bitbucket.
    #[error("the key could not be added: {0}")]
    Unavailable(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for AddKeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::Unavailable(_) => Kind::NotNow,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Offers the key to Bitbucket and answers what it said.
pub(crate) async fn add_key(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<Posted, AddKeyError> {
    actor.require(Right::Connect)?;
    let repository = repositories::get(&app.db, application.repository)
        .await?
        .ok_or(AddKeyError::NotFound)?;
    let bitbucket = bitbucket_for(app, repository.integration).await?;
    let posted = post_key_to_repository(app, &repository, &bitbucket).await?;
    let mut tx = app.db.begin().await?;
    actor
        .record(
            &mut tx,
            "application.key_registered",
            &application.name,
            json!({ "outcome": posted.sentence }),
        )
        .await?;
    tx.commit().await?;
    Ok(posted)
}
