//! "Are you there?": for whatever watches over the server. Answers only what anybody may know.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use pipewright_store::settings;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/health", get(health))
}

/// 200 while the database answers, else 503.
async fn health(State(app): State<App>) -> (StatusCode, &'static str) {
    match settings::get(&app.db, "health").await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the database is not responding"
            );
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database is not responding\n",
            )
        }
    }
}
