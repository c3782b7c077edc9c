//! Branches, tags and commits.

use pipewright_core::git::RefKind;
use pipewright_core::{CommitHash, RefName};
use reqwest::Method;

use super::DataCenterClient;
use super::client::api_path;
use super::wire::{Commit, Ref};
use crate::date::read_date_value;
use crate::http::{ApiError, Request, encode_path, encode_path_part};
use crate::remote::{
    CommitId, RefList, RefOrRefused, RemoteCommit, RemoteRef, RepositoryAddress, Signature,
};

impl DataCenterClient {
    /// All branches, the last changed first.
    pub async fn branches(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        let doing = format!("reading the branches of {}/{}", address.space, address.slug);
        let refs: Vec<Ref> = self
            .list(
                &format!("{}/branches", api_path(address)),
                &[("orderBy", "MODIFICATION")],
                &doing,
            )
            .await?;
        Ok(ref_list(refs, RefKind::Branch))
    }

    /// All tags, the last changed first; an annotated tag with its commit.
    pub async fn tags(&self, address: &RepositoryAddress) -> Result<RefList, ApiError> {
        let doing = format!("reading the tags of {}/{}", address.space, address.slug);
        let refs: Vec<Ref> = self
            .list(
                &format!("{}/tags", api_path(address)),
                &[("orderBy", "MODIFICATION")],
                &doing,
            )
            .await?;
        Ok(ref_list(refs, RefKind::Tag))
    }

    /// The default branch; none in an empty repository. The call was renamed during 7.x, so the new name is tried first.
    pub async fn default_branch(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Option<RefName>, ApiError> {
        let doing = format!(
            "reading the default branch of {}/{}",
            address.space, address.slug
        );
        for path in ["default-branch", "branches/default"] {
            let url = self.url(&format!("{}/{path}", api_path(address)), &[], &doing)?;
            match self
                .send(Request::new(Method::GET, url, doing.clone()))
                .await
            {
                Ok(answer) if answer.status == 204 => return Ok(None),
                Ok(answer) => return Ok(answer.decode::<Ref>()?.id.and_then(|id| id.parse().ok())),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// One commit by its id. A tag object's id is resolved to its commit.
    pub async fn commit(
        &self,
        address: &RepositoryAddress,
        id: &CommitId,
    ) -> Result<RemoteCommit, ApiError> {
        let doing = format!(
            "reading the commit {id} of {}/{}",
            address.space, address.slug
        );
        let commit: Commit = self
            .get(
                &format!(
                    "{}/commits/{}",
                    api_path(address),
                    encode_path_part(id.as_str())
                ),
                &[],
                &doing,
            )
            .await?;
        remote_commit(commit).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the commit has no full id".to_owned(),
        })
    }

    /// The commit that a tag points to, given what a webhook called its hash: for an annotated tag that is the tag object
    /// (trap T12). The tag is asked for by name; if it has moved since, its object is resolved instead.
    pub async fn peel_tag(
        &self,
        address: &RepositoryAddress,
        tag: &RefName,
        object: &CommitHash,
    ) -> Result<CommitHash, ApiError> {
        let doing = format!(
            "reading the tag {} of {}/{}",
            tag.short(),
            address.space,
            address.slug
        );
        // Slashes in the name stay slashes: servers refuse encoded ones.
        let name = encode_path(tag.short()).map_err(|error| ApiError::BadRequest {
            doing: doing.clone(),
            detail: error.to_string(),
        })?;
        match self
            .get::<TagWithObject>(&format!("{}/tags/{name}", api_path(address)), &[], &doing)
            .await
        {
            Ok(found) if found.points_to(object) => {
                return found
                    .latest_commit
                    .parse()
                    .map_err(|_| ApiError::NotBitbucket {
                        doing,
                        detail: "the tag names no commit".to_owned(),
                    });
            }
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        Ok(self
            .commit(address, &CommitId::Full(object.clone()))
            .await?
            .hash)
    }
}

/// A tag: `hash` is the object of an annotated one and null for a lightweight one.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagWithObject {
    latest_commit: String,
    #[serde(default)]
    hash: Option<String>,
}

impl TagWithObject {
    fn points_to(&self, object: &CommitHash) -> bool {
        let object = object.as_str();
        self.hash
            .as_deref()
            .is_some_and(|hash| hash.eq_ignore_ascii_case(object))
            || self.latest_commit.eq_ignore_ascii_case(object)
    }
}

fn ref_list(refs: Vec<Ref>, kind: RefKind) -> RefList {
    let mut list = RefList::default();
    for entry in refs {
        let is_default = entry
            .is_default
            .or(entry.documented_default)
            .unwrap_or(false);
        let name = match (&entry.id, &entry.display_id) {
            (Some(id), _) => RefOrRefused::full(id),
            (None, display) => RefOrRefused::of(kind, display.as_deref().unwrap_or_default()),
        };
        match (name, entry.latest_commit.and_then(|hash| hash.parse().ok())) {
            (RefOrRefused::Ref(name), Some(commit)) => list.refs.push(RemoteRef {
                name,
                commit,
                is_default,
            }),
            (RefOrRefused::Ref(name), None) => list
                .refused
                .push((name.short().to_owned(), "it points to no commit")),
            (RefOrRefused::Refused { name, reason }, _) => list.refused.push((name, reason)),
        }
    }
    list
}

/// A commit in our words; none without a full id.
pub(crate) fn remote_commit(commit: Commit) -> Option<RemoteCommit> {
    let author = commit.author.unwrap_or_default();
    Some(RemoteCommit {
        hash: commit.id?.parse().ok()?,
        message: commit.message.unwrap_or_default(),
        author: Signature {
            name: author.display_name.or(author.name).unwrap_or_default(),
            email: author.email_address,
        },
        date: commit
            .author_timestamp
            .or(commit.committer_timestamp)
            .as_ref()
            .and_then(read_date_value),
        parents: commit
            .parents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|parent| parent.id?.parse().ok())
            .collect(),
    })
}
