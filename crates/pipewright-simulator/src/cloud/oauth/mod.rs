//! OAuth 2: consumers, the consent page, the token endpoint, revocation.
//!
//! Authorization code with `state` and PKCE (S256), refresh with rotation and a short grace, client credentials. Codes
//! are for one use and ten minutes. Every expiry follows the simulator's clock. Both generations of token answers are
//! played: `scope` with long tokens for an hour, and the older `scopes` with short tokens for two.

mod authorize;
mod client;
mod session;
mod store;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(super) use session::session_of;
pub use store::TokenGeneration;
pub(super) use store::{Consumer, NewConsumer, OauthStore, TokenState};

use super::server::CloudServer;

pub(super) fn routes() -> Router<Arc<CloudServer>> {
    Router::new()
        .route(
            "/site/oauth2/authorize",
            get(authorize::show).post(authorize::decide),
        )
        .route("/site/oauth2/access_token", post(token::access_token))
        .route("/site/oauth2/revoke", post(token::revoke))
        .route(
            "/account/signin/",
            get(session::show).post(session::sign_in),
        )
        .route("/account/signout/", post(session::sign_out))
}
