//! The way that builds clone over an integration.

use pipewright_core::Right;
use pipewright_store::integrations::{self, CloneVia, Integration};
use serde_json::json;

use crate::app::App;
use crate::ground::{ActError, Actor};

/// From now on builds clone this way.
pub(crate) async fn set_clone_via(
    app: &App,
    actor: &Actor,
    integration: &Integration,
    via: CloneVia,
) -> Result<(), ActError> {
    actor.require(Right::Connect)?;
    let mut tx = app.db.begin().await?;
    integrations::set_clone_via(&mut tx, integration.id, via).await?;
    actor
        .record(
            &mut tx,
            "integration.clone_via",
            &integration.base_url,
            json!({ "via": via.as_str() }),
        )
        .await?;
    Ok(tx.commit().await?)
}
