//! "Are you there, and do you work?": for whatever watches over the server.
//!
//! `/health/live` says that the process answers; `/health/ready`, and `/health` as before, say that every part works. Nothing
//! is asked of the database here: its part is looked at all the time. Which part fails, and why, is for administrators; to
//! everybody else only that something does.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

use crate::app::App;
use crate::web::Visitor;

/// How long to ask the database whether it is an administrator who asks.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(ready))
}

/// 200 while every part works, else 503.
async fn health(State(app): State<App>) -> Response {
    answer(&app, "ok\n", false)
}

/// The same; administrators are told each part.
async fn ready(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asks = tokio::time::timeout(PATIENCE, Visitor::of(&app, &parts)).await;
    let is_administrator = asks.is_ok_and(|visitor| {
        visitor.is_ok_and(|visitor| {
            visitor
                .session
                .is_some_and(|session| session.user.is_administrator)
        })
    });
    answer(&app, "ready\n", is_administrator)
}

fn answer(app: &App, well: &str, in_full: bool) -> Response {
    let vitals = &app.live().vitals;
    let now = Instant::now();
    let troubles = vitals.troubles(now);
    let is_well = troubles.is_empty() && !vitals.is_stopping();
    let mut text = if vitals.is_stopping() {
        "stopping\n".to_owned()
    } else if is_well {
        well.to_owned()
    } else if in_full {
        "not ready\n".to_owned()
    } else {
        "not ready: a part of the server does not work; administrators see which on this page when they are signed in\n".to_owned()
    };
    if in_full {
        for (part, last_well, restarts) in vitals.parts() {
            let name = part.name();
            let trouble = troubles.iter().find(|trouble| trouble.part == part);
            let last = last_well.map_or_else(
                || "never yet".to_owned(),
                |at| format!("{} s ago", now.saturating_duration_since(at).as_secs()),
            );
            let line = match trouble {
                Some(trouble) => format!(
                    "{name}: failing for {} s: {} (last well: {last}; restarts: {restarts})\n",
                    trouble.lasts.as_secs(),
                    trouble.why
                ),
                None => format!("{name}: ok (last well: {last}; restarts: {restarts})\n"),
            };
            text.push_str(&line);
        }
    }
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text).into_response()
}
