//! What verifiers read, without signing in: the discovery document (OpenID Connect Discovery 1.0, 4) and the public keys.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::CACHE_CONTROL;
use pipewright_core::ids::AccountId;
use pipewright_store::{accounts, oidc};
use serde_json::{Value, json};

use crate::app::App;
use crate::oidc::{issuer, published};
use crate::web::PageError;

/// How long verifiers may keep what they read; a new key is published for longer before it signs.
const KEPT: &str = "public, max-age=300";

/// The path of the keys below the issuer.
const KEYS: &str = "/.well-known/jwks.json";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/oidc/{account}/.well-known/openid-configuration",
            get(configuration),
        )
        .route("/oidc/{account}/.well-known/jwks.json", get(keys))
}

async fn configuration(
    State(app): State<App>,
    Path(account): Path<String>,
) -> Result<Response, PageError> {
    let issuer = issuer(&app.config, known(&app, &account).await?);
    Ok(document(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEYS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "claims_supported": [
            "iss", "sub", "aud", "iat", "nbf", "exp", "jti",
            "accountUuid", "workspaceUuid", "repositoryUuid", "repository", "pipelineUuid", "stepUuid", "branchName", "tagName",
            "commit", "trigger", "pullRequestId", "deploymentEnvironmentUuid", "deploymentEnvironment",
        ],
    })))
}

async fn keys(State(app): State<App>, Path(account): Path<String>) -> Result<Response, PageError> {
    let account = known(&app, &account).await?;
    let keys = oidc::keys(&app.db, account)
        .await
        .map_err(PageError::internal)?;
    Ok(document(published(&keys, app.clock.now())))
}

/// The account that an issuer names.
async fn known(app: &App, text: &str) -> Result<AccountId, PageError> {
    let id: AccountId = text.parse().map_err(|_| PageError::NotFound)?;
    // One address, so that what verifiers compare as text has one form.
    if id.as_uuid().to_string() != text {
        return Err(PageError::NotFound);
    }
    let account = accounts::by_id(&app.db, id)
        .await
        .map_err(PageError::internal)?
        .ok_or(PageError::NotFound)?;
    Ok(account.id)
}

fn document(value: Value) -> Response {
    ([(CACHE_CONTROL, KEPT)], Json(value)).into_response()
}
