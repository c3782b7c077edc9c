//! Reading a repository again after Bitbucket said that it was renamed, moved or deleted.

use pipewright_bitbucket::ApiError;
use pipewright_core::ids::RepositoryId;
use pipewright_store::{StoreError, repositories};

use crate::access::{IntegrationUnavailable, bitbucket_for};
use crate::app::App;
use crate::ground::address_of;
use crate::repositories::seen;

/// A repository was not read again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// Bitbucket did not say.
    #[error(transparent)]
    Bitbucket(#[from] ApiError),
    /// The integration cannot be used.
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a repository from Bitbucket and stores what it is called now. One that is gone is found gone by the next
/// listing; here nothing happens.
pub(crate) async fn refresh(app: &App, id: RepositoryId) -> Result<(), RefreshError> {
    let Some(known) = repositories::get(&app.db, id).await? else {
        return Ok(());
    };
    let bitbucket = bitbucket_for(app, known.integration).await?;
    let address = address_of(&known);
    let remote = match bitbucket.repository(&address).await {
        Err(error) if error.is_not_found() => {
            match bitbucket.find_moved_repository(&address).await? {
                Some(remote) => remote,
                None => return Ok(()),
            }
        }
        other => other?,
    };
    let seen = seen(&remote, &known);
    let mut tx = app.db.begin().await?;
    repositories::remember(
        &mut tx,
        known.account,
        known.integration,
        &seen,
        app.clock.now(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
