//! Draws problems: a page for people, RFC 9457 for whoever asks for JSON. Logs internal errors, once, here.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::database;
use super::request_id::RequestId;
use crate::app::App;
use crate::web::html::Html;
use crate::web::page::Page;
use crate::web::problem::{PageError, Problem};
use crate::web::redirect::SeeOther;
use crate::web::visitor::{Visitor, page_path};

#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) page: Page,
    pub(crate) status: u16,
    pub(crate) heading: &'static str,
    pub(crate) sentence: String,
    pub(crate) id: Option<String>,
}

pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let seen = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    match problem(&response) {
        Some(problem) => draw(&app, &seen, &problem).await,
        None => response,
    }
}

/// The problem of an answer: the one a handler gave, or that of a bare refusal by the framework.
fn problem(response: &Response) -> Option<Arc<PageError>> {
    if let Some(Problem(error)) = response.extensions().get::<Problem>() {
        return Some(Arc::clone(error));
    }
    let status = response.status();
    let is_bare = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && is_bare && status != StatusCode::SERVICE_UNAVAILABLE)
        .then(|| Arc::new(PageError::of_status(status)))
}

async fn draw(app: &App, request: &Parts, error: &PageError) -> Response {
    let id = request.extensions.get::<RequestId>();
    if let PageError::Internal(cause) = error {
        let id = id.map(|id| id.0.as_str()).unwrap_or_default();
        tracing::error!(request.id = id, "a request failed: {cause:#}");
    }
    // Nobody waits here for a database that does not answer.
    let visitor = tokio::time::timeout(database::PATIENCE, Visitor::of(app, request))
        .await
        .ok()
        .and_then(Result::ok);
    // Whether an address exists is not told to strangers: both answers are the same, and lead back to it.
    let sign_in = PageError::SignIn;
    let is_hidden = matches!(error, PageError::NotFound)
        && visitor
            .as_ref()
            .is_some_and(|visitor| visitor.session.is_none() && is_for_members(request));
    let error = if is_hidden { &sign_in } else { error };
    if wants_json(&request.headers) {
        return json(error, id);
    }
    if matches!(error, PageError::SignIn) && is_navigation(request) {
        return SeeOther::to(&app.config, &sign_in_path(app, request)).into_response();
    }
    let Some(visitor) = visitor.filter(|_| is_navigation(request)) else {
        // The database does not answer, or a script asks, which would take a page for what it asked for.
        let mut response = (error.status(), format!("{error}\n")).into_response();
        retry_after(error, response.headers_mut());
        return response;
    };
    let page = ProblemPage {
        page: visitor.page(heading(error)),
        status: error.status().as_u16(),
        heading: heading(error),
        sentence: error.to_string(),
        id: matches!(error, PageError::Internal(_))
            .then(|| id.map(|id| id.0.clone()).unwrap_or_default()),
    };
    let mut response = (error.status(), Html(page)).into_response();
    retry_after(error, response.headers_mut());
    response
}

fn heading(error: &PageError) -> &'static str {
    match error {
        PageError::BadRequest(_) | PageError::Unprocessable(_) => "That did not work",
        PageError::SignIn => "Sign in",
        PageError::Forbidden(_) => "You may not do this",
        PageError::NotFound => "Not found",
        PageError::LinkGone(_) => "This link no longer works",
        PageError::MethodNotAllowed => "Not that way",
        PageError::Conflict(_) => "That is not possible now",
        PageError::TooLarge(_) => "Too large",
        PageError::TooManyRequests { .. } => "Too often",
        PageError::Unavailable(_) => "Not now",
        PageError::Internal(_) => "Something went wrong",
    }
}

/// True for an address that only members may know of. Links with a secret in them are for whoever has them, and say
/// themselves what became of them.
fn is_for_members(request: &Parts) -> bool {
    const OPEN: [&str; 7] = [
        "/setup/",
        "/invitations/",
        "/links/",
        "/static/",
        "/hooks/",
        "/health",
        "/oauth/",
    ];
    let path = request.uri.path();
    request.method == Method::GET && !OPEN.iter().any(|open| path.starts_with(open))
}

/// True where a person opened a page, rather than a script asking for a part of one.
fn is_navigation(request: &Parts) -> bool {
    let accept = request.headers.get(ACCEPT).map(HeaderValue::as_bytes);
    !request.headers.contains_key("x-fragment") && accept != Some(b"text/event-stream")
}

/// The sign-in page, which afterwards leads back to what was asked for: the page, or the one whose form was sent.
fn sign_in_path(app: &App, request: &Parts) -> String {
    format!(
        "/sign-in?next={}",
        utf8_percent_encode(&page_path(app, request), NON_ALPHANUMERIC)
    )
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accept.contains("json") && !accept.contains("text/html")
}

/// A problem as RFC 9457 has it.
fn json(error: &PageError, id: Option<&RequestId>) -> Response {
    let status = error.status();
    let mut body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": error.to_string(),
    });
    if let Some(RequestId(id)) = id {
        body["instance"] = serde_json::json!(format!("urn:pipewright:request:{id}"));
    }
    let mut response = (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response();
    retry_after(error, response.headers_mut());
    response
}

fn retry_after(error: &PageError, headers: &mut HeaderMap) {
    let seconds = match error {
        PageError::TooManyRequests { retry_after, .. } => *retry_after,
        PageError::Unavailable(_) => database::RETRY_SECONDS,
        _ => return,
    };
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
}
