//! Ends requests whose answer does not begin in time. A live stream or a long download has begun, and goes on.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::web::problem::PageError;

/// How long a handler may take to begin its answer. Checking new credentials waits on Bitbucket for up to 30 seconds.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn layer(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => PageError::Unavailable(
            "This took longer than a minute and was given up. Try again in a moment.".to_owned(),
        )
        .into_response(),
    }
}
