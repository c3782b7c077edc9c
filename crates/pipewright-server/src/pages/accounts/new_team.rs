//! Making a team.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde::Deserialize;

use crate::accounts::{Founder, found_team};
use crate::app::App;
use crate::web::{Html, Page, PageError, PageForm, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/accounts/new", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "new_team.html")]
pub(crate) struct NewTeamPage {
    pub(crate) page: Page,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
    #[serde(default)]
    slug: String,
}

fn founder(user: &SignedIn) -> Founder<'_> {
    Founder {
        user: user.user.id,
        name: &user.user.name,
        address: &user.visitor.address,
        at: user.visitor.now,
        may_make_accounts: user
            .visitor
            .session
            .as_ref()
            .is_some_and(|session| session.rights.make_accounts),
    }
}

async fn show(user: SignedIn) -> Result<Html<NewTeamPage>, PageError> {
    founder(&user).admitted()?;
    Ok(Html(NewTeamPage {
        page: user.page("New team"),
        name: String::new(),
        slug: String::new(),
        refusal: None,
    }))
}

async fn submit(
    State(app): State<App>,
    user: SignedIn,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let founder = founder(&user);
    founder.admitted()?;
    let refused = match found_team(&app, &founder, &fields.name, &fields.slug).await {
        Ok(account) => {
            let path = format!("/{}/settings/members", account.slug);
            return Ok(SeeOther::to(&app.config, &path)
                .done(format!(
                    "The team {} is made. Invite its members here.",
                    account.name
                ))
                .into_response());
        }
        Err(error) => PageError::beside(error)?,
    };
    let page = NewTeamPage {
        page: user.page("New team"),
        name: fields.name,
        slug: fields.slug,
        refusal: Some(refused),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}
