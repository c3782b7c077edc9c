//! Where the server itself may connect to: the list that administrators keep, unless the configuration says it.

use pipewright_bitbucket::{Pattern, PatternError};
use pipewright_store::outgoing::{self, OutgoingAddress};
use pipewright_store::{Db, StoreError};
use serde_json::json;

use crate::app::App;
use crate::ground::{Administrator, Failure, Kind};

/// The list was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutgoingError {
    /// The text is no address.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The configuration says what is allowed.
    #[error("The setting outgoing.allow says what is allowed; change it there.")]
    Configured,
    /// It is not on the list.
    #[error("This address is not on the list.")]
    NotListed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for OutgoingError {
    fn kind(&self) -> Kind {
        match self {
            Self::Pattern(_) | Self::Configured => Kind::Unusable,
            Self::NotListed => Kind::NotFound,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Puts the policy into force: the configuration's, or the stored list.
pub(crate) async fn apply(app: &App) -> Result<(), StoreError> {
    let patterns = if app.config.outgoing.is_empty() {
        stored(&app.db).await?
    } else {
        app.config.outgoing.clone()
    };
    app.http.outgoing().allow(patterns);
    Ok(())
}

async fn stored(db: &Db) -> Result<Vec<Pattern>, StoreError> {
    let listed = outgoing::list(db).await?;
    Ok(listed
        .iter()
        // What another version wrote and this one cannot read allows nothing.
        .filter_map(|one| one.pattern.parse().ok())
        .collect())
}

/// Allows an address. Gives it as it is written from then on.
pub(crate) async fn allow(
    app: &App,
    who: &Administrator,
    text: &str,
) -> Result<String, OutgoingError> {
    if !app.config.outgoing.is_empty() {
        return Err(OutgoingError::Configured);
    }
    let pattern = text.parse::<Pattern>()?.to_string();
    let address = OutgoingAddress {
        pattern: pattern.clone(),
        added_by: who.name.clone(),
        added_at: who.at,
    };
    let mut tx = app.db.begin().await?;
    if outgoing::add(&mut tx, &address).await? {
        who.record(&mut tx, "installation.address_allowed", &pattern, json!({}))
            .await?;
    }
    tx.commit().await?;
    apply(app).await?;
    Ok(pattern)
}

/// Allows an address no more.
pub(crate) async fn remove(
    app: &App,
    who: &Administrator,
    pattern: &str,
) -> Result<(), OutgoingError> {
    if !app.config.outgoing.is_empty() {
        return Err(OutgoingError::Configured);
    }
    let mut tx = app.db.begin().await?;
    if !outgoing::remove(&mut tx, pattern).await? {
        return Err(OutgoingError::NotListed);
    }
    who.record(&mut tx, "installation.address_removed", pattern, json!({}))
        .await?;
    tx.commit().await?;
    Ok(apply(app).await?)
}
