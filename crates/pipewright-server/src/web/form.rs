//! Forms, with our own sentences where one cannot be read.

use axum::extract::{Form, FromRequest, Request};
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::problem::PageError;

/// The fields of a posted form.
#[derive(Debug)]
pub(crate) struct PageForm<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for PageForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        match Form::<T>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(PageError::TooLarge("This form holds more than 1 MiB, which is the limit; shorten what you entered.".to_owned()))
            }
            Err(rejection) => {
                tracing::debug!(error = %rejection, "form refused");
                Err(PageError::BadRequest(
                    "The form could not be read: a field is missing or has the wrong kind of value. Reload the page and try again."
                        .to_owned(),
                ))
            }
        }
    }
}
