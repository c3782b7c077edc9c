//! Changing a member's role, removing a member, and leaving.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::Role;
use pipewright_core::ids::UserId;
use serde::Deserialize;

use crate::app::App;
use crate::members::{self, Removed};
use crate::web::{MemberOf, PageError, PageForm, SeeOther};

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
    let role = Role::parse(&fields.role)
        .map_err(|_| PageError::Unprocessable("Choose one of the roles.".to_owned()))?;
    let id: UserId = fields.user.parse().map_err(|_| PageError::NotFound)?;
    let other = members::change_role(&app, &member.actor(), id, role).await?;
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
    let id: UserId = fields.user.parse().map_err(|_| PageError::NotFound)?;
    let other = match members::remove(&app, &member.actor(), id).await? {
        Removed::Left => {
            return Ok(SeeOther::to(&app.config, "/").done(format!(
                "You are no longer a member of {}.",
                member.account.name
            )));
        }
        Removed::Other(other) => other,
    };
    let done = format!(
        "{} is no longer a member; invitations they made are withdrawn. What they set up keeps working.",
        other.name
    );
    Ok(SeeOther::to(&app.config, &member.path("/settings/members")).done(done))
}

const fn article(role: Role) -> &'static str {
    match role {
        Role::Owner | Role::Admin => "an",
        Role::Developer | Role::Viewer => "a",
    }
}
