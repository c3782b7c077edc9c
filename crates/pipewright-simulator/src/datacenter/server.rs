//! What every handler works with: the installation, the settings, and helpers to look things up and to answer.

use std::{collections::HashMap, sync::Arc, sync::Mutex};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    caller::Caller,
    error::{ApiError, ApiResult},
    page::{Page, PageQuery},
    settings::Settings,
    wire::{Audience, Links, Render},
};
use crate::{
    git::{GitError, GitStore, blocking},
    installation::Installation,
    state::{Permission, Repository, RepositoryId, Space, SpaceId, Tables, UserId},
};

/// The simulated Data Center server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) installation: Arc<Installation>,
    pub(super) settings: Arc<Settings>,
    pub(super) buckets: Mutex<HashMap<UserId, Bucket>>,
}

/// One user's token bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    pub(super) tokens: f64,
    pub(super) filled_at: Timestamp,
}

/// A repository that the caller may use, with what later steps need of it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: RepositoryId,
    pub(super) slug: String,
    pub(super) key: String,
    pub(super) default_branch: String,
}

impl Server {
    pub(crate) fn new(installation: Arc<Installation>, settings: Arc<Settings>) -> Self {
        Self {
            installation,
            settings,
            buckets: Mutex::default(),
        }
    }

    /// The addresses to print.
    pub(super) fn links(&self) -> Links {
        links(&self.installation, &self.settings)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.installation.clock().now()
    }

    /// Looks at the tables with everything at hand to render them.
    pub(super) fn render<T>(&self, look: impl FnOnce(&Render<'_>) -> T) -> T {
        let links = self.links();
        let version = self.settings.version();
        self.installation.read(|tables| {
            look(&Render {
                tables,
                links: &links,
                version,
                audience: Audience::Rest,
            })
        })
    }

    /// Runs blocking git work; what git cannot do is an error of the server.
    pub(super) async fn git<T: Send + 'static>(
        &self,
        work: impl FnOnce(&GitStore) -> Result<T, GitError> + Send + 'static,
    ) -> ApiResult<T> {
        let installation = Arc::clone(&self.installation);
        blocking(move || work(installation.git()))
            .await
            .map_err(|error| ApiError::internal(error.to_string()))
    }

    /// The fingerprint that an administrator would read off the SSH settings.
    pub(super) fn host_key_fingerprint(&self) -> String {
        let fingerprint = self.installation.ssh_host_key().fingerprint();
        fingerprint.trim_start_matches("SHA256:").to_owned()
    }

    /// Cuts a page out of rows that need no filter.
    pub(super) fn page<T>(&self, rows: impl IntoIterator<Item = T>, query: &PageQuery) -> Page<T> {
        let most = self.settings.values().page_max;
        Page::of(rows, query, most)
    }

    /// Finds a repository on which the caller has at least `needed`.
    pub(super) fn repository(
        &self,
        caller: &Caller,
        (key, slug): (&str, &str),
        needed: Permission,
    ) -> ApiResult<Found> {
        self.installation.read(|tables| {
            let (space, repository) = find_repository(tables, key, slug)?;
            if caller.on_repository(tables, repository) < Some(needed) {
                return Err(ApiError::not_permitted());
            }
            Ok(Found {
                id: repository.id,
                slug: repository.slug.clone(),
                key: space.key.to_uppercase(),
                default_branch: repository.default_branch.clone(),
            })
        })
    }

    /// Finds a project on which the caller has at least `needed`; reading needs one visible repository at least.
    pub(super) fn project(
        &self,
        caller: &Caller,
        key: &str,
        needed: Permission,
    ) -> ApiResult<SpaceId> {
        self.installation.read(|tables| {
            let space = find_project(tables, key)?;
            if caller.on_project(tables, space) < Some(needed) {
                return Err(ApiError::not_permitted());
            }
            Ok(space.id)
        })
    }
}

/// The addresses to print, for answers and payloads alike.
pub(super) fn links(installation: &Installation, settings: &Settings) -> Links {
    let addresses = installation.addresses();
    let ssh = settings
        .values()
        .ssh_enabled
        .then(|| (addresses.ssh_host.clone(), addresses.ssh_port));
    Links {
        base: addresses.web_url.clone(),
        ssh,
    }
}

/// Finds a project by its key, in any case.
pub(super) fn find_project<'t>(tables: &'t Tables, key: &str) -> ApiResult<&'t Space> {
    tables
        .space_by_key(key)
        .ok_or_else(|| ApiError::no_project(key))
}

fn find_repository<'t>(
    tables: &'t Tables,
    key: &str,
    slug: &str,
) -> ApiResult<(&'t Space, &'t Repository)> {
    let space = find_project(tables, key)?;
    let repository = tables
        .repository_by_path(key, slug)
        .ok_or_else(|| ApiError::no_repository(&space.key.to_uppercase(), slug))?;
    Ok((space, repository))
}

/// 200 with JSON.
pub(super) fn ok(value: impl Serialize) -> Response {
    Json(value).into_response()
}

/// 201 with JSON.
pub(super) fn created(value: impl Serialize) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

/// 204.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
