//! `POST /site/oauth2/access_token` and `/site/oauth2/revoke`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client;
use super::store::{Consumer, Issued, TokenGeneration};
use crate::cloud::server::CloudServer;
use crate::state::{Permission, UserId};

type Form = Vec<(String, String)>;

/// An answer that says no, in OAuth's own shape.
struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl OauthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.into(),
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({ "error_description": self.description, "error": self.error });
        (self.status, Json(body)).into_response()
    }
}

/// The token endpoint.
pub(super) async fn access_token(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<Form>,
) -> Response {
    match exchange(&server, &headers, &form) {
        Ok(body) => Json(body).into_response(),
        Err(error) => error.into_response(),
    }
}

fn exchange(server: &CloudServer, headers: &HeaderMap, form: &Form) -> Result<Value, OauthError> {
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let consumer = client::consumer(&server.oauth(), headers, form).ok_or_else(|| OauthError {
        status: StatusCode::UNAUTHORIZED,
        ..OauthError::new(
            "unauthorized_client",
            "Client credentials missing or wrong.",
        )
    })?;
    if consumer.callback_url.is_empty() {
        return Err(OauthError::new(
            "invalid_request",
            "No callback uri defined for the OAuth client.",
        ));
    }
    let now = server.installation.clock().now();
    match field("grant_type") {
        Some("authorization_code") => {
            let code =
                field("code").ok_or_else(|| OauthError::new("invalid_request", "Missing code"))?;
            let mut store = server.oauth();
            let refused = || OauthError::new("invalid_grant", "The specified code is not valid.");
            let code = store
                .take_code(code, &consumer.key, now)
                .ok_or_else(refused)?;
            if code.redirect_uri.is_some() && code.redirect_uri.as_deref() != field("redirect_uri")
            {
                return Err(OauthError::new(
                    "invalid_grant",
                    "The redirect_uri does not match the one of the authorization request.",
                ));
            }
            if let Some(challenge) = &code.challenge
                && field("code_verifier")
                    .is_none_or(|verifier| challenge_of(verifier) != *challenge)
            {
                return Err(OauthError::new(
                    "invalid_grant",
                    "The code_verifier does not match the code_challenge.",
                ));
            }
            Ok(answer(&store.issue(
                &consumer,
                code.user,
                code.scopes,
                true,
                now,
            )))
        }
        Some("refresh_token") => {
            let refused = || OauthError::new("invalid_request", "Invalid refresh_token");
            let token = field("refresh_token").ok_or_else(refused)?;
            let issued = server
                .oauth()
                .refresh(token, &consumer, now)
                .ok_or_else(refused)?;
            Ok(answer(&issued))
        }
        Some("client_credentials") if consumer.private => {
            let user = app_user(server, &consumer);
            let scopes = consumer.narrowed(field("scope"));
            Ok(answer(
                &server.oauth().issue(&consumer, user, scopes, false, now),
            ))
        }
        Some("client_credentials") => Err(OauthError::new(
            "unauthorized_client",
            "Cannot use client_credentials with a consumer marked as \"public\".",
        )),
        Some(other) => Err(OauthError::new(
            "unsupported_grant_type",
            format!("Unsupported grant type: {other}"),
        )),
        None => Err(OauthError::new(
            "invalid_grant",
            "Unsupported grant type: None",
        )),
    }
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn answer(issued: &Issued) -> Value {
    let scopes = issued.scopes.join(" ");
    let mut body = json!({
        "access_token": issued.access,
        "token_type": "bearer",
        "expires_in": issued.generation.lifetime().as_secs(),
    });
    if let Some(refresh) = &issued.refresh {
        body["refresh_token"] = json!(refresh);
    }
    match issued.generation {
        TokenGeneration::Current => body["scope"] = json!(scopes),
        TokenGeneration::Older => {
            body["scopes"] = json!(scopes);
            body["state"] = json!(if issued.refresh.is_some() {
                "authorization_code"
            } else {
                "client_credentials"
            });
        }
    }
    body
}

/// The bot that client credentials act as: a member of the consumer's workspace, made at first use.
fn app_user(server: &CloudServer, consumer: &Consumer) -> UserId {
    if let Some(user) = consumer.app_user {
        return user;
    }
    let now = server.installation.clock().now();
    let user = server.installation.write(|tables| {
        let name = format!("app-{}", consumer.key.to_lowercase());
        let email = format!("{name}@bots.bitbucket.org");
        let user = match tables.user_by_name(&name).map(|user| user.id) {
            Some(user) => user,
            None => tables
                .add_user(&name, &consumer.name, &email, &crate::random::text(40), now)
                .expect("cannot fail because the name was just found to be free"),
        };
        if let Some(user) = tables.user_mut(user) {
            user.service = true;
        }
        if let Some(space) = tables.space_mut(consumer.workspace) {
            space.members.entry(user).or_insert(Permission::Write);
        }
        user
    });
    if let Some(consumer) = server.oauth().consumer_mut(&consumer.key) {
        consumer.app_user = Some(user);
    }
    user
}

/// Revocation: not documented by Bitbucket, used by several clients. An unknown token is no error (RFC 7009).
pub(super) async fn revoke(
    State(server): State<Arc<CloudServer>>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<Form>,
) -> StatusCode {
    let mut store = server.oauth();
    let Some(consumer) = client::consumer(&store, &headers, &form) else {
        return StatusCode::UNAUTHORIZED;
    };
    if let Some((_, token)) = form.iter().find(|(name, _)| name == "token") {
        store.revoke_token(token, &consumer.key);
    }
    StatusCode::OK
}
