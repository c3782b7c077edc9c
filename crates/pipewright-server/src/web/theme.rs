//! The switch between light and dark: one cookie.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::cookies::{own_cookie, remove_cookie};
use super::form::PageForm;
use super::page::Theme;
use super::redirect::SeeOther;
use crate::app::App;

/// Name of the cookie that holds the choice.
pub(crate) const THEME_COOKIE: &str = "pipewright_theme";

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/theme", post(switch))
}

#[derive(Debug, Deserialize)]
struct Choice {
    theme: String,
    #[serde(default)]
    next: String,
}

async fn switch(
    State(app): State<App>,
    cookies: CookieJar,
    PageForm(choice): PageForm<Choice>,
) -> impl IntoResponse {
    let cookies = match Theme::parse(&choice.theme) {
        Theme::Auto => cookies.add(remove_cookie(&app.config, THEME_COOKIE)),
        chosen => {
            let mut cookie = own_cookie(&app.config, THEME_COOKIE, chosen.as_str());
            cookie.make_permanent();
            cookies.add(cookie)
        }
    };
    (cookies, SeeOther::to(&app.config, own_path(&choice.next)))
}

/// A path of ours to go back to: what a stranger could have put there (another host, a script) leads to the front page.
pub(crate) fn own_path(next: &str) -> &str {
    let second = next.as_bytes().get(1);
    let is_own = next.starts_with('/')
        && !matches!(second, Some(b'/' | b'\\'))
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_ours_are_gone_back_to() {
        for (next, expected) in [
            ("/harbor/builds?state=failed", "/harbor/builds?state=failed"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(next), expected, "{next:?}");
        }
    }
}
