//! Our cookies: all alike in where they go and who may read them.

use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::config::ServerConfig;

/// A cookie for this installation only: not readable by scripts, not sent along by other sites' forms, only over TLS
/// where the installation has it. It lives as long as the browser's window unless it is given an age.
pub(crate) fn own_cookie(
    config: &ServerConfig,
    name: &'static str,
    value: impl Into<String>,
) -> Cookie<'static> {
    Cookie::build((name, value.into()))
        .path(path(config))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(config.public_url.scheme() == "https")
        .build()
}

/// What removes a cookie of ours.
pub(crate) fn remove_cookie(config: &ServerConfig, name: &'static str) -> Cookie<'static> {
    let mut cookie = own_cookie(config, name, "");
    cookie.make_removal();
    cookie
}

fn path(config: &ServerConfig) -> String {
    format!("{}/", config.base_path())
}
