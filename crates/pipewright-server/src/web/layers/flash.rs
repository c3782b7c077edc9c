//! Forgets the message for the next page once a page has shown it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::CookieJar;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, SET_COOKIE};

use crate::app::App;
use crate::web::cookies::remove_cookie;
use crate::web::redirect::FLASH_COOKIE;

pub(crate) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let had_message = CookieJar::from_headers(request.headers())
        .get(FLASH_COOKIE)
        .is_some();
    let mut response = next.run(request).await;
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if had_message
        && is_page
        && let Ok(removal) =
            HeaderValue::from_str(&remove_cookie(&app.config, FLASH_COOKIE).to_string())
    {
        response.headers_mut().append(SET_COOKIE, removal);
    }
    response
}
