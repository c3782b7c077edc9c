//! Signing in with e-mail address and password.
//!
//! Whether the address is known cannot be told from the answer, nor from how long it takes.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use http::StatusCode;
use http::header::RETRY_AFTER;
use pipewright_core::{Secret, Timestamp};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::users::{self, User};
use serde::Deserialize;

use crate::app::App;
use crate::http::{Html, Page, PageError, PageForm, SeeOther, Visitor, own_path};
use crate::sessions::{Opening, guard, lockout, open};
use crate::users::{PasswordError, verify};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/sign-in", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) page: Page,
    pub(crate) email: String,
    pub(crate) next: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Fields {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Why nobody was signed in.
#[derive(Debug)]
enum Refusal {
    /// Address and password do not belong together.
    Wrong,
    /// The address is locked out until then.
    Locked(Timestamp),
    /// Too many are being checked at this moment.
    Busy,
    /// Our own fault.
    Failed(PageError),
}

async fn show(State(app): State<App>, visitor: Visitor, Query(query): Query<Next>) -> Response {
    if visitor.session.is_some() {
        return Redirect::to(&format!(
            "{}{}",
            app.config.base_path(),
            own_path(&query.next)
        ))
        .into_response();
    }
    let page = SignInPage {
        page: visitor.page("Sign in"),
        email: String::new(),
        next: query.next,
        refusal: None,
    };
    Html(page).into_response()
}

async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    cookies: CookieJar,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let email = users::email_key(&fields.email);
    let refused = |status: StatusCode, sentence: String| {
        let page = SignInPage {
            page: visitor.page("Sign in"),
            email: email.clone(),
            next: fields.next.clone(),
            refusal: Some(sentence),
        };
        (status, Html(page)).into_response()
    };
    let user = match sign_in(&app, &email, Secret::new(fields.password)).await {
        Ok(user) => user,
        Err(Refusal::Wrong) => {
            let sentence = "Wrong e-mail address or password.";
            return Ok(refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                sentence.to_owned(),
            ));
        }
        Err(Refusal::Locked(until)) => {
            let (sentence, seconds) = lockout::sentence(visitor.now, until);
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, sentence);
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            return Ok(response);
        }
        Err(Refusal::Busy) => {
            let sentence = "Too many people are signing in right now. Try again in a few seconds.";
            return Ok(refused(
                StatusCode::SERVICE_UNAVAILABLE,
                sentence.to_owned(),
            ));
        }
        Err(Refusal::Failed(error)) => return Err(error),
    };
    let mut tx = app.db.begin().await?;
    users::clear_failures(&mut tx, &email).await?;
    let cookie = open(
        &mut tx,
        &visitor,
        Opening {
            user: user.id,
            account: None,
        },
    )
    .await?;
    let event = NewEvent {
        account_id: None,
        user_id: Some(user.id),
        actor: &user.name,
        action: "user.signed_in",
        subject: &user.email,
        detail: serde_json::json!({}),
        address: Some(&visitor.address),
        at: visitor.now,
    };
    events::record(&mut tx, &event).await?;
    tx.commit().await?;
    Ok((
        cookies.add(cookie),
        SeeOther::to(&app.config, own_path(&fields.next)),
    )
        .into_response())
}

/// The user, if address and password belong together.
async fn sign_in(app: &App, email: &str, password: Secret) -> Result<User, Refusal> {
    let failed = |error: pipewright_store::StoreError| Refusal::Failed(error.into());
    if let Some(until) = guard::locked_until(app, email).await.map_err(failed)? {
        return Err(Refusal::Locked(until));
    }
    let user = users::by_email(&app.db, email).await.map_err(failed)?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let fits = verify(password, hash).await.map_err(|error| match error {
        PasswordError::Busy => Refusal::Busy,
        other @ PasswordError::Hash(_) => Refusal::Failed(PageError::internal(other)),
    })?;
    match user {
        Some(user) if fits && user.disabled_at.is_none() => Ok(user),
        _ => match guard::count_failure(app, email).await.map_err(failed)? {
            Some(until) => Err(Refusal::Locked(until)),
            None => Err(Refusal::Wrong),
        },
    }
}
