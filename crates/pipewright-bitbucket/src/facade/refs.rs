//! What a repository holds: refs, commits, files, pull requests.

use pipewright_core::{CommitHash, RefName};

use super::Bitbucket;
use crate::http::ApiError;
use crate::remote::{CommitId, PullRequest, RefList, RemoteCommit, RepositoryAddress};

impl Bitbucket {
    /// All branches, each with the commit it points to.
    pub async fn branches(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        match self {
            Self::Cloud(client) => client.branches(address).await,
            Self::DataCenter(client) => client.branches(address).await,
        }
    }

    /// All tags, each with the commit it points to (never the object of an annotated tag).
    pub async fn tags(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        match self {
            Self::Cloud(client) => client.tags(address).await,
            Self::DataCenter(client) => client.tags(address).await,
        }
    }

    /// The default branch; none in an empty repository.
    pub async fn default_branch(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Option<RefName>, ApiError> {
        match self {
            Self::Cloud(client) => client.default_branch(address).await,
            Self::DataCenter(client) => client.default_branch(address).await,
        }
    }

    /// One commit by its full or shortened id.
    pub async fn commit(
        &self,
        address: &RepositoryAddress,
        id: &CommitId,
    ) -> Result<RemoteCommit, ApiError> {
        match self {
            Self::Cloud(client) => client.commit(address, id).await,
            Self::DataCenter(client) => client.commit(address, id).await,
        }
    }

    /// The full id of a commit: asked for only where the one given is shortened. For a fork's pull request, `address` is
    /// the fork.
    pub async fn resolve_commit(
        &self,
        address: &RepositoryAddress,
        id: &CommitId,
    ) -> Result<CommitHash, ApiError> {
        match id {
            CommitId::Full(hash) => Ok(hash.clone()),
            CommitId::Short(_) => Ok(self.commit(address, id).await?.hash),
        }
    }

    /// The commit that a pushed tag points to, where [`crate::webhook::Change::new_is_maybe_tag_object`] says that a
    /// delivery may have named the tag object. Cloud names the commit itself.
    pub async fn peel_tag(
        &self,
        address: &RepositoryAddress,
        tag: &RefName,
        object: &CommitHash,
    ) -> Result<CommitHash, ApiError> {
        match self {
            Self::Cloud(_) => Ok(object.clone()),
            Self::DataCenter(client) => client.peel_tag(address, tag, object).await,
        }
    }

    /// The bytes of a file at a commit, at most `max_bytes` (a longer one is [`ApiError::TooLarge`]); none where the commit
    /// has no such file.
    pub async fn file_at(
        &self,
        address: &RepositoryAddress,
        commit: &CommitHash,
        path: &str,
        max_bytes: usize,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        match self {
            Self::Cloud(client) => client.file_at(address, commit, path, max_bytes).await,
            Self::DataCenter(client) => client.file_at(address, commit, path, max_bytes).await,
        }
    }

    /// All open pull requests into a repository.
    pub async fn open_pull_requests(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<PullRequest>, ApiError> {
        match self {
            Self::Cloud(client) => client.open_pull_requests(address).await,
            Self::DataCenter(client) => client.open_pull_requests(address).await,
        }
    }

    /// One pull request by its number in the destination repository.
    pub async fn pull_request(
        &self,
        address: &RepositoryAddress,
        id: u64,
    ) -> Result<PullRequest, ApiError> {
        match self {
            Self::Cloud(client) => client.pull_request(address, id).await,
            Self::DataCenter(client) => client.pull_request(address, id).await,
        }
    }
}
