//! Branches, tags and the default branch.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;

use crate::{
    datacenter::{
        caller::Caller,
        error::{ApiError, ApiResult},
        page::PageQuery,
        server::{Found, Server, no_content, ok},
        wire::{WireBranch, WireMinimalRef, WireTag},
    },
    git::GitRef,
    state::{Permission, ref_name},
};

/// The query of both lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct RefsQuery {
    filter_text: Option<String>,
    order_by: Option<String>,
    boost_matches: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

impl RefsQuery {
    /// Filters by a part of the name and orders: newest commit first, unless asked by name.
    fn pick(&self, mut refs: Vec<GitRef>) -> Vec<GitRef> {
        let wanted = self
            .filter_text
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        refs.retain(|found| found.short_name().to_lowercase().contains(&wanted));
        if self.order_by.as_deref() == Some("ALPHABETICAL") {
            refs.sort_by_key(|found| found.short_name().to_lowercase());
        } else {
            refs.sort_by_key(|found| (Reverse(found.committed_at), found.name.clone()));
        }
        if self.boost_matches.as_deref() == Some("true") {
            refs.sort_by_key(|found| {
                let name = found.short_name().to_lowercase();
                (name != wanted, !name.starts_with(&wanted))
            });
        }
        refs
    }
}

impl Server {
    async fn refs(&self, found: &Found, prefix: &'static str) -> ApiResult<Vec<GitRef>> {
        let id = found.id;
        self.git(move |git| git.refs(id, prefix)).await
    }

    async fn find_ref(&self, found: &Found, name: String) -> ApiResult<Option<GitRef>> {
        let id = found.id;
        self.git(move |git| git.find_ref(id, &name)).await
    }
}

/// Branches.
pub(in crate::datacenter) async fn branches(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<RefsQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let refs = query.pick(server.refs(&found, ref_name::HEADS).await?);
    Ok(ok(server
        .page(refs, &query.page)
        .map(|branch| wire_branch(&branch, &found))))
}

fn wire_branch(branch: &GitRef, found: &Found) -> WireBranch {
    WireBranch::new(
        &branch.name,
        &branch.target,
        branch.short_name() == found.default_branch,
    )
}

/// Tags.
pub(in crate::datacenter) async fn tags(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<RefsQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let refs = query.pick(server.refs(&found, ref_name::TAGS).await?);
    Ok(ok(server
        .page(refs, &query.page)
        .map(|tag| WireTag::new(&tag.name, &tag.target))))
}

/// One tag; its name may hold slashes, encoded or not.
pub(in crate::datacenter) async fn tag(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, name)): Path<(String, String, String)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let tag = server.find_ref(&found, ref_name::tag(&name)).await?;
    tag.map(|tag| ok(WireTag::new(&tag.name, &tag.target)))
        .ok_or_else(|| ApiError::no_tag(&name, &found.slug))
}

/// The configured default branch, also while it does not exist.
pub(in crate::datacenter) async fn default_branch(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
) -> ApiResult {
    if !server.settings.version().has_default_branch_resource() {
        return Err(ApiError::unknown_route());
    }
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let name = ref_name::branch(&found.default_branch);
    match server.find_ref(&found, name.clone()).await? {
        Some(branch) => Ok(ok(wire_branch(&branch, &found))),
        None => Ok(ok(WireMinimalRef::of(&name))),
    }
}

/// The older form: 204 for an empty repository, 404 for a default branch that does not exist yet.
pub(in crate::datacenter) async fn older_default_branch(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let branches = server.refs(&found, ref_name::HEADS).await?;
    match branches
        .iter()
        .find(|branch| branch.short_name() == found.default_branch)
    {
        Some(branch) => Ok(ok(wire_branch(branch, &found))),
        None if branches.is_empty() => Ok(no_content()),
        None => Err(ApiError::no_branch(&found.default_branch, &found.slug)),
    }
}
