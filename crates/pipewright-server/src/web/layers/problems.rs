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

use super::request_id::RequestId;
use crate::app::App;
use crate::web::html::Html;
use crate::web::page::Page;
use crate::web::problem::{PageError, Problem};
use crate::web::redirect::SeeOther;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) page: Page,
    pub(crate) status: u16,
    pub(crate) heading: &'static str,
    pub(crate) sentence: String,
    pub(crate) id: Option<String>,
    /// Where to sign in, for an anonymous visitor whom that might help.
    pub(crate) sign_in: Option<String>,
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
    if wants_json(&request.headers) {
        return json(error, id);
    }
    if matches!(error, PageError::SignIn) {
        return SeeOther::to(&app.config, &sign_in_path(request)).into_response();
    }
    let Ok(visitor) = Visitor::of(app, request).await else {
        // The database does not answer: the sentence must do without the frame.
        return (error.status(), format!("{error}\n")).into_response();
    };
    let is_anonymous = visitor.session.is_none();
    let page = ProblemPage {
        page: visitor.page(heading(error)),
        status: error.status().as_u16(),
        heading: heading(error),
        sentence: error.to_string(),
        id: matches!(error, PageError::Internal(_))
            .then(|| id.map(|id| id.0.clone()).unwrap_or_default()),
        sign_in: (is_anonymous && matches!(error, PageError::NotFound))
            .then(|| format!("{}{}", app.config.base_path(), sign_in_path(request))),
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
        PageError::MethodNotAllowed => "Not that way",
        PageError::Conflict(_) => "That is not possible now",
        PageError::TooLarge(_) => "Too large",
        PageError::TooManyRequests { .. } => "Too often",
        PageError::Unavailable(_) => "Not now",
        PageError::Internal(_) => "Something went wrong",
    }
}

/// The sign-in page, which afterwards leads back to what was asked for.
fn sign_in_path(request: &Parts) -> String {
    if request.method != Method::GET {
        return "/sign-in".to_owned();
    }
    let path = request
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str());
    format!(
        "/sign-in?next={}",
        utf8_percent_encode(path, NON_ALPHANUMERIC)
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
    if let PageError::TooManyRequests { retry_after, .. } = error {
        headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
    }
}
