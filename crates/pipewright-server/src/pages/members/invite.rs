//! Inviting somebody: makes a link that works once, for the inviter to pass on. No e-mail is sent.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::ids::InvitationId;
use pipewright_core::{Right, Role};
use pipewright_store::accounts::AccountKind;
use pipewright_store::invitations::{self, NewInvitation};
use pipewright_store::members;
use serde::Deserialize;

use super::list::{InvitedLink, context};
use crate::app::App;
use crate::ground::{hash_of_token, new_token};
use crate::http::{Html, MemberOf, PageError, PageForm, SeeOther};
use crate::users::checked_email;

/// How long an invitation can be taken up.
const LIFETIME: Duration = Duration::from_hours(168);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/members/invite", post(invite))
        .route("/{account}/settings/members/withdraw", post(withdraw))
}

#[derive(Debug, Deserialize)]
struct Fields {
    email: String,
    role: String,
}

async fn invite(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    member.require(Right::ManageMembers)?;
    let (email, role) = match check(&app, &member, &fields).await? {
        Ok(checked) => checked,
        Err(sentence) => {
            let mut page = context(&app, &member).await?;
            page.refusal = Some(sentence);
            page.email = fields.email;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let token = new_token()?;
    let mut tx = app.db.begin().await?;
    let invitation = NewInvitation {
        id: InvitationId::new(),
        account_id: member.account.id,
        email: &email,
        role,
        token_hash: &hash_of_token(&token),
        invited_by: member.user.id,
        created_at: member.now(),
        expires_at: member.now() + LIFETIME,
    };
    invitations::insert(&mut tx, &invitation).await?;
    member
        .record(
            &mut tx,
            "member.invited",
            &email,
            serde_json::json!({ "role": role.as_str() }),
        )
        .await?;
    tx.commit().await?;
    let mut page = context(&app, &member).await?;
    page.invited = Some(InvitedLink {
        email,
        url: app
            .config
            .public(&format!("/invitations/{}", token.expose())),
    });
    Ok(Html(page).into_response())
}

/// Address and role, or the sentence that says why not.
async fn check(
    app: &App,
    member: &MemberOf,
    fields: &Fields,
) -> Result<Result<(String, Role), String>, PageError> {
    if member.account.kind == AccountKind::Personal {
        return Ok(Err(
            "A personal account has one member. Work with others in a team.".to_owned(),
        ));
    }
    let email = match checked_email(&fields.email) {
        Ok(email) => email,
        Err(sentence) => return Ok(Err(sentence)),
    };
    let Ok(role) = Role::parse(&fields.role) else {
        return Ok(Err("Choose one of the roles.".to_owned()));
    };
    if !member.role.may_grant(role) {
        return Ok(Err(
            "Only an owner can invite another owner. Ask one, or choose another role.".to_owned(),
        ));
    }
    if members::list(&app.db, member.account.id)
        .await?
        .iter()
        .any(|one| one.email == email)
    {
        return Ok(Err(format!(
            "{email} is a member already; change the role in the list."
        )));
    }
    Ok(Ok((email, role)))
}

#[derive(Debug, Deserialize)]
struct Chosen {
    id: String,
}

async fn withdraw(
    State(app): State<App>,
    member: MemberOf,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    member.require(Right::ManageMembers)?;
    let id: InvitationId = chosen.id.parse().map_err(|_| PageError::NotFound)?;
    let mut tx = app.db.begin().await?;
    if !invitations::withdraw(&mut tx, member.account.id, id).await? {
        return Err(PageError::NotFound);
    }
    member
        .record(
            &mut tx,
            "invitation.withdrawn",
            &chosen.id,
            serde_json::json!({}),
        )
        .await?;
    tx.commit().await?;
    Ok(SeeOther::to(&app.config, &member.path("/settings/members"))
        .done("The invitation is withdrawn; its link no longer works."))
}
