//! Noticing that Bitbucket no longer accepts a credential.

use pipewright_core::ids::IntegrationId;
use pipewright_store::credentials;
use pipewright_store::integrations::{self, IntegrationState};

use super::client::client_with;
use super::refusal;
use super::token::{Freshness, credential};
use super::unavailable::{IntegrationUnavailable, REVOKED};
use crate::app::App;

/// To be called when a call with the integration's credential was answered as unauthorised. An OAuth token is refreshed
/// first, because it may only have been cut short; then Bitbucket is asked who we are. True where the access has really
/// ended: the integration then says so and nothing uses it until somebody connects again.
pub(crate) async fn note_revoked(
    app: &App,
    integration: IntegrationId,
) -> Result<bool, IntegrationUnavailable> {
    let found = integrations::get(&app.db, integration)
        .await?
        .ok_or(IntegrationUnavailable::Missing(integration))?;
    if found.state != IntegrationState::Connected {
        return Ok(true);
    }
    let Some(stored) = credentials::of_integration(&app.db, integration).await? else {
        return Ok(true);
    };
    let fresh = match credential(app, &found, Freshness::NotFrom(stored.refreshed_at)).await {
        Ok(fresh) => fresh,
        Err(IntegrationUnavailable::Reconnect(_) | IntegrationUnavailable::Disconnected(_)) => {
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    match client_with(app, &found, fresh).current_user().await {
        Err(error) if error.is_unauthorized() => {
            let mut tx = app.db.begin().await?;
            credentials::refuse(&mut tx, stored.id).await?;
            refusal::record(app, &mut tx, &found, REVOKED).await?;
            tx.commit().await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
