//! Clearing an application's caches on the embedded runner's machine.

use pipewright_core::Right;
use pipewright_store::applications::Application;
use serde_json::json;

use crate::app::App;
use crate::ground::{ActError, Actor};

/// Removes every cache of the application and answers how many there were.
pub(crate) async fn clear_caches(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<usize, ActError> {
    actor.require(Right::Build)?;
    let (store, scope) = (app.caches.clone(), application.id.to_string());
    let count = tokio::task::spawn_blocking(move || store.clear(&scope))
        .await
        .map_err(ActError::failed)?
        .map_err(ActError::failed)?;
    let mut tx = app.db.begin().await?;
    actor
        .record(
            &mut tx,
            "application.caches_cleared",
            &application.name,
            json!({ "caches": count }),
        )
        .await?;
    tx.commit().await?;
    Ok(count)
}
