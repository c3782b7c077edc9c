//! Pull requests of a repository.

use super::CloudClient;
use super::client::repository_path;
use super::repositories::named;
use super::wire;
use crate::date::read_date;
use crate::http::ApiError;
use crate::remote::{
    CommitId, PullRequest, PullRequestEnd, PullRequestState, RefOrRefused, RepositoryAddress,
};
use pipewright_core::git::RefKind;

impl CloudClient {
    /// All open pull requests into a repository. Needs `pullrequest`.
    pub async fn open_pull_requests(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<PullRequest>, ApiError> {
        let doing = format!("reading the open pull requests of {}", address.slug);
        let path = format!("{}/pullrequests", repository_path(address));
        // Longer pages than 50 are refused for this list.
        let found: Vec<wire::PullRequest> = self
            .list(&path, &[("state", "OPEN"), ("pagelen", "50")], &doing)
            .await?;
        Ok(found.into_iter().filter_map(pull_request).collect())
    }

    /// One pull request. Needs `pullrequest`.
    pub async fn pull_request(
        &self,
        address: &RepositoryAddress,
        id: u64,
    ) -> Result<PullRequest, ApiError> {
        let doing = format!("reading the pull request #{id} of {}", address.slug);
        let found: wire::PullRequest = self
            .get(
                &format!("{}/pullrequests/{id}", repository_path(address)),
                &[],
                &doing,
            )
            .await?;
        pull_request(found).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the pull request has no number".to_owned(),
        })
    }
}

/// A pull request in our words; none without a number.
pub(crate) fn pull_request(found: wire::PullRequest) -> Option<PullRequest> {
    Some(PullRequest {
        id: found.id?,
        title: found.title.unwrap_or_default(),
        state: match found.state.as_deref() {
            Some("MERGED") => PullRequestState::Merged,
            Some("DECLINED" | "SUPERSEDED") => PullRequestState::Declined,
            _ => PullRequestState::Open,
        },
        draft: found.draft.unwrap_or(false),
        author: found
            .author
            .and_then(|author| author.display_name.or(author.nickname)),
        source: end(found.source),
        destination: end(found.destination),
        merge_commit: found
            .merge_commit
            .and_then(|commit| CommitId::parse(&commit.hash?)),
        updated_at: found.updated_on.as_deref().and_then(read_date),
        web_url: found.links.html.and_then(|link| link.href),
    })
}

fn end(end: wire::PullRequestEnd) -> PullRequestEnd {
    PullRequestEnd {
        repository: end.repository.as_ref().and_then(named),
        reference: end
            .branch
            .and_then(|branch| branch.name)
            .map(|name| RefOrRefused::of(RefKind::Branch, &name)),
        commit: end.commit.and_then(|commit| CommitId::parse(&commit.hash?)),
    }
}
