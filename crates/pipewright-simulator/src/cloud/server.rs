//! What the handlers share.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;

use super::error::ApiError;
use super::oauth::OauthStore;
use super::settings::CloudSettings;
use super::wire::Render;
use super::{rest, web};
use crate::git::{GitError, GitStore, blocking};
use crate::installation::Installation;
use crate::state::{Permission, Repository, RepositoryId, Space, SpaceId, Tables};

/// The simulated Cloud's own state, beside the installation's.
#[derive(Debug)]
pub(crate) struct CloudServer {
    pub(super) installation: Arc<Installation>,
    oauth: Mutex<OauthStore>,
    settings: Mutex<CloudSettings>,
}

impl CloudServer {
    pub(crate) fn new(installation: Arc<Installation>) -> Self {
        Self {
            installation,
            oauth: Mutex::default(),
            settings: Mutex::default(),
        }
    }

    /// Everything below the web address.
    pub(crate) fn web_router(self: &Arc<Self>) -> Router {
        web::router(Arc::clone(self))
    }

    /// Everything below the API's port.
    pub(crate) fn api_router(self: &Arc<Self>) -> Router {
        rest::router(Arc::clone(self))
    }

    pub(super) fn oauth(&self) -> MutexGuard<'_, OauthStore> {
        self.oauth
            .lock()
            .expect("cannot fail because no holder panics")
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, CloudSettings> {
        self.settings
            .lock()
            .expect("cannot fail because no holder panics")
    }

    pub(super) fn api_url(&self) -> &str {
        &self.installation.addresses().api_url
    }

    /// Renders something out of the tables.
    pub(super) fn render<T>(&self, work: impl FnOnce(Render<'_>) -> T) -> T {
        let addresses = self.installation.addresses();
        self.installation
            .read(|tables| work(Render { tables, addresses }))
    }

    /// Runs blocking git work.
    pub(super) async fn git<T: Send + 'static>(
        &self,
        work: impl FnOnce(&GitStore) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let installation = Arc::clone(&self.installation);
        Ok(blocking(move || work(installation.git())).await?)
    }
}

/// Finds a workspace by slug or braced UUID.
pub(super) fn find_space<'a>(tables: &'a Tables, name: &str) -> Option<&'a Space> {
    match braced_uuid(name) {
        Some(uuid) => tables.spaces().find(|space| space.uuid == uuid),
        None => tables.space_by_key(name),
    }
}

/// Finds a repository by workspace and slug, each also as a braced UUID. With a repository's UUID the workspace part
/// may be anything that is its workspace or nothing at all (`{}`).
pub(super) fn find_repository<'a>(
    tables: &'a Tables,
    workspace: &str,
    slug: &str,
) -> Option<&'a Repository> {
    if let Some(uuid) = braced_uuid(slug) {
        let repository = tables.repository_by_uuid(uuid)?;
        let fits = workspace == "{}"
            || find_space(tables, workspace).is_some_and(|space| space.id == repository.space);
        return fits.then_some(repository);
    }
    let space = find_space(tables, workspace)?;
    tables.repository_by_path(&space.key, slug)
}

/// The UUID in a text such as `{8f…}`.
pub(super) fn braced_uuid(text: &str) -> Option<uuid::Uuid> {
    text.strip_prefix('{')?.strip_suffix('}')?.parse().ok()
}

/// A repository that a caller may use.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: RepositoryId,
    pub(super) space: SpaceId,
    pub(super) full_name: String,
    pub(super) permission: Permission,
}
