//! Removing a member, and leaving.

use pipewright_core::Right;
use pipewright_core::ids::UserId;
use pipewright_store::administration;
use pipewright_store::members::{self, Member};
use serde_json::json;

use super::error::{MemberError, find, finish};
use crate::app::App;
use crate::ground::{Actor, Denied};

/// Who is gone.
#[derive(Debug)]
pub(crate) enum Removed {
    /// The actor left.
    Left,
    /// Somebody else was removed.
    Other(Member),
}

/// Ends the user's membership in the actor's account. Everybody may leave; removing others is a right.
pub(crate) async fn remove(app: &App, actor: &Actor, user: UserId) -> Result<Removed, MemberError> {
    let other = find(&app.db, actor, user).await?;
    let leaves = actor.user == Some(other.id);
    if !leaves {
        actor.require(Right::ManageMembers)?;
        if !actor.may_grant(other.role) {
            return Err(Denied("Only an owner can remove an owner. Ask one.".to_owned()).into());
        }
    }
    let mut tx = app.db.begin().await?;
    finish(&members::remove(&mut tx, actor.account, other.id).await?)?;
    // What they were given here goes with them: what they delegated, and what they began.
    let withdrawn = administration::end_in_account(&mut tx, other.id, actor.account).await?;
    let action = if leaves {
        "member.left"
    } else {
        "member.removed"
    };
    let detail = json!({ "role": other.role.as_str(), "invitations": withdrawn });
    actor.record(&mut tx, action, &other.email, detail).await?;
    tx.commit().await?;
    Ok(if leaves {
        Removed::Left
    } else {
        Removed::Other(other)
    })
}
