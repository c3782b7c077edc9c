//! Refusals the way Data Center words them.
//!
//! `{"errors":[{"context", "message", "exceptionName"}]}` for nearly everything; a route that does not exist has a
//! shape of its own. Lack of permission is 401 even for a user who signed in. Texts follow the captures where there is
//! one.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorEntry {
    /// The field that is wrong, if one is.
    context: Option<String>,
    message: String,
    exception_name: Option<&'static str>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A refusal on its way out.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    status: StatusCode,
    body: Box<Value>,
    headers: HeaderMap,
}

/// What handlers return.
pub(super) type ApiResult<T = Response> = Result<T, ApiError>;

impl ApiError {
    /// One error about the whole request.
    pub(super) fn new(
        status: StatusCode,
        message: impl Into<String>,
        exception_name: Option<&'static str>,
    ) -> Self {
        Self::entry(status, None, message, exception_name, Map::new())
    }

    fn entry(
        status: StatusCode,
        context: Option<&str>,
        message: impl Into<String>,
        exception_name: Option<&'static str>,
        more: Map<String, Value>,
    ) -> Self {
        let context = context.map(str::to_owned);
        Self::from_entries(
            status,
            &[ErrorEntry {
                context,
                message: message.into(),
                exception_name,
                more,
            }],
        )
    }

    fn from_entries(status: StatusCode, entries: &[ErrorEntry]) -> Self {
        Self {
            status,
            body: Box::new(json!({ "errors": entries })),
            headers: HeaderMap::new(),
        }
    }

    /// 400: one field has a bad value.
    pub(super) fn field(context: &str, message: impl Into<String>) -> Self {
        Self::entry(
            StatusCode::BAD_REQUEST,
            Some(context),
            message,
            None,
            Map::new(),
        )
    }

    /// 400: several fields have bad values.
    pub(super) fn fields(wrong: Vec<(&'static str, String)>) -> Self {
        let entries: Vec<ErrorEntry> = wrong
            .into_iter()
            .map(|(context, message)| ErrorEntry {
                context: Some(context.to_owned()),
                message,
                exception_name: None,
                more: Map::new(),
            })
            .collect();
        Self::from_entries(StatusCode::BAD_REQUEST, &entries)
    }

    /// 400: the body or a parameter cannot be understood.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, None)
    }

    /// 401: a permission is missing.
    pub(super) fn not_permitted() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "You are not permitted to access this resource",
            Some("com.atlassian.bitbucket.AuthorisationException"),
        )
    }

    /// 401: nobody is signed in, and this needs somebody.
    pub(super) fn sign_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "You are not permitted to access this resource",
            Some("com.atlassian.bitbucket.AuthorisationException"),
        )
    }

    /// 401: the user name, password or token is wrong.
    pub(super) fn wrong_credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Authentication failed. Please check your credentials and try again.",
            Some("com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException"),
        )
    }

    /// 403: Basic authentication is off; worded as 10.x words it.
    pub(super) fn basic_disabled() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Basic Authentication has been disabled on this instance.",
            None,
        )
    }

    /// 403: too many failed passwords; only a browser helps now.
    pub(super) fn captcha(login_url: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "CAPTCHA required. Your Bitbucket account has been marked with a CAPTCHA challenge, which must be answered \
             in a browser before you can authenticate.",
            Some("com.atlassian.bitbucket.auth.CaptchaRequiredAuthenticationException"),
        )
        .with_header("x-authentication-denied-reason", &format!("CAPTCHA_CHALLENGE; login-url={login_url}"))
        .with_header("x-seraph-loginreason", "AUTHENTICATION_DENIED")
    }

    /// 403: a project's or repository's token asked for what needs a person.
    pub(super) fn needs_person() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This operation needs a user with an e-mail address; a project or repository access token has none.",
            None,
        )
    }

    /// 404: no such project.
    pub(super) fn no_project(key: &str) -> Self {
        Self::not_found(
            format!("Project {key} does not exist."),
            "com.atlassian.bitbucket.project.NoSuchProjectException",
        )
    }

    /// 404: no such repository.
    pub(super) fn no_repository(key: &str, slug: &str) -> Self {
        Self::not_found(
            format!("Repository {key}/{slug} does not exist."),
            "com.atlassian.bitbucket.repository.NoSuchRepositoryException",
        )
    }

    /// 404: no such commit; also what a text that is no hash gets.
    pub(super) fn no_commit(id: &str, slug: &str) -> Self {
        Self::not_found(
            format!("Commit '{id}' does not exist in repository '{slug}'."),
            "com.atlassian.bitbucket.commit.NoSuchCommitException",
        )
    }

    /// 404: no such branch.
    pub(super) fn no_branch(name: &str, slug: &str) -> Self {
        Self::not_found(
            format!("Branch \"{name}\" does not exist in repository '{slug}'."),
            "com.atlassian.bitbucket.repository.NoSuchBranchException",
        )
    }

    /// 404: no such tag.
    pub(super) fn no_tag(name: &str, slug: &str) -> Self {
        Self::not_found(
            format!("Tag \"{name}\" does not exist in repository '{slug}'."),
            "com.atlassian.bitbucket.repository.NoSuchTagException",
        )
    }

    /// 404: no such path at a revision.
    pub(super) fn no_path(path: &str, revision: &str) -> Self {
        Self::not_found(
            format!("The path \"{path}\" does not exist at revision \"{revision}\""),
            "com.atlassian.bitbucket.content.NoSuchPathException",
        )
    }

    /// 404: no such user.
    pub(super) fn no_user(slug: &str) -> Self {
        Self::not_found(
            format!("User {slug} does not exist."),
            "com.atlassian.bitbucket.user.NoSuchUserException",
        )
    }

    /// 404: no such pull request.
    pub(super) fn no_pull_request(number: u64, key: &str, slug: &str) -> Self {
        Self::not_found(
            format!("Pull request {number} does not exist in {key}/{slug}."),
            "com.atlassian.bitbucket.pull.NoSuchPullRequestException",
        )
    }

    /// 404 with an exception name.
    pub(super) fn not_found(message: impl Into<String>, exception_name: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, message, Some(exception_name))
    }

    /// 404 without one.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message, None)
    }

    /// 404 as a bare object without `errors`: the answer for one unknown access key.
    pub(super) fn bare_not_found(message: impl Into<String>) -> Self {
        let body = json!({ "context": null, "message": message.into(), "exceptionName": null });
        Self {
            status: StatusCode::NOT_FOUND,
            body: Box::new(body),
            headers: HeaderMap::new(),
        }
    }

    /// 404 in the shape of a route that does not exist: what an older version answers.
    pub(super) fn unknown_route() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            body: Box::new(missing_route()),
            headers: HeaderMap::new(),
        }
    }

    /// 409.
    pub(super) fn conflict(
        message: impl Into<String>,
        exception_name: Option<&'static str>,
    ) -> Self {
        Self::new(StatusCode::CONFLICT, message, exception_name)
    }

    /// 409: the write was based on an old version of a pull request, which is shown.
    pub(super) fn stale(current: u64, expected: u64, pull_request: Value) -> Self {
        let more = Map::from_iter([
            ("currentVersion".to_owned(), json!(current)),
            ("expectedVersion".to_owned(), json!(expected)),
            ("pullRequest".to_owned(), pull_request),
        ]);
        Self::entry(
            StatusCode::CONFLICT,
            None,
            "You are attempting to modify a pull request based on out-of-date information.",
            Some("com.atlassian.bitbucket.pull.PullRequestOutOfDateException"),
            more,
        )
    }

    /// 429 with the seconds to wait.
    pub(super) fn rate_limited(retry_after: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Rate limit exceeded: you have sent too many requests in a given amount of time.",
            None,
        )
        .with_header("retry-after", &retry_after.to_string())
    }

    /// 500.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message, None)
    }

    fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
        (self.status, kind, self.headers, self.body.to_string()).into_response()
    }
}

/// The answer to a route that does not exist: JSON when asked for, XML otherwise. It tells "old server" from "no such
/// repository".
pub(super) fn no_route(headers: &HeaderMap) -> Response {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if accepts.contains("application/json") {
        return ApiError::unknown_route().into_response();
    }
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><status><status-code>404</status-code>\
                <sub-code>-1</sub-code><message>HTTP 404 Not Found</message></status>";
    (
        StatusCode::NOT_FOUND,
        [(header::CONTENT_TYPE, "application/xml")],
        body,
    )
        .into_response()
}

fn missing_route() -> Value {
    json!({ "message": "HTTP 404 Not Found", "status-code": 404, "sub-code": -1 })
}
