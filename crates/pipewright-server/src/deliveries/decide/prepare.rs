//! Asks Bitbucket for what a delivery leaves out, before anything is decided: the commit that an annotated tag points to
//! (trap T12), and the rest of a shortened commit id.

use pipewright_bitbucket::ApiError;
use pipewright_bitbucket::remote::{CommitId, RepositoryAddress};
use pipewright_store::deliveries::DecideRepository;

use super::candidate::{Candidate, PullRequestCommit};
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

/// Completes the candidates. One that Bitbucket knows nothing of is decided as not built, with the sentence.
pub(crate) async fn prepare(
    app: &App,
    repository: &DecideRepository,
    candidates: &mut [Candidate],
) -> Result<(), PrepareError> {
    if !candidates.iter().any(needs_asking) {
        return Ok(());
    }
    let bitbucket = bitbucket_for(app, repository.integration_id).await?;
    let address = RepositoryAddress {
        remote_id: repository.remote_id.clone(),
        space: repository.owner.clone(),
        slug: repository.slug.clone(),
    };
    for candidate in candidates.iter_mut() {
        let not_known = match candidate {
            Candidate::Ref(moved) if moved.may_be_tag_object => {
                let Some(object) = moved.new.clone() else {
                    continue;
                };
                match bitbucket.peel_tag(&address, &moved.name, &object).await {
                    Ok(commit) => {
                        moved.new = Some(commit);
                        moved.may_be_tag_object = false;
                        continue;
                    }
                    Err(error) if error.is_not_found() => Candidate::Other {
                        reason: "tag_gone",
                        sentence: format!(
                            "Tag {} was gone again before its commit could be asked for.",
                            moved.name.short()
                        ),
                    },
                    Err(error) => return Err(error.into()),
                }
            }
            Candidate::PullRequest(change) => {
                let PullRequestCommit::Short(digits) = &change.commit else {
                    continue;
                };
                let Some(id) = CommitId::parse(digits) else {
                    continue;
                };
                match bitbucket.resolve_commit(&address, &id).await {
                    Ok(commit) => {
                        change.commit = PullRequestCommit::Known(commit);
                        continue;
                    }
                    Err(error) if error.is_not_found() => Candidate::PullRequestNotBuilt {
                        id: change.detail.id,
                        ref_name: Some(change.source.full().to_owned()),
                        reason: "commit_gone",
                        sentence: format!(
                            "Commit {digits} of pull request #{} no longer exists.",
                            change.detail.id
                        ),
                    },
                    Err(error) => return Err(error.into()),
                }
            }
            _ => continue,
        };
        *candidate = not_known;
    }
    Ok(())
}

fn needs_asking(candidate: &Candidate) -> bool {
    match candidate {
        Candidate::Ref(moved) => moved.may_be_tag_object && moved.new.is_some(),
        Candidate::PullRequest(change) => matches!(change.commit, PullRequestCommit::Short(_)),
        _ => false,
    }
}
