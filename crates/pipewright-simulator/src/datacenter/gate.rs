//! The door that every request passes: Basic authentication on or off, credentials, CAPTCHA, rate limit, XSRF, and the
//! headers that every answer carries.
//!
//! Order matters and is the product's: a switched-off Basic authentication is refused before any credential is looked
//! at, and looks only at the word `Basic`.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    caller::Caller,
    error::ApiError,
    server::{Bucket, Server},
};
use crate::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-arequestid");
const USER_NAME: HeaderName = HeaderName::from_static("x-ausername");

/// The middleware in front of everything below the context path.
pub(super) async fn pass(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, mut response) = match server.admit(request.method(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            (caller, next.run(request).await)
        }
        Err(refusal) => (Caller::Anonymous, *refusal),
    };
    let content_type = server.settings.version().content_type();
    let headers = response.headers_mut();
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    // Answers without a body carry it too.
    if is_json || !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Ok(id) = HeaderValue::from_str(&format!("@{}x1x1x0", random::text(7).to_uppercase())) {
        headers.insert(REQUEST_ID, id);
    }
    if server.settings.values().names_users
        && let Some(name) = server.user_name(&caller)
        && let Ok(name) = HeaderValue::from_str(&name)
    {
        headers.insert(USER_NAME, name);
    }
    response
}

impl Server {
    /// Decides whether a request comes in, and as whom.
    fn admit(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, Box<Response>> {
        let caller = self
            .authenticate(headers)
            .map_err(|error| Box::new(error.into_response()))?;
        if let Some(wait) = self.over_limit(&caller) {
            return Err(Box::new(ApiError::rate_limited(wait).into_response()));
        }
        if is_forgeable(method, headers) {
            return Err(Box::new(
                (StatusCode::FORBIDDEN, "XSRF check failed").into_response(),
            ));
        }
        Ok(caller)
    }

    /// Takes one request out of the caller's bucket; the seconds to wait when it is empty.
    ///
    /// Nobody in particular is not limited, and git over SSH never comes here.
    fn over_limit(&self, caller: &Caller) -> Option<u64> {
        let limit = self.settings.values().rate_limit?;
        let user = caller.user()?;
        let now = self.now();
        let capacity = f64::from(limit.capacity);
        let mut buckets = self
            .buckets
            .lock()
            .expect("cannot fail because no holder panics");
        let bucket = buckets.entry(user).or_insert(Bucket {
            tokens: capacity,
            filled_at: now,
        });
        let passed = (now.as_millisecond() - bucket.filled_at.as_millisecond()).max(0);
        bucket.tokens =
            capacity.min(bucket.tokens + passed as f64 / 1000.0 * f64::from(limit.fill_rate));
        bucket.filled_at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return None;
        }
        Some(
            ((1.0 - bucket.tokens) / f64::from(limit.fill_rate.max(1)))
                .ceil()
                .max(1.0) as u64,
        )
    }

    fn user_name(&self, caller: &Caller) -> Option<String> {
        let user = caller.user()?;
        self.installation.read(|tables| {
            tables
                .user(user)
                .map(|user| utf8_percent_encode(&user.name, &USER_NAME_ESCAPES).to_string())
        })
    }
}

/// What a user name may hold unescaped in `X-AUSERNAME`.
const USER_NAME_ESCAPES: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// Whether a browser could be made to send this request by a foreign page: a write without a JSON body and without the
/// header that only a program sets.
fn is_forgeable(method: &Method, headers: &HeaderMap) -> bool {
    let writes = [Method::POST, Method::PUT, Method::DELETE].contains(method);
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let vouched = headers
        .get("x-atlassian-token")
        .is_some_and(|value| value == "no-check" || value == "nocheck");
    let git = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-git-"));
    writes && !json && !vouched && !git
}
