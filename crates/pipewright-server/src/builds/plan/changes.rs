//! Which files a build's commit changed, where a condition of its plan asks for it.
//!
//! What is compared is `git::changes`'s rule. What cannot be found out is not known, and conditions then count as met: a
//! build never waits or fails because of it.

use pipewright_core::wire::Checkout;
use pipewright_core::{CommitHash, Plan, RefName, TriggerKind};
use pipewright_runner::git::{Compared, GitError};
use pipewright_store::builds::{PullRequestDetail, ToPlan};

use crate::access::{IntegrationUnavailable, clone_credential};
use crate::app::App;

/// A destination's commit cannot be had.
#[derive(Debug, thiserror::Error)]
enum NoDestination {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
    #[error("its name is not valid: {0}")]
    Name(String),
}

/// The files; `None` where no condition asks for them, and where they are not known. The build's commit is in the mirror.
pub(super) async fn changed_files(app: &App, build: &ToPlan, plan: &Plan) -> Option<Vec<String>> {
    if !plan.has_changeset_conditions() {
        return None;
    }
    let compared = match (build.trigger, &build.detail.pull_request, &build.previous) {
        (TriggerKind::PullRequest, Some(request), _) => {
            match destination(app, build, request).await {
                Ok(commit) => Compared::Destination(commit),
                Err(error) => {
                    tracing::info!(build = %build.id, %error, "the destination of a pull request is not known, so neither are its changed files");
                    return None;
                }
            }
        }
        (TriggerKind::Push, _, Some(previous)) => Compared::Since(previous.clone()),
        _ => Compared::LastCommit,
    };
    app.mirrors
        .changed_files(build.repository_id, &build.commit, &compared)
        .await
}

/// The commit that Bitbucket named where it can be had, else where the branch is now. Brings it into the mirror.
async fn destination(
    app: &App,
    build: &ToPlan,
    request: &PullRequestDetail,
) -> Result<CommitHash, NoDestination> {
    let named = async || match &request.destination_commit {
        Some(prefix) => {
            app.mirrors
                .commit_of_prefix(build.repository_id, prefix)
                .await
        }
        None => Ok(None),
    };
    if let Some(commit) = named().await? {
        return Ok(commit);
    }
    let branch = RefName::branch(&request.destination)
        .map_err(|error| NoDestination::Name(error.to_string()))?;
    let (url, credential) = clone_credential(app, build.repository_id).await?;
    let checkout = Checkout {
        repository: build.repository_id,
        url,
        credential,
        ref_name: build.ref_name.clone(),
        commit: build.commit.clone(),
    };
    let tip = app.mirrors.tip(&checkout, &branch).await?;
    Ok(named().await?.unwrap_or(tip))
}
