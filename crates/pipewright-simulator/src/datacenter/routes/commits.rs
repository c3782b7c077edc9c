//! Commits and the files they change.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};

use crate::{
    datacenter::{
        caller::Caller,
        error::{ApiError, ApiResult},
        page::{Page, PageQuery},
        server::{Found, Server, ok},
        wire::{WireChange, WireFullCommit},
    },
    git::{CommitInfo, CommitRange},
    state::{Permission, RepositoryId},
};

/// The query of the list of commits.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct CommitsQuery {
    until: Option<String>,
    since: Option<String>,
    path: Option<String>,
    merges: Option<String>,
    ignore_missing: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The query of changed files.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct ChangesQuery {
    until: Option<String>,
    since: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// The query of a comparison.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct CompareQuery {
    from: Option<String>,
    to: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// Changed files with the two commits they lie between.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangesPage {
    from_hash: Option<String>,
    to_hash: String,
    properties: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    page: Page<WireChange>,
}

/// Commits are read this many at a time at most; a test repository has fewer.
const MOST_COMMITS: usize = 10_000;

impl Server {
    /// The commit behind a hash, a branch, a tag or a full ref name.
    pub(super) async fn resolve(
        &self,
        id: RepositoryId,
        revision: &str,
    ) -> ApiResult<Option<String>> {
        let revision = revision.to_owned();
        self.git(move |git| git.resolve(id, &revision)).await
    }

    /// Like [`Self::resolve`], and nothing there is a 404.
    pub(in crate::datacenter) async fn revision(
        &self,
        found: &Found,
        revision: &str,
    ) -> ApiResult<String> {
        self.resolve(found.id, revision)
            .await?
            .ok_or_else(|| ApiError::no_commit(revision, &found.slug))
    }

    /// The revision asked for, or the head of the default branch.
    pub(in crate::datacenter) async fn revision_or_default(
        &self,
        found: &Found,
        revision: Option<&str>,
    ) -> ApiResult<String> {
        match revision.filter(|text| !text.is_empty()) {
            Some(revision) => self.revision(found, revision).await,
            None => self
                .resolve(found.id, &found.default_branch)
                .await?
                .ok_or_else(|| {
                    ApiError::not_found(
                        format!(
                            "{}/{} does not have a default branch.",
                            found.key, found.slug
                        ),
                        "com.atlassian.bitbucket.repository.NoDefaultBranchException",
                    )
                }),
        }
    }

    /// A commit by its id alone: names of branches and tags are refused, ids of tag objects are followed.
    pub(in crate::datacenter) async fn commit_by_id(
        &self,
        found: &Found,
        id: &str,
    ) -> ApiResult<String> {
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ApiError::no_commit(id, &found.slug));
        }
        self.revision(found, id).await
    }

    /// Commits with their parents, in the order given.
    pub(super) async fn full_commits(
        &self,
        id: RepositoryId,
        infos: Vec<CommitInfo>,
    ) -> ApiResult<Vec<WireFullCommit>> {
        let parents: Vec<String> = infos
            .iter()
            .flat_map(|info| info.parents.iter().cloned())
            .collect();
        let known = self.git(move |git| git.commit_infos(id, &parents)).await?;
        Ok(self.render(|render| {
            infos
                .iter()
                .map(|info| render.full_commit(info, &known))
                .collect()
        }))
    }

    /// One page of what differs between two commits. What is beyond the cap can never be asked for.
    pub(super) async fn changes_between(
        &self,
        id: RepositoryId,
        from: Option<String>,
        to: String,
        query: &PageQuery,
    ) -> ApiResult<Page<WireChange>> {
        let mut entries = self
            .git(move |git| git.diff(id, from.as_deref(), &to))
            .await?;
        entries.truncate(self.settings.values().changes_max);
        Ok(self
            .page(entries, query)
            .map(|entry| WireChange::of(&entry)))
    }

    /// Changes of `to` since a revision, or since its first parent.
    async fn changes_since(
        &self,
        found: &Found,
        since: Option<&str>,
        to: String,
        query: &PageQuery,
    ) -> ApiResult<ChangesPage> {
        let from_hash = match since.filter(|text| !text.is_empty()) {
            Some(since) => Some(self.revision(found, since).await?),
            None => None,
        };
        let base = if from_hash.is_some() {
            from_hash.clone()
        } else {
            let (id, hash) = (found.id, to.clone());
            let info = self.git(move |git| git.commit_info(id, &hash)).await?;
            info.and_then(|info| info.parents.into_iter().next())
        };
        let page = self
            .changes_between(found.id, base, to.clone(), query)
            .await?;
        Ok(ChangesPage {
            from_hash,
            to_hash: to,
            properties: serde_json::Map::new(),
            page,
        })
    }
}

/// Commits, newest first.
pub(in crate::datacenter) async fn commits(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<CommitsQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let until = server
        .revision_or_default(&found, query.until.as_deref())
        .await?;
    let since = match query.since.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(since) => match server.resolve(found.id, since).await? {
            Some(hash) => Some(hash),
            None if query.ignore_missing.as_deref() == Some("true") => None,
            None => return Err(ApiError::no_commit(since, &found.slug)),
        },
    };
    let range = CommitRange {
        include: vec![until],
        exclude: since.into_iter().collect(),
        paths: query
            .path
            .iter()
            .filter(|path| !path.is_empty())
            .cloned()
            .collect(),
        skip: 0,
        limit: MOST_COMMITS,
    };
    let id = found.id;
    let mut infos = server.git(move |git| git.commits(id, &range)).await?;
    match query.merges.as_deref() {
        Some("exclude") => infos.retain(|info| info.parents.len() < 2),
        Some("only") => infos.retain(|info| info.parents.len() > 1),
        _ => {}
    }
    let page = server.page(infos, &query.page);
    let mut full = server
        .full_commits(id, page.values.clone())
        .await?
        .into_iter();
    Ok(ok(page.map(|_| full.next())))
}

/// One commit.
pub(in crate::datacenter) async fn commit(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, commit)): Path<(String, String, String)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let hash = server.commit_by_id(&found, &commit).await?;
    let id = found.id;
    let info = server.git(move |git| git.commit_info(id, &hash)).await?;
    let full = server.full_commits(id, info.into_iter().collect()).await?;
    full.into_iter()
        .next()
        .map(ok)
        .ok_or_else(|| ApiError::no_commit(&commit, &found.slug))
}

/// Files that one commit changed.
pub(in crate::datacenter) async fn commit_changes(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, commit)): Path<(String, String, String)>,
    Query(query): Query<ChangesQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let hash = server.commit_by_id(&found, &commit).await?;
    Ok(ok(server
        .changes_since(&found, query.since.as_deref(), hash, &query.page)
        .await?))
}

/// Files that differ between two revisions.
pub(in crate::datacenter) async fn changes(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<ChangesQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let until = query
        .until
        .as_deref()
        .ok_or_else(|| ApiError::field("until", "The until parameter is required."))?;
    let hash = server.revision(&found, until).await?;
    Ok(ok(server
        .changes_since(&found, query.since.as_deref(), hash, &query.page)
        .await?))
}

/// Files changed in what `from` has and `to` has not: mind the direction.
pub(in crate::datacenter) async fn compare_changes(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<CompareQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let from = server
        .revision_or_default(&found, query.from.as_deref())
        .await?;
    let to = server
        .revision_or_default(&found, query.to.as_deref())
        .await?;
    let (id, one, other) = (found.id, from.clone(), to.clone());
    let base = server
        .git(move |git| git.merge_base(id, &one, &other))
        .await?;
    let page = server
        .changes_between(id, base, from.clone(), &query.page)
        .await?;
    Ok(ok(ChangesPage {
        from_hash: Some(to),
        to_hash: from,
        properties: serde_json::Map::new(),
        page,
    }))
}
