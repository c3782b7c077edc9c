//! Changing a member's role, removing a member, and leaving.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::ids::UserId;
use pipewright_core::{Right, Role};
use pipewright_store::administration;
use pipewright_store::members::{self, Member, MemberChange};
use serde::Deserialize;

use crate::app::App;
use crate::http::{MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/members/role", post(role))
        .route("/{account}/settings/members/remove", post(remove))
}

#[derive(Debug, Deserialize)]
struct RoleFields {
    user: String,
    role: String,
}

async fn role(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<RoleFields>,
) -> Result<SeeOther, PageError> {
    member.require(Right::ManageMembers)?;
    let role = Role::parse(&fields.role)
        .map_err(|_| PageError::Unprocessable("Choose one of the roles.".to_owned()))?;
    let other = other(&app, &member, &fields.user).await?;
    if !member.role.may_grant(role) || !member.role.may_grant(other.role) {
        return Err(PageError::Forbidden(
            "Only an owner can make somebody an owner or change an owner's role. Ask one."
                .to_owned(),
        ));
    }
    let mut tx = app.db.begin().await?;
    finish(members::set_role(&mut tx, member.account.id, other.id, role).await?)?;
    let detail = serde_json::json!({ "role": role.as_str(), "before": other.role.as_str() });
    member
        .record(&mut tx, "member.role_changed", &other.email, detail)
        .await?;
    tx.commit().await?;
    let done = format!("{} is now {} {}.", other.name, article(role), role.as_str());
    Ok(SeeOther::to(&app.config, &member.path("/settings/members")).done(done))
}

#[derive(Debug, Deserialize)]
struct RemoveFields {
    user: String,
}

async fn remove(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<RemoveFields>,
) -> Result<SeeOther, PageError> {
    let other = other(&app, &member, &fields.user).await?;
    let leaves = other.id == member.user.id;
    if !leaves {
        member.require(Right::ManageMembers)?;
        if !member.role.may_grant(other.role) {
            return Err(PageError::Forbidden(
                "Only an owner can remove an owner. Ask one.".to_owned(),
            ));
        }
    }
    let mut tx = app.db.begin().await?;
    finish(members::remove(&mut tx, member.account.id, other.id).await?)?;
    // What they were given here goes with them: what they delegated, and what they began.
    let withdrawn = administration::end_in_account(&mut tx, other.id, member.account.id).await?;
    let action = if leaves {
        "member.left"
    } else {
        "member.removed"
    };
    member
        .record(
            &mut tx,
            action,
            &other.email,
            serde_json::json!({ "role": other.role.as_str(), "invitations": withdrawn }),
        )
        .await?;
    tx.commit().await?;
    if leaves {
        return Ok(SeeOther::to(&app.config, "/").done(format!(
            "You are no longer a member of {}.",
            member.account.name
        )));
    }
    let done = format!(
        "{} is no longer a member; invitations they made are withdrawn. What they set up keeps working.",
        other.name
    );
    Ok(SeeOther::to(&app.config, &member.path("/settings/members")).done(done))
}

async fn other(app: &App, member: &MemberOf, user: &str) -> Result<Member, PageError> {
    let id: UserId = user.parse().map_err(|_| PageError::NotFound)?;
    let listed = members::list(&app.db, member.account.id).await?;
    listed
        .into_iter()
        .find(|one| one.id == id)
        .ok_or(PageError::NotFound)
}

fn finish(change: MemberChange) -> Result<(), PageError> {
    match change {
        MemberChange::Done => Ok(()),
        MemberChange::NoSuchMember => Err(PageError::NotFound),
        MemberChange::LastOwner => {
            Err(PageError::Conflict("An account always has an owner. Make somebody else an owner first, then do this again.".to_owned()))
        }
    }
}

const fn article(role: Role) -> &'static str {
    match role {
        Role::Owner | Role::Admin => "an",
        Role::Developer | Role::Viewer => "a",
    }
}
