//! "Done, look there": the answer to a form that was taken.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::Cookie;
use http::{HeaderValue, StatusCode, header};

use super::cookies::own_cookie;
use super::page::Flash;
use crate::config::ServerConfig;

/// Name of the cookie that carries one message to the next page.
pub(crate) const FLASH_COOKIE: &str = "pipewright_flash";

/// Sends the browser to another page of ours, perhaps with a message to show there once.
#[derive(Debug)]
pub(crate) struct SeeOther {
    location: String,
    secure: Cookie<'static>,
    flash: Option<Flash>,
}

impl SeeOther {
    /// To a path of ours that begins with a slash and has no sub-path yet.
    pub(crate) fn to(config: &ServerConfig, path: &str) -> Self {
        Self {
            location: format!("{}{path}", config.base_path()),
            secure: own_cookie(config, FLASH_COOKIE, ""),
            flash: None,
        }
    }

    /// With word of what was done.
    pub(crate) fn done(mut self, sentence: impl Into<String>) -> Self {
        self.flash = Some(Flash {
            good: true,
            text: sentence.into(),
        });
        self
    }

    /// With word of what was not done, and why.
    pub(crate) fn failed(mut self, sentence: impl Into<String>) -> Self {
        self.flash = Some(Flash {
            good: false,
            text: sentence.into(),
        });
        self
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        // A path that cannot be a header value was never one of ours.
        let location =
            HeaderValue::from_str(&self.location).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(header::LOCATION, location);
        if let Some(flash) = self.flash {
            let mut cookie = self.secure;
            cookie.set_value(flash.to_cookie());
            if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
        response
    }
}
