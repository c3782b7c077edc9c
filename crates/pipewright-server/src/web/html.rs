//! Answers that are a rendered template.

use askama::Template;
use axum::response::{IntoResponse, Response};

use super::outside;
use super::problem::PageError;

/// A whole page or a fragment of one.
#[derive(Debug)]
pub(crate) struct Html<T>(pub(crate) T);

impl<T: Template> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(text) => axum::response::Html(outside::filtered(text)).into_response(),
            Err(error) => PageError::internal(error).into_response(),
        }
    }
}
