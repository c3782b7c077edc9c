//! Gives every request an id of our making, a span in the log, and one line there when it is answered.
//!
//! The log names the route (`/invitations/{token}`), never the address: addresses may hold tokens.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use tracing::Instrument;

/// Names one request: 12 hexadecimal digits, in the answer's `x-request-id`, in the log, and on the page of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) String);

pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let id = new_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", id = %id, method = %request.method(), route = %route);
    async {
        let started = Instant::now();
        let mut response = next.run(request).await;
        tracing::debug!(
            status = response.status().as_u16(),
            duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered",
        );
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        response
    }
    .instrument(span)
    .await
}

fn new_id() -> String {
    let mut bytes = [0; 6];
    // Without randomness an id is only less unique; a request is not refused for it.
    if getrandom::fill(&mut bytes).is_err() {
        tracing::warn!("the system gives no random bytes");
    }
    hex::encode(bytes)
}
