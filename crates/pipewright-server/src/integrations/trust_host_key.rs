//! Trusting a host key that is not the pinned one.

use pipewright_core::Right;
use pipewright_store::StoreError;
use pipewright_store::integrations::{self, Integration};
use serde_json::json;

use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// The host key is not trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The host shows yet another one.
    #[error("the host offers yet another key now; look at it and decide again")]
    Another,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for TrustError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Another => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Trusts the offered host key with this fingerprint, the one that the person saw.
pub(crate) async fn trust_host_key(
    app: &App,
    actor: &Actor,
    integration: &Integration,
    fingerprint: &str,
) -> Result<(), TrustError> {
    actor.require(Right::Connect)?;
    let mut tx = app.db.begin().await?;
    if !integrations::accept_host_key(&mut tx, integration.id, fingerprint).await? {
        return Err(TrustError::Another);
    }
    let detail = json!({ "before": integration.host_key_fingerprint, "now": fingerprint });
    actor
        .record(
            &mut tx,
            "integration.host_key_trusted",
            &integration.ssh_host,
            detail,
        )
        .await?;
    tx.commit().await?;
    app.live().integrations.ring();
    Ok(())
}
