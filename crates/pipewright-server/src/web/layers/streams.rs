//! Ends streams whose reader may no longer read: a page that is kept open is asked for once, and the session, the user or
//! the membership may end meanwhile.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use pipewright_core::Secret;
use pipewright_store::{StoreError, accounts, sessions};

use crate::app::App;
use crate::ground::hash_of_token;
use crate::web::visitor::SESSION_COOKIE;

/// How often it is asked whether the reader may still read.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let seen = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    let (parts, body) = response.into_parts();
    let ended = Box::pin(ended(app, seen));
    let stream = body.into_data_stream().take_until(ended).fuse();
    Response::from_parts(parts, Body::from_stream(stream))
}

/// Returns once whoever asked could not ask again. Looking does not count as using the session.
async fn ended(app: App, parts: Parts) {
    let cookies = CookieJar::from_headers(&parts.headers);
    let Some(cookie) = cookies.get(SESSION_COOKIE) else {
        return;
    };
    let hash = hash_of_token(&Secret::new(cookie.value()));
    loop {
        tokio::time::sleep(LOOK).await;
        // A database that does not answer is no reason to cut everybody off.
        if let Ok(false) = may_read(&app, &hash, parts.uri.path()).await {
            return;
        }
    }
}

/// True for a session of a member of the account that the address begins with.
async fn may_read(app: &App, hash: &[u8], path: &str) -> Result<bool, StoreError> {
    let slug = path.split('/').nth(1).unwrap_or_default();
    let now = app.clock.now();
    let Some(found) = sessions::find(&app.db, hash, now).await? else {
        return Ok(false);
    };
    let memberships = accounts::of_user(&app.db, found.user.id).await?;
    Ok(now < found.opened_at + app.config.session_longest
        && memberships
            .iter()
            .any(|membership| membership.account.slug == slug))
}
