//! `repo:commit_status_created` and `repo:commit_status_updated`: our own writes come back.

use serde_json::Value;

use crate::cloud::wire::{self, Render};
use crate::state::{Repository, StatusWrite};

/// Adds the status to a body.
pub(super) fn fill(
    render: Render<'_>,
    body: &mut Value,
    repository: &Repository,
    write: &StatusWrite,
) {
    body["commit_status"] = wire::status(render, repository, write);
}
