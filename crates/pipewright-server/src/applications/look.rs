//! Reading an application's branches and pipeline file anew.

use pipewright_core::Right;
use pipewright_store::applications::Application;
use pipewright_store::inspections;

use crate::app::App;
use crate::ground::{ActError, Actor};

/// Has them read in the background, soon.
pub(crate) async fn look(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<(), ActError> {
    actor.require(Right::Build)?;
    let mut tx = app.db.begin().await?;
    inspections::want(&mut tx, application.repository, actor.at).await?;
    tx.commit().await?;
    app.live().integrations.ring();
    Ok(())
}
