//! Withdrawing an invitation.

use pipewright_core::Right;
use pipewright_core::ids::InvitationId;
use pipewright_store::invitations;
use serde_json::json;

use super::error::MemberError;
use crate::app::App;
use crate::ground::Actor;

/// From now on the invitation's link does nothing.
pub(crate) async fn withdraw(
    app: &App,
    actor: &Actor,
    id: InvitationId,
) -> Result<(), MemberError> {
    actor.require(Right::ManageMembers)?;
    let mut tx = app.db.begin().await?;
    if !invitations::withdraw(&mut tx, actor.account, id).await? {
        return Err(MemberError::NotFound);
    }
    actor
        .record(&mut tx, "invitation.withdrawn", &id.to_string(), json!({}))
        .await?;
    Ok(tx.commit().await?)
}
