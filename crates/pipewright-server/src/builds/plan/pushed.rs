//! Which commits a push brought beside the one that is built: several commits pushed at once, or pushes whose webhooks were
//! lost. None of them has a build because of this push, and the build's page names them.

use pipewright_core::CommitHash;
use pipewright_store::builds::{PushedCommit, PushedCommits, ToPlan};

use crate::app::App;

/// As many are kept by name.
const KEPT: usize = 50;

/// What is kept of a title or name at most, in characters.
const TEXT: usize = 120;

/// The commits; none where there are no others, or where it is not known. The build's commit is in the mirror.
pub(super) async fn pushed_commits(
    app: &App,
    build: &ToPlan,
    parents: &[CommitHash],
) -> Option<PushedCommits> {
    let previous = build.previous.as_ref()?;
    if build.detail.pull_request.is_some()
        || *previous == build.commit
        || parents == std::slice::from_ref(previous)
    {
        return None;
    }
    let between = app
        .mirrors
        .commits_between(build.repository_id, previous, &build.commit, KEPT)
        .await
        .inspect_err(|error| {
            tracing::info!(build = %build.id, %error, "the commits of a push are not known");
        })
        .ok()?;
    let cut =
        |text: String| -> String { text.replace('\0', "\u{fffd}").chars().take(TEXT).collect() };
    let commits: Vec<PushedCommit> = between
        .commits
        .into_iter()
        .map(|(commit, title, author)| PushedCommit {
            commit,
            title: cut(title),
            author: cut(author),
        })
        .collect();
    (!commits.is_empty()).then_some(PushedCommits {
        commits,
        more: between.more,
    })
}
