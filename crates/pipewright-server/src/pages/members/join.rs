//! Taking up an invitation: with the account one has, or by making one.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use http::StatusCode;
use pipewright_core::ids::UserId;
use pipewright_core::{Role, Secret};
use pipewright_store::accounts::{self, Account};
use pipewright_store::events::{self, NewEvent};
use pipewright_store::invitations::{self, Invitation};
use pipewright_store::users::{self, User};
use pipewright_store::{StoreError, Tx, administration, members};
use serde::Deserialize;

use crate::administration::links;
use crate::app::App;
use crate::ground::hash_of_token;
use crate::sessions::{Opening, open};
use crate::users::{hash_password, new_user};
use crate::web::{Html, Page, PageError, PageForm, SeeOther, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/invitations/{token}", get(show).post(submit))
}

/// How the visitor can take the invitation up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinState {
    /// Signed in as the one who is invited.
    Confirm,
    /// Signed in as somebody else.
    SomebodyElse,
    /// Not signed in, but the address has a user.
    SignIn,
    /// The address has no user yet.
    MakeUser,
    /// The address has a user whom nobody vouched for, and whoever invites now vouches for who opens the link: they may be
    /// that user, or somebody else to whom the address really belongs.
    MakeOrSignIn,
}

#[derive(Debug, Template)]
#[template(path = "join.html")]
pub(crate) struct JoinPage {
    pub(crate) page: Page,
    pub(crate) account: String,
    pub(crate) invited_by: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) state: JoinState,
    pub(crate) name: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// What is said of an invitation that is not open, or whose maker may no longer invite.
const GONE: &str = "This invitation was already used or withdrawn, or it has expired. If you joined with it, sign in; otherwise ask whoever invited you for a new one.";

/// An invitation, its account, and how this visitor stands to it.
struct Found {
    invitation: Invitation,
    account: Account,
    state: JoinState,
    /// Whoever invites administers the installation, and so vouches for the address.
    is_vouched_for: bool,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let found = find(&app, &visitor, &token).await?;
    Ok(page(&visitor, &found, StatusCode::OK, String::new(), None))
}

async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    cookies: CookieJar,
    Path(token): Path<String>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let found = find(&app, &visitor, &token).await?;
    match (found.state, &visitor.session) {
        (JoinState::Confirm, Some(session)) => {
            let mut tx = app.db.begin().await?;
            join(&mut tx, &visitor, &found, &session.user).await?;
            tx.commit().await?;
            Ok(welcome(&app, &found).into_response())
        }
        (JoinState::MakeUser | JoinState::MakeOrSignIn, _) => {
            let password = Secret::new(fields.password);
            let name = match new_user(&fields.name, &password, &found.invitation.email) {
                Ok(name) => name,
                Err(sentence) => {
                    return Ok(page(
                        &visitor,
                        &found,
                        StatusCode::UNPROCESSABLE_ENTITY,
                        fields.name,
                        Some(sentence),
                    ));
                }
            };
            // Slow on purpose, so it is done before the transaction that would make everybody wait.
            let password_hash = hash_password(password).await.map_err(PageError::internal)?;
            let user = User {
                id: UserId::new(),
                email: found.invitation.email.clone(),
                name,
                password_hash,
                is_administrator: false,
                created_at: visitor.now,
                disabled_at: None,
                may_make_accounts: false,
                may_connect: false,
                email_proved_at: found.is_vouched_for.then(|| visitor.now.as_micros()),
            };
            let personal_slug = links::personal_slug(&app.db, &user.email).await?;
            let mut tx = app.db.begin().await?;
            let (_, released) = links::make_user(&mut tx, &user, &personal_slug)
                .await
                .map_err(|error| match error {
                    StoreError::Exists("user") => PageError::Conflict(
                        "This address was given a user a moment ago. Sign in, and open the link again."
                            .to_owned(),
                    ),
                    other => other.into(),
                })?;
            links::record_joined(
                &mut tx,
                &visitor.passerby(),
                &user,
                Some(&found.invitation.invited_by),
                released,
            )
            .await?;
            // Asks again in this transaction whether the invitation is still good, and what its maker may give now.
            join(&mut tx, &visitor, &found, &user).await?;
            let opened = open(
                &mut tx,
                &visitor,
                Opening {
                    user: user.id,
                    account: Some(found.account.id),
                },
            )
            .await?;
            tx.commit().await?;
            Ok((opened.onto(cookies), welcome(&app, &found)).into_response())
        }
        _ => Ok(page(
            &visitor,
            &found,
            StatusCode::CONFLICT,
            String::new(),
            None,
        )),
    }
}

fn gone() -> PageError {
    PageError::LinkGone(GONE.to_owned())
}

async fn find(app: &App, visitor: &Visitor, token: &str) -> Result<Found, PageError> {
    let token_hash = hash_of_token(&Secret::new(token));
    let invitation = invitations::by_token(&app.db, &token_hash, visitor.now)
        .await?
        .ok_or_else(gone)?;
    let account = accounts::by_id(&app.db, invitation.account_id)
        .await?
        .ok_or(PageError::NotFound)?;
    let inviter = users::by_id(&app.db, invitation.inviter).await?;
    // What is delegated is no more than its giver has now.
    let role = members::role(&app.db, invitation.account_id, invitation.inviter).await?;
    let may_invite = role.is_some_and(|role| role.may_grant(invitation.role))
        && inviter
            .as_ref()
            .is_some_and(|inviter| inviter.disabled_at.is_none());
    if !may_invite {
        return Err(gone());
    }
    let is_vouched_for = inviter.is_some_and(|inviter| inviter.is_administrator);
    let state = match &visitor.session {
        Some(session) if session.user.email == invitation.email => JoinState::Confirm,
        Some(_) => JoinState::SomebodyElse,
        None => match users::by_email(&app.db, &invitation.email).await? {
            Some(user) if user.email_proved_at.is_none() && is_vouched_for => {
                JoinState::MakeOrSignIn
            }
            Some(_) => JoinState::SignIn,
            None => JoinState::MakeUser,
        },
    };
    Ok(Found {
        invitation,
        account,
        state,
        is_vouched_for,
    })
}

fn page(
    visitor: &Visitor,
    found: &Found,
    status: StatusCode,
    name: String,
    refusal: Option<String>,
) -> Response {
    let page = JoinPage {
        page: visitor.page("Invitation"),
        account: found.account.name.clone(),
        invited_by: found.invitation.invited_by.clone(),
        email: found.invitation.email.clone(),
        role: found.invitation.role,
        state: found.state,
        name,
        refusal,
    };
    (status, Html(page)).into_response()
}

/// Makes the user a member, once.
async fn join(tx: &mut Tx, visitor: &Visitor, found: &Found, user: &User) -> Result<(), PageError> {
    let giver = members::role_within(tx, found.account.id, found.invitation.inviter).await?;
    let may_give = giver.is_some_and(|giver| giver.may_grant(found.invitation.role));
    if !may_give || !invitations::accept(tx, found.invitation.id, visitor.now).await? {
        return Err(gone());
    }
    if found.is_vouched_for && user.email_proved_at.is_none() {
        administration::prove_email(tx, user.id, visitor.now).await?;
    }
    members::add(
        tx,
        found.account.id,
        user.id,
        found.invitation.role,
        visitor.now,
    )
    .await
    .map_err(|error| match error {
        StoreError::Exists(_) => PageError::Conflict(format!(
            "You are a member of {} already.",
            found.account.name
        )),
        other => other.into(),
    })?;
    let event = NewEvent {
        account_id: Some(found.account.id),
        user_id: Some(user.id),
        actor: &user.name,
        action: "member.joined",
        subject: &user.email,
        detail: serde_json::json!({ "role": found.invitation.role.as_str(), "invited_by": found.invitation.invited_by }),
        address: Some(&visitor.address),
        at: visitor.now,
    };
    Ok(events::record(tx, &event).await?)
}

fn welcome(app: &App, found: &Found) -> SeeOther {
    let path = format!("/{}/applications", found.account.slug);
    SeeOther::to(&app.config, &path).done(format!("Welcome to {}.", found.account.name))
}
