//! The front page: the current account's applications, or the way in.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pipewright_store::users;

use crate::app::App;
use crate::web::{Html, MemberOf, Page, PageError, SeeOther, Visitor};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(front))
        .route("/{account}", get(account))
}

/// What a visitor sees before the installation is set up.
#[derive(Debug, Template)]
#[template(path = "welcome.html")]
pub(crate) struct WelcomePage {
    pub(crate) page: Page,
}

async fn front(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    if let Some(membership) = visitor.current_account() {
        let path = format!("/{}/applications", membership.account.slug);
        return Ok(SeeOther::to(&app.config, &path).into_response());
    }
    if visitor.session.is_some() {
        let may_make = visitor
            .session
            .as_ref()
            .is_some_and(|session| session.rights.make_accounts);
        let path = if may_make {
            "/accounts/new"
        } else {
            "/profile"
        };
        return Ok(SeeOther::to(&app.config, path).into_response());
    }
    if users::count(&app.db).await? == 0 {
        return Ok(Html(WelcomePage {
            page: visitor.page("Welcome"),
        })
        .into_response());
    }
    Ok(SeeOther::to(&app.config, "/sign-in").into_response())
}

/// An account's own address leads to its applications.
async fn account(State(app): State<App>, member: MemberOf) -> SeeOther {
    SeeOther::to(&app.config, &member.path("/applications"))
}
