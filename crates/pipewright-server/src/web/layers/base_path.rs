//! The sub-path: taken off every request's address before it is routed, so that nothing behind this layer knows of it.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::uri::{PathAndQuery, Uri};
use tower::ServiceExt;

/// Serves the router under the sub-path (`/pipewright`; empty for none). Outside of it there is nothing, except that
/// the bare host leads there.
pub(crate) fn mount(router: Router, base: &str) -> Router {
    if base.is_empty() {
        return router;
    }
    let base = base.to_owned();
    Router::new().fallback(move |request: Request| {
        let (router, base) = (router.clone(), base.clone());
        async move { serve(router, &base, request).await }
    })
}

async fn serve(router: Router, base: &str, mut request: Request) -> Response {
    let path = request.uri().path();
    if path == "/" || path == base {
        return Redirect::to(&format!("{base}/")).into_response();
    }
    let Some(uri) = without(request.uri(), base) else {
        return (
            StatusCode::NOT_FOUND,
            format!("There is nothing here; Pipewright is at {base}/.\n"),
        )
            .into_response();
    };
    *request.uri_mut() = uri;
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The address without the sub-path; `None` where it is outside of it.
fn without(uri: &Uri, base: &str) -> Option<Uri> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(base)?;
    if !rest.starts_with('/') {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn only_addresses_under_the_sub_path_are_inside() {
        for (uri, expected) in [
            ("/pw/a?b=c", Some("/a?b=c")),
            ("/pw/", Some("/")),
            ("/pwa", None),
            ("/a/pw/", None),
        ] {
            let inside = without(&uri.parse().expect("an address"), "/pw");
            assert_eq!(
                inside.map(|uri| uri.to_string()).as_deref(),
                expected,
                "{uri}"
            );
        }
    }
}
