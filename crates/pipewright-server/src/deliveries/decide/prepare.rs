//! Asks Bitbucket for what a delivery leaves out, before anything is decided: the commit that an annotated tag points to
//! (trap T12), and the rest of a shortened commit id.

use pipewright_bitbucket::ApiError;
use pipewright_bitbucket::remote::{CommitId, RepositoryAddress};
use pipewright_store::deliveries::DecideRepository;

use super::candidate::{Candidate, PullRequestCommit, RefMove};
use crate::access::{IntegrationUnavailable, bitbucket_for};
use crate::app::App;

/// Something was not learnt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    /// Bitbucket did not say.
    #[error(transparent)]
    Bitbucket(#[from] ApiError),
    /// The integration cannot be used.
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
}

impl PrepareError {
    /// True where it may work later by itself.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Bitbucket(error) => error.is_retryable(),
            Self::Integration(error) => error.is_retryable(),
        }
    }
}

/// Completes the candidates, each by itself: a tag whose commit cannot be learnt becomes one that comparing refs explains, and
/// one that Bitbucket knows nothing of is decided as not built, with the sentence. An error is one of a pull request, which no
/// comparison would find.
pub(crate) async fn prepare(
    app: &App,
    repository: &DecideRepository,
    candidates: &mut [Candidate],
) -> Result<(), PrepareError> {
    if !asks(candidates) {
        return Ok(());
    }
    let bitbucket = bitbucket_for(app, repository.integration_id).await;
    let address = RepositoryAddress {
        remote_id: repository.remote_id.clone(),
        space: repository.owner.clone(),
        slug: repository.slug.clone(),
    };
    for candidate in candidates.iter_mut() {
        match candidate {
            Candidate::Ref(moved) if moved.may_be_tag_object => {
                let Some(object) = moved.new.clone() else {
                    continue;
                };
                let peeled = match &bitbucket {
                    Ok(bitbucket) => bitbucket
                        .peel_tag(&address, &moved.name, &object)
                        .await
                        .map_err(|error| (error.is_not_found(), error.to_string())),
                    Err(error) => Err((false, error.to_string())),
                };
                match peeled {
                    Ok(commit) => {
                        moved.object = (commit != object).then_some(object);
                        moved.new = Some(commit);
                        moved.may_be_tag_object = false;
                    }
                    Err((is_not_found, error)) => {
                        *candidate = without_commit(moved, is_not_found, &error);
                    }
                }
            }
            Candidate::PullRequest(change) => {
                let PullRequestCommit::Short(digits) = &change.commit else {
                    continue;
                };
                let Some(id) = CommitId::parse(digits) else {
                    continue;
                };
                let bitbucket = match &bitbucket {
                    Ok(bitbucket) => bitbucket,
                    Err(_) => &bitbucket_for(app, repository.integration_id).await?,
                };
                match bitbucket.resolve_commit(&address, &id).await {
                    Ok(commit) => change.commit = PullRequestCommit::Known(commit),
                    Err(error) if error.is_not_found() => {
                        *candidate = Candidate::PullRequestNotBuilt {
                            id: change.detail.id,
                            ref_name: Some(change.source.full().to_owned()),
                            reason: "commit_gone",
                            sentence: format!(
                                "Bitbucket does not show commit {digits} of pull request #{}: it is gone, or the connection may not see it.",
                                change.detail.id
                            ),
                        };
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A tag whose commit was not learnt. Of what is hidden Bitbucket says the same as of what is gone, so neither do we say more.
fn without_commit(moved: &RefMove, is_not_found: bool, error: &str) -> Candidate {
    let tag = moved.name.short();
    let (reason, sentence) = if is_not_found {
        (
            "tag_gone",
            format!(
                "Bitbucket does not show tag {tag}: it is gone, or the connection may not see it. The refs are compared instead."
            ),
        )
    } else {
        (
            "tag_unknown",
            format!(
                "The commit of tag {tag} could not be read ({}). The refs are compared instead.",
                error.trim_end_matches('.')
            ),
        )
    };
    Candidate::Incomplete {
        ref_name: Some(moved.name.full().to_owned()),
        old: moved.old.clone(),
        new: moved.new.clone(),
        reason,
        sentence,
    }
}

/// True where Bitbucket must be asked for something.
pub(crate) fn asks(candidates: &[Candidate]) -> bool {
    candidates.iter().any(needs_asking)
}

fn needs_asking(candidate: &Candidate) -> bool {
    match candidate {
        Candidate::Ref(moved) => moved.may_be_tag_object && moved.new.is_some(),
        Candidate::PullRequest(change) => matches!(change.commit, PullRequestCommit::Short(_)),
        _ => false,
    }
}
