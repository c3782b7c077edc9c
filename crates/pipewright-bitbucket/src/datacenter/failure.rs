//! What Data Center's status codes, headers and error bodies mean.

use serde::Deserialize;
use url::Url;

use crate::http::{Answer, ApiError, FieldError, retry_after};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    errors: Vec<OneError>,
    /// A few answers are one bare error, and unknown routes have a body of their own.
    #[serde(flatten)]
    bare: OneError,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OneError {
    context: Option<String>,
    message: Option<String>,
    exception_name: Option<String>,
}

/// Passes successes; turns everything else into an error.
pub(crate) fn check(answer: Answer, base: &Url) -> Result<Answer, ApiError> {
    if answer.is_success() {
        Ok(answer)
    } else {
        Err(failure(&answer, base))
    }
}

/// The last part of the exception's class name: old versions have other packages.
fn exception(errors: &[OneError]) -> &str {
    let name = errors
        .iter()
        .find_map(|error| error.exception_name.as_deref())
        .unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default()
}

fn errors(answer: &Answer) -> Vec<OneError> {
    let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    if body.errors.is_empty() && body.bare.message.is_some() {
        vec![body.bare]
    } else {
        body.errors
    }
}

/// True where a 404 is about a file that the commit does not have, and not about the commit or repository.
pub(crate) fn is_missing_path(answer: &Answer) -> bool {
    answer.status == 404 && exception(&errors(answer)) == "NoSuchPathException"
}

/// True where the server knows who asks: then a 401 is about a right, not about the credential.
fn is_signed_in(answer: &Answer) -> bool {
    answer
        .header("x-ausername")
        .is_some_and(|name| !name.is_empty() && name != "anonymous")
}

fn failure(answer: &Answer, base: &Url) -> ApiError {
    let errors = errors(answer);
    let message = errors
        .iter()
        .filter_map(|error| error.message.as_deref())
        .collect::<Vec<_>>()
        .join(" ");
    let (doing, status) = (answer.doing.clone(), answer.status);
    if let Some(reason) = captcha(answer) {
        return ApiError::CaptchaRequired {
            doing,
            login_url: login_url(reason, base),
        };
    }
    match status {
        401 if is_signed_in(answer) || exception(&errors) == "AuthorisationException" => {
            ApiError::Forbidden { doing, message }
        }
        401 => ApiError::Unauthorized { doing, message },
        // No other sign exists: status, sentence and nothing else, whatever the password.
        403 if body_says(answer, "basic auth") => ApiError::PasswordsRefused { doing },
        403 => ApiError::Forbidden { doing, message },
        404 => ApiError::NotFound { doing, message },
        409 => ApiError::Conflict { doing, message },
        410 => ApiError::Gone { doing, message },
        429 => ApiError::RateLimited {
            doing,
            retry_after: retry_after(answer),
        },
        500.. => ApiError::Server {
            doing,
            status,
            message,
        },
        _ => ApiError::Invalid {
            doing,
            message,
            fields: fields(errors),
        },
    }
}

fn body_says(answer: &Answer, phrase: &str) -> bool {
    String::from_utf8_lossy(&answer.body)
        .to_ascii_lowercase()
        .contains(phrase)
}

/// The refusal after too many wrong passwords: 403, sometimes 401, with a header that gives the reason.
fn captcha(answer: &Answer) -> Option<&str> {
    let reason = answer
        .header("x-authentication-denied-reason")
        .filter(|_| matches!(answer.status, 401 | 403))?;
    reason
        .trim_start()
        .starts_with("CAPTCHA_CHALLENGE")
        .then_some(reason)
}

/// The address to sign in at, passed on only if it is on the server's own host, so that an answer cannot send a person
/// elsewhere to type a password.
fn login_url(reason: &str, base: &Url) -> Option<Url> {
    let (_, url) = reason.split_once("login-url=")?;
    let url = Url::parse(url.trim().trim_matches('"')).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host() == base.host()).then_some(url)
}

fn fields(errors: Vec<OneError>) -> Vec<FieldError> {
    let field = |error: OneError| {
        Some(FieldError {
            field: error.context?,
            message: error.message.unwrap_or_default(),
        })
    };
    errors.into_iter().filter_map(field).collect()
}
