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
use pipewright_core::Secret;
use pipewright_store::StoreError;
use pipewright_store::events::{self, NewEvent};
use pipewright_store::users::{self, User};
use serde::Deserialize;

use crate::app::App;
use crate::sessions::admit::{self, Attempt, Locked, Why};
use crate::sessions::{Opening, lockout, open};
use crate::users::{For, PasswordError, verify};
use crate::web::{Html, Page, PageError, PageForm, SeeOther, Visitor, own_path};

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
    /// It is refused, and written down.
    Refused(Why),
    /// Our own fault.
    Failed(PageError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
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
    let (user, attempt) = match sign_in(&visitor, &email, Secret::new(fields.password)).await {
        Ok(signed_in) => signed_in,
        Err(Refusal::Failed(error)) => return Err(error),
        Err(Refusal::Refused(why)) => {
            admit::refused(&visitor, &email, why).await?;
            return Ok(match why {
                Why::Wrong => refused(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "Wrong e-mail address or password.".to_owned(),
                ),
                Why::Disabled => refused(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "This user is disabled. Ask an administrator of this installation.".to_owned(),
                ),
                Why::Locked(until) => {
                    let (sentence, seconds) = lockout::sentence(visitor.now, until);
                    let mut response = refused(StatusCode::TOO_MANY_REQUESTS, sentence);
                    response.headers_mut().insert(RETRY_AFTER, seconds.into());
                    response
                }
                Why::Busy => {
                    let mut response = refused(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "Too many people are signing in right now. Try again in a few seconds."
                            .to_owned(),
                    );
                    response.headers_mut().insert(RETRY_AFTER, 5.into());
                    response
                }
            });
        }
    };
    let mut tx = app.db.begin().await?;
    attempt.succeeded(&mut tx, visitor.now).await?;
    let opened = open(
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
        opened.onto(cookies),
        SeeOther::to(&app.config, own_path(&fields.next)),
    )
        .into_response())
}

/// The user, if address and password belong together, with the attempt that was counted.
async fn sign_in(
    visitor: &Visitor,
    email: &str,
    password: Secret,
) -> Result<(User, Attempt), Refusal> {
    let app = &visitor.app;
    let browser = visitor.browser.as_ref().map(<[u8; 32]>::as_slice);
    let attempt = Attempt::to_sign_in(app, email, &visitor.address, browser)
        .await?
        .map_err(|Locked(until)| Refusal::Refused(Why::Locked(until)))?;
    let user = users::by_email(&app.db, email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let whom = if attempt.is_known {
        For::Known
    } else {
        For::Stranger
    };
    let fits = verify(whom, password, hash)
        .await
        .map_err(|error| match error {
            PasswordError::Busy => Refusal::Refused(Why::Busy),
            other @ PasswordError::Hash(_) => Refusal::Failed(PageError::internal(other)),
        })?;
    match user {
        Some(user) if fits && user.disabled_at.is_none() => Ok((user, attempt)),
        Some(_) if fits => Err(Refusal::Refused(Why::Disabled)),
        _ => Err(Refusal::Refused(
            attempt.locked_until.map_or(Why::Wrong, Why::Locked),
        )),
    }
}
