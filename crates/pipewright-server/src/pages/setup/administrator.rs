//! The page behind the set-up link: makes the administrator, their own account, and perhaps a first team.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use http::StatusCode;
use pipewright_core::Secret;
use pipewright_core::ids::UserId;
use pipewright_store::accounts::AccountKind;
use pipewright_store::events::{self, NewEvent};
use pipewright_store::users::{self, User};
use pipewright_store::{StoreError, settings};
use serde::Deserialize;

use crate::accounts::{NewAccount, make, slug};
use crate::app::App;
use crate::ground::together;
use crate::sessions::{Opening, open};
use crate::setup;
use crate::users::{check_password, checked_email, checked_name, hash_password};
use crate::web::{Html, Page, PageError, PageForm, SeeOther, Visitor};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/setup/{token}", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) team: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    name: String,
    email: String,
    password: String,
    #[serde(default)]
    team: String,
}

/// What is said of a set-up link that is not the newest, or was used.
const GONE: &str = "This set-up link was used, or the server has printed a newer one since. If Pipewright is set up, sign in; else open the link that its last start printed.";

fn gone() -> PageError {
    PageError::LinkGone(GONE.to_owned())
}

/// What was entered, checked.
struct Checked {
    name: String,
    email: String,
    password: Secret,
    personal_slug: String,
    team: Option<(String, String)>,
}

async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    if setup::hash_of_link(&app, &token).await?.is_none() {
        return Err(gone());
    }
    let empty = String::new;
    let page = SetupPage {
        page: visitor.page("Set up"),
        name: empty(),
        email: empty(),
        team: empty(),
        refusal: None,
    };
    Ok(Html(page).into_response())
}

async fn submit(
    State(app): State<App>,
    visitor: Visitor,
    cookies: CookieJar,
    Path(token): Path<String>,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let token_hash = setup::hash_of_link(&app, &token).await?.ok_or_else(gone)?;
    let checked = match check(&fields) {
        Ok(checked) => checked,
        Err(sentence) => {
            let Fields {
                name, email, team, ..
            } = fields;
            let page = SetupPage {
                page: visitor.page("Set up"),
                name,
                email,
                team,
                refusal: Some(sentence),
            };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response());
        }
    };
    let password_hash = hash_password(checked.password.clone())
        .await
        .map_err(PageError::internal)?;
    let mut tx = app.db.begin().await?;
    if !settings::take(&mut tx, setup::SETTING, &token_hash).await?
        || users::count_within(&mut tx).await? > 0
    {
        return Err(gone());
    }
    let user = User {
        id: UserId::new(),
        email: checked.email.clone(),
        name: checked.name.clone(),
        password_hash,
        is_administrator: true,
        created_at: visitor.now,
        disabled_at: None,
        may_make_accounts: true,
        may_connect: true,
        email_proved_at: Some(visitor.now.as_micros()),
    };
    users::insert(&mut tx, &user).await?;
    let first = make_accounts(&mut tx, &user, &checked).await?;
    let event = NewEvent {
        account_id: Some(first.id),
        user_id: Some(user.id),
        actor: &user.name,
        action: "installation.set_up",
        subject: &user.email,
        detail: serde_json::json!({}),
        address: Some(&visitor.address),
        at: visitor.now,
    };
    events::record(&mut tx, &event).await?;
    let opened = open(
        &mut tx,
        &visitor,
        Opening {
            user: user.id,
            account: Some(first.id),
        },
    )
    .await?;
    tx.commit().await?;
    let path = format!("/{}/settings/integrations", first.slug);
    let done = SeeOther::to(&app.config, &path)
        .done("Pipewright is set up, and you are its administrator. Connect your Bitbucket next.");
    Ok((opened.onto(cookies), done).into_response())
}

fn check(fields: &Fields) -> Result<Checked, String> {
    let name = checked_name(&fields.name);
    let email = checked_email(&fields.email);
    let password = Secret::new(fields.password.clone());
    let password = check_password(&password, &[&fields.name, &fields.email]).map(|()| password);
    let team = match fields.team.trim() {
        "" => Ok(None),
        team => checked_name(team)
            .and_then(|name| slug::check(&slug::suggest(team)).map(|slug| Some((name, slug)))),
    };
    let (name, email, password, team) = match (name, email, password, team) {
        (Ok(name), Ok(email), Ok(password), Ok(team)) => (name, email, password, team),
        (name, email, password, team) => {
            let wrong = [name.err(), email.err(), password.err(), team.err()];
            return Err(together(wrong).unwrap_or_default());
        }
    };
    let personal_slug = slug::suggest(&email);
    let team = team.map(|(name, slug)| {
        let slug = if slug == personal_slug {
            format!("{slug}-team")
        } else {
            slug
        };
        (name, slug)
    });
    Ok(Checked {
        name,
        email,
        password,
        personal_slug,
        team,
    })
}

/// Makes the personal account and the team's, and returns the one to show first.
async fn make_accounts(
    tx: &mut pipewright_store::Tx,
    user: &User,
    checked: &Checked,
) -> Result<pipewright_store::accounts::Account, StoreError> {
    let now = user.created_at;
    let personal = NewAccount {
        slug: &checked.personal_slug,
        name: &checked.name,
        kind: AccountKind::Personal,
        owner: user.id,
        now,
    };
    let personal = make(tx, &personal).await?;
    match &checked.team {
        Some((name, slug)) => {
            make(
                tx,
                &NewAccount {
                    slug,
                    name,
                    kind: AccountKind::Team,
                    owner: user.id,
                    now,
                },
            )
            .await
        }
        None => Ok(personal),
    }
}
