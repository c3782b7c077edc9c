//! How the control API says no.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::actions::ActionError;

/// A sentence and a code.
#[derive(Debug)]
pub(super) struct ControlError {
    status: StatusCode,
    sentence: String,
}

impl ControlError {
    pub(super) fn not_found(sentence: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            sentence: sentence.to_owned(),
        }
    }

    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            sentence: sentence.into(),
        }
    }
}

impl From<ActionError> for ControlError {
    fn from(error: ActionError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.sentence }))).into_response()
    }
}
