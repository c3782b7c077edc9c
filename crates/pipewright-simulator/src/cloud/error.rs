//! Cloud's error bodies.
//!
//! `{"type":"error","error":{"message", "detail"?, "fields"?, "data"?}}`; the wordings are those of captures where there
//! are any.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::git::GitError;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Value,
}

impl ApiError {
    fn new(status: StatusCode, error: &Value) -> Self {
        Self {
            status,
            body: json!({ "type": "error", "error": error }),
        }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &json!({ "message": message }))
    }

    /// 400 naming one field, as the status resource answers: the message starts with the field's name.
    pub(super) fn field(name: &str, problem: &str) -> Self {
        let error =
            json!({ "message": format!("{name}: {problem}"), "fields": { name: [problem] } });
        Self::new(StatusCode::BAD_REQUEST, &error)
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            &json!({ "message": "You must be authenticated to access this resource." }),
        )
    }

    pub(super) fn token_expired() -> Self {
        let message = "Access token expired. Use your refresh token to obtain a new access token.";
        Self::new(StatusCode::UNAUTHORIZED, &json!({ "message": message }))
    }

    pub(super) fn token_invalid() -> Self {
        let message = "Token is invalid, expired, or not supported for this endpoint.";
        Self::new(StatusCode::UNAUTHORIZED, &json!({ "message": message }))
    }

    pub(super) fn missing_scopes(required: &[&str], granted: &[String]) -> Self {
        let message = "Your credentials lack one or more required privilege scopes.";
        let error =
            json!({ "message": message, "detail": { "required": required, "granted": granted } });
        Self::new(StatusCode::FORBIDDEN, &error)
    }

    pub(super) fn wrong_mechanism() -> Self {
        let message = "This API is not accessible by this authentication mechanism";
        Self::new(StatusCode::FORBIDDEN, &json!({ "message": message }))
    }

    /// The scopes would do, the person's permission does not: no `detail`.
    pub(super) fn not_permitted() -> Self {
        let message = "You do not have permission to perform this action on this resource.";
        Self::new(StatusCode::FORBIDDEN, &json!({ "message": message }))
    }

    pub(super) fn forbidden_plain() -> Self {
        Self::new(StatusCode::FORBIDDEN, &json!({ "message": "Forbidden" }))
    }

    pub(super) fn no_repository(workspace: &str, slug: &str) -> Self {
        Self::not_found(&format!("Repository {workspace}/{slug} not found"))
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, &json!({ "message": message }))
    }

    pub(super) fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, &json!({ "message": message }))
    }

    /// The commits that are not there are named beside the sentence.
    pub(super) fn no_commit(name: &str) -> Self {
        let error = json!({ "message": "Commit not found", "data": { "shas": [name] } });
        Self::new(StatusCode::NOT_FOUND, &error)
    }

    pub(super) fn no_api() -> Self {
        let error = json!({ "message": "Resource not found", "detail": "There is no API hosted at this URL" });
        Self::new(StatusCode::NOT_FOUND, &error)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({ "message": "Method not allowed" }),
        )
    }

    pub(super) fn gone() -> Self {
        let data = json!({ "announcement_url": "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770" });
        let mut gone = Self::new(
            StatusCode::GONE,
            &json!({
                "message": "CHANGE-2770 - Functionality has been deprecated",
                "detail": "Please read the changelog entry for more details.",
                "data": data,
            }),
        );
        gone.body["data"] = data;
        gone
    }
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        tracing::warn!(%error, "git failed behind the simulated API");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            &json!({ "message": "Something went wrong" }),
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}
