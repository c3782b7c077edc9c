//! What browsers are told to refuse on our pages. There is no inline script or style anywhere, so none is allowed.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};

use crate::config::ServerConfig;

/// The policy's text. **Connect Bitbucket** is a form whose answer leads to Bitbucket, so forms may end there.
pub(crate) fn policy(config: &ServerConfig) -> HeaderValue {
    let bitbucket = config.cloud.web.origin().ascii_serialization();
    let policy = format!(
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self' {bitbucket}; frame-ancestors 'none'"
    );
    // An origin is ASCII, so this cannot fail; were it to, the strictest policy is the safe one.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'self'; frame-ancestors 'none'",
    ))
}

pub(crate) async fn layer(
    State(policy): State<HeaderValue>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // Pages say what one user may see at one moment; a shared cache must not keep them.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
