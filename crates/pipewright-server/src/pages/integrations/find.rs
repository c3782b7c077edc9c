//! The integration that an address names.

use pipewright_core::Right;
use pipewright_store::integrations::{self, Integration, IntegrationState};

use crate::app::App;
use crate::web::{MemberOf, PageError};

/// The page's path inside the account.
pub(super) const PATH: &str = "/settings/integrations";

/// The account's connected integration in the address, for somebody who may connect.
pub(super) async fn find(app: &App, member: &MemberOf, id: &str) -> Result<Integration, PageError> {
    let id = id.parse().map_err(|_| PageError::NotFound)?;
    let found = integrations::of_account(&app.db, member.account.id, id).await?;
    let found = found
        .filter(|integration| integration.state != IntegrationState::Disconnected)
        .ok_or(PageError::NotFound)?;
    member.shown_to(Right::Connect)?;
    Ok(found)
}
