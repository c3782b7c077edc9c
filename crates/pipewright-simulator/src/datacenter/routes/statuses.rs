//! Build statuses that belong to a repository (7.4 and newer).

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    datacenter::{
        body::Body,
        caller::Caller,
        error::{ApiError, ApiResult},
        server::{Server, no_content, ok},
        version::Version,
    },
    random,
    state::{Permission, RepositoryId, StatusWrite},
};

/// What is posted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct NewStatus {
    pub(super) key: Option<String>,
    pub(super) state: Option<String>,
    pub(super) url: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    #[serde(rename = "ref")]
    pub(super) ref_name: Option<String>,
    build_number: Option<String>,
    parent: Option<String>,
    duration: Option<i64>,
    test_results: Option<Value>,
}

/// Which status is asked for.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct StatusQuery {
    key: Option<String>,
}

impl NewStatus {
    /// The limits both resources share, and those of the newer one.
    pub(super) fn problems(&self, version: Version) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let key = self.key.as_deref().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 255 {
            wrong.push((
                "key",
                "The key must be between 1 and 255 characters.".to_owned(),
            ));
        }
        let url = self.url.as_deref().unwrap_or_default();
        if url.is_empty() || url.chars().count() > 450 {
            wrong.push((
                "url",
                "The URL must be between 1 and 450 characters.".to_owned(),
            ));
        } else if !Url::parse(url).is_ok_and(|url| url.has_host()) {
            wrong.push(("url", "The URL must be absolute.".to_owned()));
        }
        let state = self.state.as_deref().unwrap_or_default();
        let newer = ["CANCELLED", "UNKNOWN"].contains(&state) && version.has_cancelled();
        if !newer && !["INPROGRESS", "SUCCESSFUL", "FAILED"].contains(&state) {
            wrong.push(("state", format!("'{state}' is not a valid build state.")));
        }
        let limits = [
            ("name", &self.name, 255),
            ("buildNumber", &self.build_number, 255),
            ("parent", &self.parent, 1024),
            ("ref", &self.ref_name, 1024),
        ];
        for (field, value, most) in limits {
            if value
                .as_deref()
                .is_some_and(|text| text.chars().count() > most)
            {
                wrong.push((
                    field,
                    format!("The {field} must not be longer than {most} characters."),
                ));
            }
        }
        if self
            .ref_name
            .as_deref()
            .is_some_and(|name| !name.starts_with("refs/"))
        {
            wrong.push(("ref", "The ref must start with refs/.".to_owned()));
        }
        wrong
    }

    fn extra(&mut self) -> Map<String, Value> {
        let fields = [
            ("parent", self.parent.take().map(Value::from)),
            ("buildNumber", self.build_number.take().map(Value::from)),
            ("duration", self.duration.map(|duration| json!(duration))),
            ("testResults", self.test_results.take()),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

impl Server {
    /// Stores one accepted write.
    pub(super) fn write_status(
        &self,
        caller: &Caller,
        repository: Option<RepositoryId>,
        commit: String,
        mut new: NewStatus,
    ) {
        let now = self.now();
        let write = StatusWrite {
            uuid: random::uuid(),
            repository,
            commit,
            extra: new.extra(),
            key: new.key.unwrap_or_default(),
            state: new.state.unwrap_or_default(),
            name: new.name,
            url: new.url.unwrap_or_default(),
            description: new.description,
            refname: new.ref_name,
            author: caller.user(),
            created_at: now,
            written_at: now,
        };
        self.installation.write(|tables| tables.write_status(write));
    }
}

/// Writes a status: the same key on the same commit replaces what is shown. Reading rights are enough.
pub(in crate::datacenter) async fn post(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, commit)): Path<(String, String, String)>,
    Body(new): Body<NewStatus>,
) -> ApiResult {
    let version = server.settings.version();
    if !version.has_rich_statuses() {
        return Err(ApiError::unknown_route());
    }
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    caller.user().ok_or_else(ApiError::sign_in)?;
    let commit = server.commit_by_id(&found, &commit).await?;
    let wrong = new.problems(version);
    if !wrong.is_empty() {
        return Err(ApiError::fields(wrong));
    }
    server.write_status(&caller, Some(found.id), commit, new);
    Ok(no_content())
}

/// Reads one status back (7.14 and newer). There is no list.
pub(in crate::datacenter) async fn get(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, commit)): Path<(String, String, String)>,
    Query(query): Query<StatusQuery>,
) -> ApiResult {
    if !server.settings.version().reads_rich_status() {
        return Err(ApiError::unknown_route());
    }
    let found = server.repository(&caller, (&key, &slug), Permission::Read)?;
    let commit = server.commit_by_id(&found, &commit).await?;
    let wanted = query
        .key
        .ok_or_else(|| ApiError::field("key", "The key parameter is required."))?;
    server.render(|render| {
        let shown = render.tables.current_statuses(&commit);
        let status = shown
            .into_iter()
            .find(|write| write.repository == Some(found.id) && write.key == wanted);
        status.map(|write| ok(render.status(write))).ok_or_else(|| {
            ApiError::not_found(
                format!("No build status with key '{wanted}' exists for commit '{commit}'."),
                "com.atlassian.bitbucket.build.status.NoSuchBuildStatusException",
            )
        })
    })
}

/// Deletes one status, which needs an administrator of the repository.
pub(in crate::datacenter) async fn delete(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, commit)): Path<(String, String, String)>,
    Query(query): Query<StatusQuery>,
) -> ApiResult {
    let found = server.repository(&caller, (&key, &slug), Permission::Admin)?;
    let commit = server.commit_by_id(&found, &commit).await?;
    let wanted = query
        .key
        .ok_or_else(|| ApiError::field("key", "The key parameter is required."))?;
    server.installation.write(|tables| {
        if let Some(writes) = tables.statuses.get_mut(&commit) {
            writes.retain(|write| write.repository != Some(found.id) || write.key != wanted);
        }
    });
    Ok(no_content())
}
