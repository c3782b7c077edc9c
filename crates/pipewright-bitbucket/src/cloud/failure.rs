//! What Cloud's status codes and error bodies mean.

use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, ApiError, FieldError, retry_after};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    message: String,
    /// A sentence, or the two lists of a missing scope.
    detail: Value,
    /// Field name to a sentence or a list of sentences: both occur.
    fields: Value,
}

/// Passes successes; turns everything else into an error.
pub(crate) fn check(answer: Answer) -> Result<Answer, ApiError> {
    if answer.is_success() {
        Ok(answer)
    } else {
        Err(failure(answer))
    }
}

fn failure(answer: Answer) -> ApiError {
    // Bodies of 429 and 5xx may be HTML or empty: the status alone decides there.
    let ErrorBody { error } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let status = answer.status;
    let wait = retry_after(&answer);
    let doing = answer.doing;
    let message = message(&error);
    match status {
        401 => ApiError::Unauthorized { doing, message },
        403 => forbidden(doing, message, &error.detail),
        404 => ApiError::NotFound { doing, message },
        409 => ApiError::Conflict { doing, message },
        410 => ApiError::Gone { doing, message },
        429 => ApiError::RateLimited {
            doing,
            retry_after: wait,
        },
        500.. => ApiError::Server {
            doing,
            status,
            message,
        },
        _ => ApiError::Invalid {
            doing,
            message,
            fields: fields(&error.fields),
        },
    }
}

/// The sentence, with its second half where there is one.
fn message(error: &ErrorDetail) -> String {
    match error.detail.as_str() {
        Some(detail) if !detail.is_empty() => format!("{}: {detail}", error.message),
        _ => error.message.clone(),
    }
}

/// A missing scope comes with two lists, a missing right of the account without; the sentence about the mechanism is
/// the only sign that no scope would help (deploy keys with an access token).
fn forbidden(doing: String, message: String, detail: &Value) -> ApiError {
    let list = |key: &str| -> Option<Vec<String>> {
        let values = detail.get(key)?.as_array()?;
        Some(
            values
                .iter()
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect(),
        )
    };
    match list("required") {
        Some(required) => ApiError::MissingScope {
            doing,
            required,
            granted: list("granted").unwrap_or_default(),
        },
        None if message.contains("authentication mechanism") => {
            ApiError::WrongKindOfCredential { doing, message }
        }
        None => ApiError::Forbidden { doing, message },
    }
}

fn fields(fields: &Value) -> Vec<FieldError> {
    let Some(fields) = fields.as_object() else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    for (field, messages) in fields {
        let texts: Vec<&str> = match messages {
            Value::String(text) => vec![text],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        errors.extend(texts.into_iter().map(|message| FieldError {
            field: field.clone(),
            message: message.to_owned(),
        }));
    }
    errors
}
