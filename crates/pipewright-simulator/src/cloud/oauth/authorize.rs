//! `/site/oauth2/authorize`: the consent page.
//!
//! What cannot be trusted to go back to the consumer (unknown consumer, foreign `redirect_uri`) is a page; everything
//! else is a redirect with `error`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::session;
use super::store::Consumer;
use crate::cloud::scopes::label;
use crate::cloud::server::CloudServer;
use crate::cloud::web::page;

/// The authorization request, in the address and again in the form.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct AuthorizeRequest {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    response_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_challenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_challenge_method: Option<String>,
}

/// A checked request: the consumer, and where the answer goes.
struct Checked {
    consumer: Consumer,
    target: Url,
}

#[derive(Template)]
#[template(path = "cloud/consent.html")]
struct ConsentPage {
    consumer: String,
    workspace: String,
    user: String,
    permissions: Vec<String>,
    request: String,
    confirmation: String,
}

#[derive(Template)]
#[template(path = "cloud/problem.html")]
struct ProblemPage {
    title: &'static str,
    sentence: &'static str,
}

/// Shows the sign-in form or the consent form.
pub(super) async fn show(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    Query(request): Query<AuthorizeRequest>,
) -> Response {
    let checked = match check(&server, &request) {
        Ok(checked) => checked,
        Err(response) => return *response,
    };
    let query = serde_urlencoded(&request);
    let (Some(user), Some(session)) = (
        session::user_of(&server, &headers),
        session::session_of(&headers),
    ) else {
        return session::form(&format!("/site/oauth2/authorize?{query}"), None);
    };
    let scopes = checked.consumer.narrowed(request.scope.as_deref());
    let (name, workspace) = server.installation.read(|tables| {
        let user = tables.user(user).map(|user| user.display_name.clone());
        let space = tables
            .space(checked.consumer.workspace)
            .map(|space| space.name.clone());
        (user.unwrap_or_default(), space.unwrap_or_default())
    });
    page(&ConsentPage {
        consumer: checked.consumer.name,
        workspace,
        user: name,
        permissions: scopes.iter().map(|scope| label(scope).to_owned()).collect(),
        request: query,
        confirmation: confirmation(&session),
    })
}

/// The filled-in consent form.
#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    request: String,
    confirmation: String,
    #[serde(rename = "decision")]
    button: String,
}

/// Grants or denies.
pub(super) async fn decide(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<Decision>,
) -> Response {
    let request = Url::parse(&format!("http://form.invalid/?{}", form.request))
        .ok()
        .map(|url| AuthorizeRequest::of_query(&url));
    let Some(request) = request else {
        return problem("Invalid request", "The form is not one this site made.");
    };
    let checked = match check(&server, &request) {
        Ok(checked) => checked,
        Err(response) => return *response,
    };
    let (Some(user), Some(session)) = (
        session::user_of(&server, &headers),
        session::session_of(&headers),
    ) else {
        return session::form(&format!("/site/oauth2/authorize?{}", form.request), None);
    };
    if form.confirmation != confirmation(&session) {
        return problem(
            "Invalid request",
            "The form was not made for this session; open the page again.",
        );
    }
    if form.button != "grant" {
        let answer = [
            ("error", "access_denied"),
            (
                "error_description",
                "The user denied access to the application.",
            ),
        ];
        return redirect(checked.target, &answer, request.state.as_deref());
    }
    let scopes = checked.consumer.narrowed(request.scope.as_deref());
    let now = server.installation.clock().now();
    let code = server.oauth().grant(
        &checked.consumer.key,
        user,
        scopes,
        request.redirect_uri,
        request.code_challenge,
        now,
    );
    redirect(checked.target, &[("code", &code)], request.state.as_deref())
}

fn check(server: &CloudServer, request: &AuthorizeRequest) -> Result<Checked, Box<Response>> {
    let page = |title, sentence| Box::new(problem(title, sentence));
    let consumer = server.oauth().consumer(&request.client_id).cloned();
    let Some(consumer) = consumer else {
        return Err(page(
            "Invalid client_id",
            "This integration is misconfigured. Contact the vendor for assistance.",
        ));
    };
    if consumer.callback_url.is_empty() {
        return Err(page(
            "Invalid redirect_uri",
            "No callback uri defined for the OAuth client.",
        ));
    }
    let address = request
        .redirect_uri
        .as_deref()
        .unwrap_or(&consumer.callback_url);
    let target = Url::parse(address)
        .ok()
        .filter(|target| belongs(target, &consumer.callback_url));
    let Some(target) = target else {
        return Err(page(
            "Invalid redirect_uri",
            "The redirect_uri does not match the callback URL of the OAuth consumer.",
        ));
    };
    let refusal = if request.response_type != "code" {
        Some((
            "unsupported_response_type",
            "Only response_type=code is supported.",
        ))
    } else if request.code_challenge.is_some()
        && request.code_challenge_method.as_deref() != Some("S256")
    {
        Some((
            "invalid_request",
            "Only code_challenge_method=S256 is supported.",
        ))
    } else {
        None
    };
    if let Some((error, description)) = refusal {
        let answer = [("error", error), ("error_description", description)];
        return Err(Box::new(redirect(
            target,
            &answer,
            request.state.as_deref(),
        )));
    }
    Ok(Checked { consumer, target })
}

/// Whether an address starts with the registered callback; more path is allowed, another host or a mere common prefix
/// of a path's name is not.
fn belongs(target: &Url, callback: &str) -> bool {
    let Ok(callback) = Url::parse(callback) else {
        return false;
    };
    let path = callback.path().trim_end_matches('/');
    let rest = target.path().strip_prefix(path);
    target.origin() == callback.origin()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn redirect(mut target: Url, answer: &[(&str, &str)], state: Option<&str>) -> Response {
    target.query_pairs_mut().extend_pairs(answer);
    if let Some(state) = state {
        target.query_pairs_mut().append_pair("state", state);
    }
    Redirect::to(target.as_str()).into_response()
}

fn problem(title: &'static str, sentence: &'static str) -> Response {
    let mut response = page(&ProblemPage { title, sentence });
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Ties the form to the session, so that no other site can press the button.
fn confirmation(session: &str) -> String {
    crate::hooks::sign(session, b"consent")
        .trim_start_matches("sha256=")
        .to_owned()
}

fn serde_urlencoded(request: &AuthorizeRequest) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let pairs = [
        ("client_id", Some(&request.client_id)),
        ("response_type", Some(&request.response_type)),
        ("state", request.state.as_ref()),
        ("redirect_uri", request.redirect_uri.as_ref()),
        ("scope", request.scope.as_ref()),
        ("code_challenge", request.code_challenge.as_ref()),
        (
            "code_challenge_method",
            request.code_challenge_method.as_ref(),
        ),
    ];
    query.extend_pairs(
        pairs
            .iter()
            .filter_map(|(name, value)| value.map(|value| (name, value))),
    );
    query.finish()
}

impl AuthorizeRequest {
    fn of_query(url: &Url) -> Self {
        let get = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self {
            client_id: get("client_id").unwrap_or_default(),
            response_type: get("response_type").unwrap_or_default(),
            state: get("state"),
            redirect_uri: get("redirect_uri"),
            scope: get("scope"),
            code_challenge: get("code_challenge"),
            code_challenge_method: get("code_challenge_method"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_must_start_with_the_callback() {
        let callback = "https://ci.example.com/connect";
        for (address, expected) in [
            ("https://ci.example.com/connect", true),
            ("https://ci.example.com/connect/cloud?x=1", true),
            ("https://ci.example.com/connected", false),
            ("https://ci.example.com/", false),
            ("http://ci.example.com/connect", false),
            ("https://ci.example.com.evil.example/connect", false),
            ("https://ci.example.com:444/connect", false),
        ] {
            let target = Url::parse(address).expect("it is an address");
            assert_eq!(belongs(&target, callback), expected, "{address}");
        }
    }
}
