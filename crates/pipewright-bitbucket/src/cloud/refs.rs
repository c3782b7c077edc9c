//! Branches, tags and commits.

use pipewright_core::git::RefKind;
use pipewright_core::{CommitHash, RefName};

use super::CloudClient;
use super::client::repository_path;
use super::wire::{Commit, Ref, Repository};
use crate::date::read_date;
use crate::http::{ApiError, encode_path_part};
use crate::remote::{
    CommitId, RefList, RefOrRefused, RemoteCommit, RemoteRef, RepositoryAddress, Signature,
};

/// What of each ref a list should carry.
const LIST_FIELDS: (&str, &str) = ("fields", "next,values.name,values.type,values.target.hash");

impl CloudClient {
    /// All branches, in the natural order of their names.
    pub async fn branches(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        let default = self.default_branch(address).await?;
        let mut branches = self.refs(address, RefKind::Branch).await?;
        for branch in &mut branches.refs {
            branch.is_default = Some(&branch.name) == default.as_ref();
        }
        Ok(branches)
    }

    /// All tags, in the natural order of their names.
    pub async fn tags(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        self.refs(address, RefKind::Tag).await
    }

    async fn refs(&self, address: &RepositoryAddress, kind: RefKind) -> Result<RefList, ApiError> {
        let (word, part) = words(kind);
        let doing = format!("reading the {word} of {}", address.slug);
        let path = format!("{}/refs/{part}", repository_path(address));
        let refs: Vec<Ref> = self
            .list(&path, &[("sort", "name"), LIST_FIELDS], &doing)
            .await?;
        let mut list = RefList::default();
        for entry in refs {
            let hash = entry
                .target
                .and_then(|target| target.hash)
                .and_then(|hash| hash.parse().ok());
            match (
                RefOrRefused::of(kind, &entry.name.unwrap_or_default()),
                hash,
            ) {
                (RefOrRefused::Ref(name), Some(commit)) => list.refs.push(RemoteRef {
                    name,
                    commit,
                    is_default: false,
                }),
                (RefOrRefused::Ref(name), None) => list
                    .refused
                    .push((name.short().to_owned(), "it points to no commit")),
                (RefOrRefused::Refused { name, reason }, _) => list.refused.push((name, reason)),
            }
        }
        Ok(list)
    }

    /// Where one branch or tag points.
    pub async fn reference(
        &self,
        address: &RepositoryAddress,
        name: &RefName,
    ) -> Result<RemoteRef, ApiError> {
        let (_, part) = words(name.kind());
        let doing = format!(
            "reading the {} {} of {}",
            name.kind().as_str(),
            name.short(),
            address.slug
        );
        let path = format!(
            "{}/refs/{part}/{}",
            repository_path(address),
            encode_path_part(name.short())
        );
        let entry: Ref = self.get(&path, &[], &doing).await?;
        let hash = entry
            .target
            .and_then(|target| target.hash)
            .and_then(|hash| hash.parse().ok());
        match hash {
            Some(commit) => Ok(RemoteRef {
                name: name.clone(),
                commit,
                is_default: false,
            }),
            None => Err(ApiError::NotBitbucket {
                doing,
                detail: "the response names no commit".to_owned(),
            }),
        }
    }

    /// The default branch; none in an empty repository.
    pub async fn default_branch(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Option<RefName>, ApiError> {
        let doing = format!("reading the default branch of {}", address.slug);
        let repository: Repository = self
            .get(
                &repository_path(address),
                &[("fields", "uuid,mainbranch.name")],
                &doing,
            )
            .await?;
        Ok(repository
            .mainbranch
            .and_then(|branch| RefName::branch(&branch.name?).ok()))
    }

    /// One commit, by its full or shortened id.
    pub async fn commit(
        &self,
        address: &RepositoryAddress,
        id: &CommitId,
    ) -> Result<RemoteCommit, ApiError> {
        let doing = format!("reading the commit {id} of {}", address.slug);
        let path = format!(
            "{}/commit/{}",
            repository_path(address),
            encode_path_part(id.as_str())
        );
        let commit: Commit = self.get(&path, &[], &doing).await?;
        remote_commit(commit).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the commit has no full id".to_owned(),
        })
    }
}

const fn words(kind: RefKind) -> (&'static str, &'static str) {
    match kind {
        RefKind::Branch => ("branches", "branches"),
        RefKind::Tag => ("tags", "tags"),
    }
}

/// A commit in our words; none without a full id.
pub(crate) fn remote_commit(commit: Commit) -> Option<RemoteCommit> {
    let hash: CommitHash = commit.hash?.parse().ok()?;
    let parents = commit
        .parents
        .unwrap_or_default()
        .into_iter()
        .filter_map(|parent| parent.hash?.parse().ok())
        .collect();
    let author = commit.author.unwrap_or_default();
    let mut signature = Signature::from_raw(author.raw.as_deref().unwrap_or_default());
    if signature.name.is_empty() {
        signature.name = author
            .user
            .and_then(|user| user.display_name)
            .unwrap_or_default();
    }
    Some(RemoteCommit {
        hash,
        message: commit.message.unwrap_or_default(),
        author: signature,
        date: commit.date.as_deref().and_then(read_date),
        parents,
    })
}
