//! What a handler answers when it cannot do what was asked.
//!
//! A client's mistake is a sentence and a code. An internal error is an id: its detail goes to the log once, under that
//! id, and to nobody else. Here is only what went wrong; the `problems` layer makes it a page or, where the client
//! prefers JSON, a problem of RFC 9457.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pipewright_store::StoreError;

use crate::ground::{Failure, Kind};

/// What people and programs are told while the database does not answer.
pub(super) const NO_DATABASE: &str = "The database is not available right now. Nothing that was accepted is lost; try again in a few seconds.";

/// Why a request is not answered as asked. Sentences are whole, for people, and end with what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// The request does not make sense.
    #[error("{0}")]
    BadRequest(String),
    /// Nobody is signed in, and this page is nobody's secret.
    #[error("Sign in to see this page.")]
    SignIn,
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is nothing here, or nothing this visitor may know of.
    #[error("There is nothing at this address, or you may not see it.")]
    NotFound,
    /// A link with a secret in it that works no more: a whole sentence.
    #[error("{0}")]
    LinkGone(String),
    /// The address exists, the verb does not.
    #[error("This page does not support that request method.")]
    MethodNotAllowed,
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// The body is longer than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// What was entered cannot be used.
    #[error("{0}")]
    Unprocessable(String),
    /// Too often.
    #[error("{sentence}")]
    TooManyRequests {
        /// What to do.
        sentence: String,
        /// Seconds until it is worth trying again.
        retry_after: u64,
    },
    /// It took too long.
    #[error("{0}")]
    Unavailable(String),
    /// Our own fault.
    #[error("Something went wrong on our side. It is in the server's log under the id below.")]
    Internal(#[source] anyhow::Error),
}

impl PageError {
    /// An internal error.
    pub(crate) fn internal(error: impl Into<anyhow::Error>) -> Self {
        let error: anyhow::Error = error.into();
        Self::from(error)
    }

    /// The sentence to say beside the form or on the page that was looked at.
    ///
    /// # Errors
    ///
    /// What needs a page of its own: it is not there, the visitor may not, or we failed.
    pub(crate) fn beside(error: impl Failure) -> Result<String, Self> {
        match error.kind() {
            Kind::Conflict | Kind::Unusable | Kind::NotNow => Ok(error.sentence()),
            Kind::NotFound | Kind::Gone | Kind::Denied | Kind::Internal => Err(error.into()),
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::LinkGone(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The problem of an answer that something other than a handler gave.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge("The request is too large.".to_owned()),
            status if status.is_server_error() => {
                Self::Internal(anyhow::anyhow!("answered {status} without a reason"))
            }
            _ => Self::BadRequest(
                "The request could not be read; go back, reload the page and try again.".to_owned(),
            ),
        }
    }
}

/// Every use case's error, by its kind and in its own words.
impl<E: Failure> From<E> for PageError {
    fn from(error: E) -> Self {
        match error.kind() {
            Kind::NotFound => Self::NotFound,
            Kind::Gone => Self::LinkGone(error.sentence()),
            Kind::Denied => Self::Forbidden(error.sentence()),
            Kind::Conflict => Self::Conflict(error.sentence()),
            Kind::Unusable => Self::Unprocessable(error.sentence()),
            Kind::NotNow => Self::Unavailable(error.sentence()),
            Kind::Internal => Self::internal(error),
        }
    }
}

impl From<anyhow::Error> for PageError {
    /// A database that cannot serve anybody now is not this request's fault, and soon over.
    fn from(error: anyhow::Error) -> Self {
        let is_passing = error.chain().any(|cause| {
            cause
                .downcast_ref::<StoreError>()
                .is_some_and(StoreError::is_unavailable)
        });
        if is_passing {
            tracing::warn!("the database is not available: {error:#}");
            return Self::Unavailable(NO_DATABASE.to_owned());
        }
        Self::Internal(error)
    }
}

impl From<std::io::Error> for PageError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}

/// The error, carried inside the answer to the layer that draws it.
#[derive(Debug, Clone)]
pub(crate) struct Problem(pub(crate) Arc<PageError>);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_string()).into_response();
        response.extensions_mut().insert(Problem(Arc::new(self)));
        response
    }
}
