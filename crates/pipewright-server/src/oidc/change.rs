//! What people change: the algorithm, and the keys.

use pipewright_core::{Right, Timestamp};
use pipewright_store::StoreError;
use pipewright_store::oidc::{self, SigningAlgorithm};
use serde_json::json;

use super::keys::{KeyError, ensure, follow, make_all, store};
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A sentence that says why.
    #[error("{0}")]
    Refused(&'static str),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ChangeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::Refused(_) => Kind::Conflict,
            Self::Key(_) | Self::Store(_) => Kind::Internal,
        }
    }
}

/// Has the account's tokens signed with this algorithm from now on.
pub(crate) async fn choose_algorithm(
    app: &App,
    actor: &Actor,
    algorithm: SigningAlgorithm,
) -> Result<(), ChangeError> {
    actor.require(Right::SeeSecrets)?;
    let mut tx = app.db.begin().await?;
    oidc::choose(&mut tx, actor.account, algorithm, actor.at).await?;
    actor
        .record(
            &mut tx,
            "oidc.algorithm_chosen",
            algorithm.as_str(),
            json!({}),
        )
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Has new keys follow the present ones: published now, and signing an hour later, while the present ones stay published until
/// their last token has expired; or, at once, in place of the present ones, whose tokens are then worth nothing. Answers
/// from when the new keys sign.
pub(crate) async fn rotate(
    app: &App,
    actor: &Actor,
    at_once: bool,
) -> Result<Timestamp, ChangeError> {
    actor.require(Right::SeeSecrets)?;
    let keys = ensure(app, actor.account).await?;
    // After the keys, which may have been made only now.
    let now = app.clock.now();
    let wanted = follow(&keys, now, at_once);
    let Some(first) = wanted.first() else {
        return Err(ChangeError::Refused(
            "New keys are published already, and will sign soon. To withdraw the present ones now, replace them at once.",
        ));
    };
    let signs_from = first.signs_from();
    let made = make_all(&wanted).await?;
    let mut tx = app.db.begin().await?;
    if at_once {
        oidc::withdraw(&mut tx, actor.account).await?;
    }
    store(&mut tx, &app.vault, actor.account, made, now).await?;
    actor
        .record(
            &mut tx,
            "oidc.keys_rotated",
            "",
            json!({ "at_once": at_once }),
        )
        .await?;
    tx.commit().await?;
    Ok(signs_from)
}
