//! What is kept of a credential that Bitbucket no longer accepts.

use pipewright_store::integrations::{self, Integration, IntegrationState};
use pipewright_store::{StoreError, Tx};

use crate::app::App;
use crate::ground::Actor;

/// Keeps that the integration must be connected again, and writes it into the account's history once.
pub(super) async fn record(
    app: &App,
    tx: &mut Tx,
    integration: &Integration,
    reason: &str,
) -> Result<(), StoreError> {
    let changed = integrations::set_state(
        tx,
        integration.id,
        IntegrationState::Reconnect,
        Some(reason),
    )
    .await?;
    if !changed || integration.state == IntegrationState::Reconnect {
        return Ok(());
    }
    tracing::warn!(integration.id = %integration.id, reason, "an integration must be connected again");
    Actor::system(integration.account, app.clock.now())
        .record(
            tx,
            "integration.revoked",
            &integration.base_url,
            serde_json::json!({ "reason": reason }),
        )
        .await
}
