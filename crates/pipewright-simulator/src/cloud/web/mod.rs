//! What is below the web address: OAuth, pages for people, git over HTTP.

mod consumers;
mod git;
mod pages;
mod settings;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;

use super::oauth;
use super::server::CloudServer;

pub(super) fn router(server: Arc<CloudServer>) -> Router {
    Router::new()
        .merge(oauth::routes())
        .route("/", get(pages::home))
        .route(
            "/account/settings/ssh-keys/",
            get(settings::ssh_keys).post(settings::add_ssh_key),
        )
        .route(
            "/account/settings/ssh-keys/delete",
            post(settings::delete_ssh_key),
        )
        .route(
            "/account/settings/app-authorizations/",
            get(settings::authorizations).post(settings::revoke_authorization),
        )
        .route(
            "/{workspace}/workspace/settings/api",
            get(consumers::list).post(consumers::create),
        )
        .route(
            "/{workspace}/workspace/settings/api/delete",
            post(consumers::delete),
        )
        .route("/{workspace}/", get(pages::workspace))
        .route("/{workspace}/{slug}", get(pages::repository))
        .route("/{workspace}/{slug}/", get(pages::repository))
        .route("/{workspace}/{slug}/commits/{commit}", get(pages::commit))
        .route(
            "/{workspace}/{slug}/{*rest}",
            get(git::serve).post(git::serve),
        )
        .with_state(server)
}

/// Renders a page.
pub(super) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the simulator could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
