//! Pull requests of a repository.

use super::DataCenterClient;
use super::client::api_path;
use super::repositories::named;
use super::wire;
use crate::date::read_date_value;
use crate::http::ApiError;
use crate::remote::{
    CommitId, PullRequest, PullRequestEnd, PullRequestState, RefOrRefused, RepositoryAddress,
};

impl DataCenterClient {
    /// All open pull requests into a repository.
    pub async fn open_pull_requests(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<PullRequest>, ApiError> {
        let doing = format!(
            "reading the open pull requests of {}/{}",
            address.space, address.slug
        );
        let found: Vec<wire::PullRequest> = self
            .list(
                &format!("{}/pull-requests", api_path(address)),
                &[("state", "OPEN")],
                &doing,
            )
            .await?;
        Ok(found.into_iter().filter_map(pull_request).collect())
    }

    /// One pull request.
    pub async fn pull_request(
        &self,
        address: &RepositoryAddress,
        id: u64,
    ) -> Result<PullRequest, ApiError> {
        let doing = format!(
            "reading the pull request #{id} of {}/{}",
            address.space, address.slug
        );
        let found: wire::PullRequest = self
            .get(
                &format!("{}/pull-requests/{id}", api_path(address)),
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
    let author = found.author.and_then(|author| author.user);
    Some(PullRequest {
        id: found.id?,
        title: found.title.unwrap_or_default(),
        state: match found.state.as_deref() {
            Some("MERGED") => PullRequestState::Merged,
            Some("DECLINED") => PullRequestState::Declined,
            _ => PullRequestState::Open,
        },
        draft: found.draft.unwrap_or(false),
        author: author.and_then(|user| user.display_name.or(user.name)),
        source: end(found.from_ref),
        destination: end(found.to_ref),
        merge_commit: found
            .properties
            .and_then(|properties| CommitId::parse(&properties.merge_commit?.id?)),
        updated_at: found.updated_date.as_ref().and_then(read_date_value),
        web_url: found.links.page(),
    })
}

/// One end; its ref may be a tag (trap T15).
fn end(end: Option<wire::Ref>) -> PullRequestEnd {
    let end = end.unwrap_or_default();
    PullRequestEnd {
        repository: end.repository.as_ref().and_then(named),
        reference: end.id.as_deref().map(RefOrRefused::full),
        commit: end.latest_commit.as_deref().and_then(CommitId::parse),
    }
}
