//! The lines of a log that contain a text, as JSON for the page's script.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pipewright_store::logs;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::web::{MemberOf, PageError};

/// The most lines that are named; more are only counted.
pub(super) const MOST: usize = 20_000;

/// The longest text that is looked for, in characters.
pub(in crate::pages) const LONGEST: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/matches", get(matches))
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    find: String,
}

#[derive(Debug, Serialize)]
struct Told {
    count: u64,
    /// Numbers of lines, from 0.
    lines: Vec<u64>,
}

async fn matches(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Json<Told>, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?.id;
    let text: String = asked.find.chars().take(LONGEST).collect();
    let store = app.logs.clone();
    let found = tokio::task::spawn_blocking(move || logs::matches(&store, attempt, &text, MOST))
        .await
        .map_err(PageError::internal)??;
    Ok(Json(Told {
        count: found.count,
        lines: found.lines,
    }))
}
