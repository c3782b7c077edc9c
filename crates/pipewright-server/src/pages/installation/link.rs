//! The page behind a one-time link: makes a user, or lets one choose a new password.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use http::StatusCode;
use pipewright_core::Secret;
use pipewright_core::ids::UserId;
use pipewright_store::StoreError;
use pipewright_store::events::{self, NewEvent};
use pipewright_store::user_links::{self, LinkKind, UserLink};
use pipewright_store::users::User;
use serde::Deserialize;

use crate::administration::links;
use crate::app::App;
use crate::sessions::{Opening, open};
use crate::users::{check_password, hash_password, new_user};
use crate::web::{Html, Page, PageError, PageForm, SeeOther, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/links/{token}", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "installation/link.html")]
pub(crate) struct LinkPage {
    pub(crate) page: Page,
    pub(crate) is_invitation: bool,
    pub(crate) email: String,
    pub(crate) maker: String,
    pub(crate) name: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    name: String,
    password: String,
}

fn page(visitor: &Visitor, link: &UserLink, name: String, refusal: Option<String>) -> Response {
    let is_invitation = link.kind == LinkKind::Invite;
    let status = if refusal.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = LinkPage {
        page: visitor.page(if is_invitation {
            "Invitation"
        } else {
            "New password"
        }),
        is_invitation,
        email: link.email.clone(),
        maker: link
            .maker
            .clone()
            .unwrap_or_else(|| "An administrator".to_owned()),
        name,
        refusal,
    };
    (status, Html(page)).into_response()
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let link = links::find(&app.db, &token, visitor.now).await?;
    Ok(page(&visitor, &link, String::new(), None))
}

async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    cookies: CookieJar,
    Path(token): Path<String>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let link = links::find(&app.db, &token, visitor.now).await?;
    let password = Secret::new(fields.password);
    match link.kind {
        LinkKind::Invite => {
            let name = match new_user(&fields.name, &password, &link.email) {
                Ok(name) => name,
                Err(sentence) => return Ok(page(&visitor, &link, fields.name, Some(sentence))),
            };
            join(&app, &visitor, cookies, &link, name, password).await
        }
        LinkKind::Reset => {
            if let Err(sentence) = check_password(&password, &[&link.email]) {
                return Ok(page(&visitor, &link, String::new(), Some(sentence)));
            }
            reset(&app, &visitor, cookies, &link, password).await
        }
    }
}

async fn join(
    app: &App,
    visitor: &Visitor,
    cookies: CookieJar,
    link: &UserLink,
    name: String,
    password: Secret,
) -> Result<Response, PageError> {
    let user = User {
        id: UserId::new(),
        email: link.email.clone(),
        name,
        password_hash: hash_password(password).await.map_err(PageError::internal)?,
        is_administrator: link.is_administrator,
        created_at: visitor.now,
        disabled_at: None,
        may_make_accounts: link.may_make_accounts,
        may_connect: link.may_connect,
        email_proved_at: Some(visitor.now.as_micros()),
    };
    let slug = links::personal_slug(&app.db, &user.email).await?;
    let mut tx = app.db.begin().await?;
    if !user_links::use_up(&mut tx, link.id, visitor.now).await? {
        return Err(links::LinkError::Gone.into());
    }
    let (personal, released) = links::make_user(&mut tx, &user, &slug)
        .await
        .map_err(|error| match error {
            StoreError::Exists("user") => PageError::Conflict(format!(
                "{} has a user already. Sign in with it.",
                user.email
            )),
            other => other.into(),
        })?;
    let from = visitor.passerby();
    links::record_joined(&mut tx, &from, &user, link.maker.as_deref(), released).await?;
    let opening = Opening {
        user: user.id,
        account: Some(personal.id),
    };
    let opened = open(&mut tx, visitor, opening).await?;
    tx.commit().await?;
    let done = SeeOther::to(&app.config, "/").done(format!("Welcome, {}.", user.name));
    Ok((opened.onto(cookies), done).into_response())
}

async fn reset(
    app: &App,
    visitor: &Visitor,
    cookies: CookieJar,
    link: &UserLink,
    password: Secret,
) -> Result<Response, PageError> {
    let hash = hash_password(password).await.map_err(PageError::internal)?;
    let mut tx = app.db.begin().await?;
    let user = links::choose_password(&mut tx, link, &hash, visitor.now).await?;
    let event = NewEvent {
        account_id: None,
        user_id: Some(user.id),
        actor: &user.name,
        action: "user.password_reset",
        subject: &user.email,
        detail: serde_json::json!({}),
        address: Some(&visitor.address),
        at: visitor.now,
    };
    events::record(&mut tx, &event).await?;
    let opening = Opening {
        user: user.id,
        account: None,
    };
    let opened = open(&mut tx, visitor, opening).await?;
    tx.commit().await?;
    let done = SeeOther::to(&app.config, "/")
        .done("Your password is changed, and you are signed out everywhere else.");
    Ok((opened.onto(cookies), done).into_response())
}
