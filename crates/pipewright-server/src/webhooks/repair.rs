//! **Repair** and **Check**: what a person asks of an application's webhook.

use pipewright_core::Right;
use pipewright_store::applications::Application;
use pipewright_store::{StoreError, webhooks};
use serde_json::json;

use super::register::{Registered, check, register};
use crate::access::IntegrationUnavailable;
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Write it anew.
    Repair,
    /// Only look.
    Check,
}

/// It was not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepairError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It has none.
    #[error("there is no such webhook")]
    NotFound,
    /// It needs none.
    #[error("this application needs no webhook right now, so there is nothing to repair")]
    NotNeeded,
    /// There is no way to Bitbucket.
    #[error("the webhook could not be looked at: {0}")]
    Unavailable(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for RepairError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::NotNeeded => Kind::Conflict,
            Self::Unavailable(_) => Kind::NotNow,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Does what is asked. Answers how the webhook stands.
pub(crate) async fn repair(
    app: &App,
    actor: &Actor,
    application: &Application,
    ask: Ask,
) -> Result<Registered, RepairError> {
    actor.require(Right::ManageApplications)?;
    let webhook = webhooks::of_repository(&app.db, application.repository)
        .await?
        .ok_or(RepairError::NotFound)?;
    if !app.config.webhooks_reach_us || !application.rules.auto_build {
        return Err(RepairError::NotNeeded);
    }
    let registered = match ask {
        Ask::Repair => register(app, &webhook).await?,
        Ask::Check => check(app, &webhook).await?,
    };
    if ask == Ask::Repair {
        let mut tx = app.db.begin().await?;
        actor
            .record(
                &mut tx,
                "webhook.repaired",
                &application.name,
                json!({ "state": registered.state.as_str() }),
            )
            .await?;
        tx.commit().await?;
    }
    Ok(registered)
}
