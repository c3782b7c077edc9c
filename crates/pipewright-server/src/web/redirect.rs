//! "Done, look there": the answer to a form that was taken.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::Cookie;
use http::{HeaderValue, StatusCode, header};

use super::cookies::own_cookie;
use super::page::Flash;
use super::problem::PageError;
use crate::config::ServerConfig;
use crate::ground::Failure;

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

    /// After a use case: with word of what was done, or of why it was not where that can be said on the page that was
    /// looked at.
    ///
    /// # Errors
    ///
    /// What needs a page of its own: it is not there, the visitor may not, or we failed.
    pub(crate) fn after<T>(
        self,
        done: Result<T, impl Failure>,
        sentence: impl Into<String>,
    ) -> Result<Self, PageError> {
        match done {
            Ok(_) => Ok(self.done(sentence)),
            Err(error) => self.refused(error),
        }
    }

    /// With word of why it was not done; see [`SeeOther::after`].
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn refused(self, error: impl Failure) -> Result<Self, PageError> {
        PageError::beside(error).map(|sentence| self.failed(sentence))
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
