//! Renaming an application. Its address stays: links to it stand in Bitbucket's statuses.

use pipewright_core::Right;
use pipewright_store::applications::{self, Application};
use pipewright_store::{Db, StoreError};
use serde_json::json;

use crate::ground::{Actor, Denied, Failure, Kind};
use crate::users::checked_name;

/// An application was not renamed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenameError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is none, or it is another account's.
    #[error("There is no such application.")]
    NotFound,
    /// The name cannot be used.
    #[error("{0}")]
    Name(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for RenameError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::Name(_) => Kind::Unusable,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Changes what people call the application. Gives the name as it is kept.
pub(crate) async fn rename(
    db: &Db,
    actor: &Actor,
    application: &Application,
    name: &str,
) -> Result<String, RenameError> {
    actor.require(Right::ManageApplications)?;
    let name = checked_name(name).map_err(RenameError::Name)?;
    let mut tx = db.begin().await?;
    if !applications::set_name(&mut tx, actor.account, application.id, &name).await? {
        return Err(RenameError::NotFound);
    }
    let detail = json!({ "name": name });
    actor
        .record(&mut tx, "application.renamed", &application.name, detail)
        .await?;
    tx.commit().await?;
    Ok(name)
}
