//! The old build-status resource: every version has it, it knows commits only, and any licensed user may write.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde_json::{Value, json};

use super::statuses::NewStatus;
use crate::{
    datacenter::{
        body::Body,
        caller::Caller,
        error::{ApiError, ApiResult},
        page::{Page, PageQuery},
        server::{Server, no_content, ok},
    },
    state::Tables,
};

/// Most statuses that are ever listed.
const NEWEST: usize = 100;

fn check_hash(commit: &str) -> ApiResult<()> {
    let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if whole {
        Ok(())
    } else {
        Err(ApiError::field(
            "commitId",
            "A full 40 character commit id is required.",
        ))
    }
}

/// Writes a status of a commit, wherever that commit may be.
pub(in crate::datacenter) async fn post(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(commit): Path<String>,
    Body(new): Body<NewStatus>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    check_hash(&commit)?;
    let mut wrong = new.problems(server.settings.version());
    if new
        .description
        .as_deref()
        .is_some_and(|text| text.chars().count() > 255)
    {
        wrong.push((
            "description",
            "The description must not be longer than 255 characters.".to_owned(),
        ));
    }
    if new.state.as_deref() == Some("CANCELLED") && wrong.is_empty() {
        wrong.push((
            "state",
            "'CANCELLED' is not a valid build state.".to_owned(),
        ));
    }
    if !wrong.is_empty() {
        return Err(ApiError::fields(wrong));
    }
    server.write_status(&caller, None, commit.to_lowercase(), new);
    Ok(no_content())
}

/// Statuses of a commit, newest first, whichever resource they were written through.
pub(in crate::datacenter) async fn list(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(commit): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    server.render(|render| {
        let mut shown = render.tables.current_statuses(&commit.to_lowercase());
        shown.sort_by_key(|write| std::cmp::Reverse(write.written_at));
        shown.truncate(NEWEST);
        Ok(ok(
            Page::of(shown, &query, NEWEST).map(|write| render.legacy_status(write))
        ))
    })
}

/// How many statuses a commit has in each state.
pub(in crate::datacenter) async fn stats(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(commit): Path<String>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    Ok(ok(server
        .installation
        .read(|tables| count(tables, &commit))))
}

/// The same for many commits.
pub(in crate::datacenter) async fn stats_of_many(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Body(commits): Body<Vec<String>>,
) -> ApiResult {
    caller.user().ok_or_else(ApiError::sign_in)?;
    let counts: BTreeMap<String, Value> = server.installation.read(|tables| {
        commits
            .into_iter()
            .map(|commit| (commit.clone(), count(tables, &commit)))
            .collect()
    });
    Ok(ok(counts))
}

fn count(tables: &Tables, commit: &str) -> Value {
    let shown = tables.current_statuses(&commit.to_lowercase());
    let of = |state: &str| shown.iter().filter(|write| write.state == state).count();
    json!({
        "successful": of("SUCCESSFUL"), "inProgress": of("INPROGRESS"), "failed": of("FAILED"),
        "cancelled": of("CANCELLED"), "unknown": of("UNKNOWN"),
    })
}
