//! A log's commands, for folding: where each begins and when, as JSON for the page's script.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use pipewright_core::Timestamp;
use pipewright_store::attempts::AttemptState;
use pipewright_store::logs;
use serde::Serialize;

use crate::app::App;
use crate::web::{MemberOf, PageError};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/commands", get(commands))
}

/// What the script is given.
#[derive(Debug, Serialize)]
struct Told {
    /// Each command's line, from 0, and the microsecond since 1970 at which it began, where that is known.
    commands: Vec<(u64, Option<i64>)>,
    /// The microsecond at which the last one ended; nothing while it runs.
    end: Option<i64>,
}

async fn commands(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
) -> Result<Json<Told>, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?;
    let (store, id) = (app.logs.clone(), attempt.id);
    let found = tokio::task::spawn_blocking(move || logs::commands(&store, id))
        .await
        .map_err(PageError::internal)??;
    let end = found
        .last_at
        .filter(|_| attempt.state == AttemptState::Finished);
    Ok(Json(Told {
        commands: found
            .begun
            .into_iter()
            .map(|(line, at)| (line, at.map(Timestamp::as_micros)))
            .collect(),
        end: end.map(Timestamp::as_micros),
    }))
}
