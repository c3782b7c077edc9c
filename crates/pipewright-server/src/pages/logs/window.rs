//! Some lines of a log, painted: for the page, and as JSON for its script.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use pipewright_core::ids::AttemptId;
use pipewright_store::logs::{self, LogExtent, LogStore};
use serde::{Deserialize, Serialize};

use super::super::ansi::{PaintedLine, Painter};
use crate::app::App;
use crate::web::{MemberOf, PageError};

/// The most lines that one answer holds.
const MOST: usize = 1000;

/// How many lines before a window are read for the colours that reach into it.
const RUN_UP: u64 = 64;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/logs/{attempt}/lines", get(lines))
}

/// Some painted lines, as the script is given them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::pages) struct Window {
    /// Number of the first line, from 0.
    pub(in crate::pages) first: u64,
    /// How many lines the log has now.
    pub(in crate::pages) total: u64,
    /// Safe HTML of each line, and whether it is a command.
    pub(in crate::pages) lines: Vec<(String, bool)>,
    /// Whether the last line may still be written on.
    pub(in crate::pages) open: bool,
    /// When lines came: a line, and the microsecond since 1970 that holds for it and those behind it.
    pub(in crate::pages) times: Vec<(u64, i64)>,
}

#[derive(Debug, Deserialize)]
struct Range {
    from: u64,
    count: usize,
}

async fn lines(
    State(app): State<App>,
    member: MemberOf,
    Path((_, attempt)): Path<(String, String)>,
    Query(range): Query<Range>,
) -> Result<Json<Window>, PageError> {
    let attempt = super::find(&app, &member, &attempt).await?;
    Ok(Json(
        read(&app.logs, attempt.id, range.from, range.count.min(MOST)).await?,
    ))
}

/// Reads and paints up to `count` lines from line `first`.
pub(super) async fn read(
    store: &LogStore,
    attempt: AttemptId,
    first: u64,
    count: usize,
) -> Result<Window, PageError> {
    let store = store.clone();
    let read = tokio::task::spawn_blocking(move || {
        let extent = logs::extent(&store, attempt)?;
        let (window, _) = paint(&store, attempt, first, count, extent, None)?;
        Ok::<_, std::io::Error>(window)
    });
    Ok(read.await.map_err(PageError::internal)??)
}

/// Reads and paints lines. A painter that stands at `first` goes on; without one, a new one is given a run-up. Blocking.
pub(super) fn paint(
    store: &LogStore,
    attempt: AttemptId,
    first: u64,
    count: usize,
    extent: LogExtent,
    painter: Option<Painter>,
) -> std::io::Result<(Window, Painter)> {
    let run_up = if painter.is_some() {
        0
    } else {
        first.min(RUN_UP)
    };
    let mut painter = painter.unwrap_or_default();
    let read = logs::read_lines(
        store,
        attempt,
        first - run_up,
        count + usize::try_from(run_up).unwrap_or(0),
    )?;
    let mut lines = Vec::with_capacity(read.lines.len());
    let last = read.lines.len();
    for (index, bytes) in read.lines.iter().enumerate() {
        if (index as u64) < run_up {
            painter.pass(bytes);
            continue;
        }
        // A line that is still being written may end amid a colour's sequence: it is painted on the side.
        let is_open = read.last_is_open && index + 1 == last;
        let PaintedLine { html, is_command } = if is_open {
            painter.clone().line(bytes)
        } else {
            painter.line(bytes)
        };
        lines.push((html, is_command));
    }
    let open = read.last_is_open && !lines.is_empty();
    let times = logs::times(store, attempt, first, lines.len() as u64)?
        .into_iter()
        .map(|(line, at)| (line, at.as_micros()))
        .collect();
    let total = if lines.is_empty() {
        extent.lines
    } else {
        extent.lines.max(first + lines.len() as u64)
    };
    Ok((
        Window {
            first,
            total,
            lines,
            open,
            times,
        },
        painter,
    ))
}
