//! Which files a build's commit changed, where a condition of its plan asks for it.
//!
//! What is compared is `git::changes`'s rule. What cannot be found out is not known, and conditions then count as met: a
//! build never waits or fails because of it.

use pipewright_core::{CommitHash, Plan, TriggerKind};
use pipewright_git::Compared;
use pipewright_store::builds::ToPlan;

use crate::app::App;

/// The files; `None` where no condition asks for them, and where they are not known. The build's commit is in the mirror, and
/// so is `destination`, the commit that its pull request is merged with.
pub(super) async fn changed_files(
    app: &App,
    build: &ToPlan,
    plan: &Plan,
    destination: Option<&CommitHash>,
) -> Option<Vec<String>> {
    if !plan.has_changeset_conditions() {
        return None;
    }
    let compared = match (build.trigger, destination, &build.previous) {
        (TriggerKind::PullRequest, destination, _) => Compared::Destination(destination?.clone()),
        (TriggerKind::Push, _, Some(previous)) => Compared::Since(previous.clone()),
        _ => Compared::LastCommit,
    };
    app.mirrors
        .changed_files(build.repository_id, &build.commit, &compared)
        .await
}
