//! The destination of a build's pull request: which commit of it is merged into the source before a step begins.

use pipewright_core::wire::Checkout;
use pipewright_core::{CommitHash, RefName, TriggerKind};
use pipewright_git::GitError;
use pipewright_store::builds::{PullRequestDetail, ToPlan, TriggerDetail};

use super::fetch::FetchError;
use crate::access::clone_credential;
use crate::app::App;

/// The pull request of a build that is merged; none for builds of anything else.
pub(super) fn request_of(build: &ToPlan) -> Option<&PullRequestDetail> {
    build
        .detail
        .pull_request
        .as_ref()
        .filter(|_| build.trigger == TriggerKind::PullRequest)
}

/// Where the branch is now, because that is what the source would be merged into; where that branch no longer exists, the
/// commit that Bitbucket named. Brings it into the mirror, where the build's own commit is already.
pub(super) async fn destination_of(
    app: &App,
    build: &ToPlan,
    request: &PullRequestDetail,
) -> Result<CommitHash, FetchError> {
    let failed = |error: FetchError| FetchError::Destination {
        branch: request.destination.clone(),
        error: Box::new(error),
    };
    find(app, build, request).await.map_err(failed)
}

async fn find(
    app: &App,
    build: &ToPlan,
    request: &PullRequestDetail,
) -> Result<CommitHash, FetchError> {
    let branch = RefName::branch(&request.destination)
        .map_err(|error| FetchError::Name(error.to_string()))?;
    let (url, credential) = clone_credential(app, build.repository_id).await?;
    let checkout = Checkout {
        repository: build.repository_id,
        url,
        credential,
        ref_name: build.ref_name.clone(),
        commit: build.commit.clone(),
        merge: None,
    };
    match app.mirrors.tip(&checkout, &branch).await {
        Ok(tip) => Ok(tip),
        Err(GitError::CommitNotFound { .. }) => {
            let named = match &request.destination_commit {
                Some(prefix) => {
                    app.mirrors
                        .commit_of_prefix(build.repository_id, prefix)
                        .await?
                }
                None => None,
            };
            named.ok_or_else(|| FetchError::Name("that branch no longer exists".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is kept of the build's trigger once it is known what is merged.
pub(super) fn with_merged(build: &ToPlan, merged: CommitHash) -> TriggerDetail {
    let mut detail = build.detail.clone();
    if let Some(request) = &mut detail.pull_request {
        request.merged = Some(merged);
    }
    detail
}
