//! Answers at once while the database does not: a page that waits for it is worth less than a sentence.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use crate::app::App;
use crate::web::problem::NO_DATABASE;

/// How long the database may take to say that it is there.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1500);

/// When it is worth trying again, in seconds.
pub(crate) const RETRY_SECONDS: u64 = 5;

/// Addresses that ask the database for nothing, or say themselves whether it answers.
const WITHOUT: [&str; 2] = ["/static/", "/health"];

pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if WITHOUT.iter().any(|beginning| path.starts_with(beginning)) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(PATIENCE, app.db.answers()).await;
    if matches!(answered, Ok(Ok(()))) {
        return next.run(request).await;
    }
    app.live()
        .vitals
        .doubt_database("a request was refused: it does not answer");
    unavailable()
}

/// The answer that needs no database: no frame, no visitor.
pub(crate) fn unavailable() -> Response {
    let mut response =
        (StatusCode::SERVICE_UNAVAILABLE, format!("{NO_DATABASE}\n")).into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    response
}
