//! Inviting somebody: makes a link that works once, for the inviter to pass on. No e-mail is sent.

use std::time::Duration;

use pipewright_core::ids::InvitationId;
use pipewright_core::{Right, Role, Secret};
use pipewright_store::accounts::{self, AccountKind};
use pipewright_store::invitations::{self, NewInvitation};
use pipewright_store::members;
use serde_json::json;

use super::error::MemberError;
use crate::app::App;
use crate::ground::{Actor, Denied, hash_of_token, new_token};
use crate::users::checked_email;

/// How long an invitation can be taken up.
const LIFETIME: Duration = Duration::from_hours(168);

/// Somebody who was invited.
#[derive(Debug)]
pub(crate) struct Invited {
    /// Their address.
    pub(crate) email: String,
    /// What their link holds; only its hash is kept.
    pub(crate) token: Secret,
}

/// Invites the person of this address, with this role, both as they were entered.
pub(crate) async fn invite(
    app: &App,
    actor: &Actor,
    email: &str,
    role: &str,
) -> Result<Invited, MemberError> {
    actor.require(Right::ManageMembers)?;
    let invited_by = actor
        .user
        .ok_or_else(|| Denied("Only a user can invite somebody.".to_owned()))?;
    let (email, role) = checked(app, actor, email, role).await?;
    let token = new_token().map_err(MemberError::Random)?;
    let mut tx = app.db.begin().await?;
    let invitation = NewInvitation {
        id: InvitationId::new(),
        account_id: actor.account,
        email: &email,
        role,
        token_hash: &hash_of_token(&token),
        invited_by,
        created_at: actor.at,
        expires_at: actor.at + LIFETIME,
    };
    invitations::insert(&mut tx, &invitation).await?;
    actor
        .record(
            &mut tx,
            "member.invited",
            &email,
            json!({ "role": role.as_str() }),
        )
        .await?;
    tx.commit().await?;
    Ok(Invited { email, token })
}

/// Address and role as they are kept.
async fn checked(
    app: &App,
    actor: &Actor,
    email: &str,
    role: &str,
) -> Result<(String, Role), MemberError> {
    let entered = |sentence: &str| MemberError::Entered(sentence.to_owned());
    let account = accounts::by_id(&app.db, actor.account)
        .await?
        .ok_or(MemberError::NotFound)?;
    if account.kind == AccountKind::Personal {
        return Err(entered(
            "A personal account has one member. Work with others in a team.",
        ));
    }
    let email = checked_email(email).map_err(MemberError::Entered)?;
    let role = Role::parse(role).map_err(|_| entered("Choose one of the roles."))?;
    if !actor.may_grant(role) {
        return Err(entered(
            "Only an owner can invite another owner. Ask one, or choose another role.",
        ));
    }
    let listed = members::list(&app.db, actor.account).await?;
    if listed.iter().any(|one| one.email == email) {
        return Err(MemberError::Entered(format!(
            "{email} is a member already; change the role in the list."
        )));
    }
    Ok((email, role))
}
