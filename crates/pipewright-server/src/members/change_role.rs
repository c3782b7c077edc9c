//! Giving a member another role.

use pipewright_core::ids::UserId;
use pipewright_core::{Right, Role};
use pipewright_store::members::{self, Member};
use serde_json::json;

use super::error::{MemberError, find, finish};
use crate::app::App;
use crate::ground::{Actor, Denied};

/// Gives the member the role. Answers the member as they were.
pub(crate) async fn change_role(
    app: &App,
    actor: &Actor,
    user: UserId,
    role: Role,
) -> Result<Member, MemberError> {
    actor.require(Right::ManageMembers)?;
    let other = find(&app.db, actor, user).await?;
    if !actor.may_grant(role) || !actor.may_grant(other.role) {
        return Err(Denied(
            "Only an owner can make somebody an owner or change an owner's role. Ask one."
                .to_owned(),
        )
        .into());
    }
    let mut tx = app.db.begin().await?;
    finish(&members::set_role(&mut tx, actor.account, other.id, role).await?)?;
    let detail = json!({ "role": role.as_str(), "before": other.role.as_str() });
    actor
        .record(&mut tx, "member.role_changed", &other.email, detail)
        .await?;
    tx.commit().await?;
    Ok(other)
}
