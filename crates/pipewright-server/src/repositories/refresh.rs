//! Asking for an account's lists of repositories to be made anew, in the background.

use pipewright_core::Right;
use pipewright_store::integrations::IntegrationState;
use pipewright_store::{integrations, listings};

use crate::app::App;
use crate::ground::{ActError, Actor};

/// Wants a new list of every connection that works.
pub(crate) async fn refresh(app: &App, actor: &Actor) -> Result<(), ActError> {
    actor.require(Right::ManageApplications)?;
    let all = integrations::by_account(&app.db, actor.account).await?;
    let mut tx = app.db.begin().await?;
    for integration in all
        .iter()
        .filter(|integration| integration.state == IntegrationState::Connected)
    {
        listings::want(&mut tx, integration.id, actor.at).await?;
    }
    tx.commit().await?;
    app.live().integrations.ring();
    Ok(())
}
