//! Logs of attempts: windows of lines, the live tail, and the raw file. A log is never held whole: every answer reads
//! the file from where it is asked to, so a log of a million lines costs what its window costs.

mod commands;
pub(super) mod live;
mod matches;
mod panel;
mod raw;
mod window;

use axum::Router;
use pipewright_core::ids::AttemptId;
use pipewright_store::attempts::{self, Attempt};

use crate::app::App;
use crate::web::{MemberOf, PageError};

pub(super) use matches::LONGEST as LONGEST_SEARCH;
pub(super) use panel::{LogPanel, LogRequest};
#[cfg(test)]
pub(super) use panel::{ShownLine, ShownMatches};

/// The addresses of logs.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(window::routes())
        .merge(commands::routes())
        .merge(matches::routes())
        .merge(live::routes())
        .merge(raw::routes())
}

/// The attempt of this id in the member's account.
async fn find(app: &App, member: &MemberOf, id: &str) -> Result<Attempt, PageError> {
    let id: AttemptId = id.parse().map_err(|_| PageError::NotFound)?;
    attempts::get(&app.db, member.account.id, id)
        .await?
        .ok_or(PageError::NotFound)
}
