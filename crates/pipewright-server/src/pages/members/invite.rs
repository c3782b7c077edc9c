//! The form that invites somebody, and the button that withdraws an invitation.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::ids::InvitationId;
use serde::Deserialize;

use super::list::{InvitedLink, context};
use crate::app::App;
use crate::members;
use crate::web::{Html, MemberOf, PageError, PageForm, SeeOther};

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
    let done = members::invite(&app, &member.actor(), &fields.email, &fields.role).await;
    let invited = match done {
        Ok(invited) => invited,
        Err(error) => {
            let sentence = PageError::beside(error)?;
            let mut page = context(&app, &member).await?;
            page.refusal = Some(sentence);
            page.email = fields.email;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let mut page = context(&app, &member).await?;
    page.invited = Some(InvitedLink {
        email: invited.email,
        url: app
            .config
            .public(&format!("/invitations/{}", invited.token.expose())),
    });
    Ok(Html(page).into_response())
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
    let id: InvitationId = chosen.id.parse().map_err(|_| PageError::NotFound)?;
    members::withdraw(&app, &member.actor(), id).await?;
    Ok(SeeOther::to(&app.config, &member.path("/settings/members"))
        .done("The invitation is withdrawn; its link no longer works."))
}
