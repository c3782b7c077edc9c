//! The integration that is about to be used.

use pipewright_core::ids::IntegrationId;
use pipewright_store::integrations::{self, Integration, IntegrationState};

use super::unavailable::IntegrationUnavailable;
use crate::app::App;

/// The integration, unless somebody disconnected it.
pub(super) async fn usable(
    app: &App,
    id: IntegrationId,
) -> Result<Integration, IntegrationUnavailable> {
    let found = integrations::get(&app.db, id)
        .await?
        .ok_or(IntegrationUnavailable::Missing(id))?;
    match found.state {
        IntegrationState::Connected | IntegrationState::Reconnect => Ok(found),
        IntegrationState::Disconnected => Err(IntegrationUnavailable::Disconnected(found.base_url)),
    }
}
