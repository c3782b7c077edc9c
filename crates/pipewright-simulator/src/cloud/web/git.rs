//! Git over HTTP: `/{workspace}/{repository}.git/…`.
//!
//! Credentials as the real thing takes them: `x-token-auth` with an OAuth or access token; the user name, or
//! `x-bitbucket-api-token-auth`, with an API token; a Bearer header. The account's e-mail address does not work here,
//! and neither does the password.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::cloud::auth::{Caller, Credential, Need, basic};
use crate::cloud::error::ApiError;
use crate::cloud::server::CloudServer;
use crate::git::http::{GitService, serve as serve_git, service};
use crate::state::{Actor, Permission, TokenOwner};

const READ: Need = Need::new(&["repository"], &["read:repository"]);
const WRITE: Need = Need::new(&["repository:write"], &["write:repository"]);

pub(super) async fn serve(
    State(server): State<Arc<CloudServer>>,
    Path((workspace, slug, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let slug = slug.strip_suffix(".git").unwrap_or(&slug);
    let Some(service) = service(request.method(), &rest, request.uri().query()) else {
        return (StatusCode::NOT_FOUND, "Not found\n").into_response();
    };
    let Ok(caller) = caller(&server, request.headers()) else {
        return unauthorized("Invalid credentials\n");
    };
    let (need, least) = match service {
        GitService::UploadPack => (READ, Permission::Read),
        GitService::ReceivePack => (WRITE, Permission::Write),
    };
    match caller.repository(&server, &workspace, slug, need, least) {
        Ok(found) => {
            let actor = caller.user.map_or(Actor::Unknown, Actor::User);
            serve_git(
                Arc::clone(&server.installation),
                found.id,
                actor,
                &rest,
                request,
            )
            .await
        }
        // Whoever has not signed in is asked to, so that git comes back with what it knows.
        Err(_) if caller.credential == Credential::None => {
            unauthorized("Authentication required\n")
        }
        Err(error) => refusal(error),
    }
}

fn caller(server: &CloudServer, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "));
    let Some(pair) = basic else {
        return Caller::of_headers(server, headers);
    };
    let (name, secret) = basic_pair(pair)?;
    if name == "x-token-auth" {
        return Caller::of_bearer(server, &secret);
    }
    let now = server.installation.clock().now();
    server.installation.read(|tables| {
        let token = tables
            .token_by_secret(&secret)
            .filter(|token| token.expires_at.is_none_or(|expiry| now < expiry));
        let token = token
            .filter(|token| matches!(token.owner, TokenOwner::User(_)))
            .ok_or_else(ApiError::token_invalid)?;
        let user = tables
            .user(token.user)
            .ok_or_else(ApiError::token_invalid)?;
        if name != "x-bitbucket-api-token-auth" && !name.eq_ignore_ascii_case(&user.name) {
            return Err(ApiError::token_invalid());
        }
        Ok(Caller {
            user: Some(user.id),
            credential: Credential::ApiToken(token.permissions.clone()),
        })
    })
}

fn basic_pair(pair: &str) -> Result<(String, String), ApiError> {
    basic(pair).ok_or_else(ApiError::token_invalid)
}

fn unauthorized(text: &'static str) -> Response {
    let mut response = (StatusCode::UNAUTHORIZED, text).into_response();
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"Bitbucket.org HTTP\""),
    );
    response
}

/// Git shows a plain text, not JSON.
fn refusal(error: ApiError) -> Response {
    let status = error.into_response().status();
    let text = match status {
        StatusCode::NOT_FOUND => "Repository not found\n",
        _ => {
            "You may not have access to this repository or it no longer exists in this workspace.\n"
        }
    };
    (status, text).into_response()
}
