//! Signing in to the simulator's pages with a browser.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::cloud::server::CloudServer;
use crate::cloud::web::page;
use crate::state::UserId;

/// Cookies know no ports, so the name must not meet another server's on the same host.
const SESSION_COOKIE: &str = "simulated_cloud_session";

/// The session text in a request's cookies.
pub(in crate::cloud) fn session_of(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value.to_owned())
}

/// The signed-in user of a request.
pub(super) fn user_of(server: &CloudServer, headers: &HeaderMap) -> Option<UserId> {
    let session = session_of(headers)?;
    server.oauth().session(&session)
}

#[derive(Template)]
#[template(path = "cloud/sign_in.html")]
struct SignInPage {
    next: String,
    problem: Option<&'static str>,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// The sign-in form.
pub(super) async fn show(Query(next): Query<Next>) -> Response {
    form(&next.next, None)
}

pub(super) fn form(next: &str, problem: Option<&'static str>) -> Response {
    let mut response = page(&SignInPage {
        next: next.to_owned(),
        problem,
    });
    if problem.is_some() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

/// The filled-in form.
#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Checks name (or e-mail) and password, and begins a session.
pub(super) async fn sign_in(
    State(server): State<Arc<CloudServer>>,
    axum::Form(form): axum::Form<SignIn>,
) -> Response {
    let user = server.installation.read(|tables| {
        let user = tables
            .user_by_name(&form.username)
            .or_else(|| tables.user_by_email(&form.username))?;
        (user.active && !user.service && user.password == form.password).then_some(user.id)
    });
    let Some(user) = user else {
        return self::form(&form.next, Some("Name or password is wrong."));
    };
    let session = server.oauth().sign_in(user);
    // Only our own paths: this page must not send people elsewhere.
    let next = if form.next.starts_with('/') && !form.next.starts_with("//") {
        form.next.as_str()
    } else {
        "/"
    };
    let mut response = Redirect::to(next).into_response();
    let cookie = format!("{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Ends the session.
pub(super) async fn sign_out(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
) -> Response {
    if let Some(session) = session_of(&headers) {
        server.oauth().sign_out(&session);
    }
    Redirect::to("/account/signin/").into_response()
}
