//! JSON bodies of requests, refused in the product's words when they cannot be read.
//!
//! Unknown properties are ignored, as the product does: a client finds out only by reading back.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "HTTP 415 Unsupported Media Type",
                None,
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            ApiError::bad_request(format!("The request body could not be read: {error}"))
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::bad_request(format!(
                "The request body is not what was expected: {error}"
            ))
        })
    }
}
