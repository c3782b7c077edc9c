//! Addresses with a slash at their end: both products answer them like those without, and clients that are in use send them.

use axum::Router;
use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;
use tower::ServiceExt as _;

/// The same routes, found with a slash at the end of the path too.
pub(crate) fn without_slash(routes: Router) -> Router {
    Router::new().fallback(move |request: Request| {
        let routes = routes.clone();
        async move { routes.oneshot(trimmed(request)).await }
    })
}

fn trimmed(mut request: Request) -> Request {
    let path = request.uri().path();
    let short = path.trim_end_matches('/');
    if short.len() == path.len() || short.is_empty() {
        return request;
    }
    let target = match request.uri().query() {
        Some(query) => format!("{short}?{query}"),
        None => short.to_owned(),
    };
    if let Ok(target) = target.parse::<PathAndQuery>() {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}
