//! Access keys of repositories and projects.
//!
//! One key may open many repositories and projects, but a key is either a user's or an access key, never both.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use serde::Deserialize;

use super::keys::NewKey;
use crate::{
    datacenter::{
        body::Body,
        caller::{Caller, project_level, repository_level},
        error::{ApiError, ApiResult},
        page::PageQuery,
        server::{Server, created, no_content, ok},
        wire::{Render, WireAccessKey},
    },
    state::{KeyHolder, KeyId, ParsedKey, Permission, RepositoryId, SpaceId, SshKey, Tables},
};

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Repository(RepositoryId),
    Project(SpaceId),
}

impl Scope {
    fn permission(self, key: &SshKey) -> Option<Permission> {
        let KeyHolder::Access {
            repositories,
            spaces,
        } = &key.holder
        else {
            return None;
        };
        match self {
            Self::Repository(id) => repositories.get(&id).copied(),
            Self::Project(id) => spaces.get(&id).copied(),
        }
    }

    /// Sets or takes away what a key may do here.
    fn set(self, key: &mut SshKey, permission: Option<Permission>) {
        let KeyHolder::Access {
            repositories,
            spaces,
        } = &mut key.holder
        else {
            return;
        };
        match (self, permission) {
            (Self::Repository(id), Some(permission)) => drop(repositories.insert(id, permission)),
            (Self::Repository(id), None) => drop(repositories.remove(&id)),
            (Self::Project(id), Some(permission)) => drop(spaces.insert(id, permission)),
            (Self::Project(id), None) => drop(spaces.remove(&id)),
        }
    }

    /// Reads a permission's name; only reading and writing can be given to a key.
    fn level(self, name: &str) -> ApiResult<Permission> {
        let level = match self {
            Self::Repository(_) => repository_level(name),
            Self::Project(_) => project_level(name),
        };
        level
            .filter(|level| *level < Permission::Admin)
            .ok_or_else(|| {
                ApiError::field(
                    "permission",
                    format!("'{name}' cannot be granted to an SSH key."),
                )
            })
    }

    fn wire(self, render: &Render<'_>, key: &SshKey) -> Option<WireAccessKey> {
        let permission = self.permission(key)?;
        match self {
            Self::Repository(id) => {
                Some(render.repository_key(key, render.tables.repository(id)?, permission))
            }
            Self::Project(id) => {
                Some(render.project_key(key, render.tables.space(id)?, permission))
            }
        }
    }
}

/// The query of the lists.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct AccessKeysQuery {
    filter: Option<String>,
    permission: Option<String>,
    #[serde(flatten)]
    page: PageQuery,
}

/// An access key to register.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct NewAccessKey {
    key: NewKey,
    permission: Option<String>,
}

impl Server {
    fn repository_scope(&self, caller: &Caller, key: &str, slug: &str) -> ApiResult<Scope> {
        Ok(Scope::Repository(
            self.repository(caller, (key, slug), Permission::Admin)?.id,
        ))
    }

    fn project_scope(&self, caller: &Caller, key: &str) -> ApiResult<Scope> {
        Ok(Scope::Project(self.project(
            caller,
            key,
            Permission::Admin,
        )?))
    }

    fn list_access_keys(&self, scope: Scope, query: &AccessKeysQuery) -> ApiResult {
        let prefix = query.filter.as_deref().unwrap_or_default().to_lowercase();
        let wanted = query
            .permission
            .as_deref()
            .map(|name| scope.level(name))
            .transpose()?;
        self.render(|render| {
            let rows = render.tables.keys.values().filter(|key| {
                let level = scope.permission(key);
                level.is_some()
                    && wanted.is_none_or(|wanted| level == Some(wanted))
                    && key.label.to_lowercase().starts_with(&prefix)
            });
            Ok(ok(self
                .page(rows, &query.page)
                .map(|key| scope.wire(render, key))))
        })
    }

    fn add_access_key(&self, scope: Scope, new: &NewAccessKey) -> ApiResult {
        if !self.settings.values().access_keys_enabled {
            return Err(ApiError::bad_request(
                "SSH access keys are disabled on this server.",
            ));
        }
        let name = new.permission.as_deref().unwrap_or_default();
        let permission = scope.level(name)?;
        let parsed = new.key.parse()?;
        let now = self.now();
        let id = self
            .installation
            .write(|tables| grant(tables, scope, &parsed, new, permission, now))?;
        self.render(|render| {
            let wire = render
                .tables
                .keys
                .get(&id)
                .and_then(|key| scope.wire(render, key));
            wire.map(created).ok_or_else(|| unknown(id.0))
        })
    }

    fn show_access_key(&self, scope: Scope, id: u64) -> ApiResult {
        self.render(|render| {
            let wire = render
                .tables
                .keys
                .get(&KeyId(id))
                .and_then(|key| scope.wire(render, key));
            wire.map(ok).ok_or_else(|| unknown(id))
        })
    }

    fn change_access_key(&self, scope: Scope, id: u64, permission: &str) -> ApiResult {
        let level = scope.level(permission)?;
        self.installation.write(|tables| {
            let key = tables
                .keys
                .get_mut(&KeyId(id))
                .filter(|key| scope.permission(key).is_some());
            key.map(|key| scope.set(key, Some(level)))
                .ok_or_else(|| unknown(id))
        })?;
        self.show_access_key(scope, id)
    }

    /// Takes the key from this scope only; one that opens nothing any more is forgotten.
    fn revoke_access_key(&self, scope: Scope, id: u64) -> Response {
        self.installation.write(|tables| {
            if let Some(key) = tables.keys.get_mut(&KeyId(id)) {
                scope.set(key, None);
            }
            tables.keys.retain(|_, key| match &key.holder {
                KeyHolder::User(_) => true,
                KeyHolder::Access {
                    repositories,
                    spaces,
                } => !repositories.is_empty() || !spaces.is_empty(),
            });
        });
        no_content()
    }
}

fn grant(
    tables: &mut Tables,
    scope: Scope,
    parsed: &ParsedKey,
    new: &NewAccessKey,
    permission: Permission,
    now: jiff::Timestamp,
) -> ApiResult<KeyId> {
    let taken = |message: &str| {
        ApiError::conflict(
            message.to_owned(),
            Some("com.atlassian.bitbucket.ssh.DuplicateSshKeyException"),
        )
    };
    let known = tables
        .key_by_blob(&parsed.algorithm, &parsed.base64)
        .map(|key| key.id);
    let id = if let Some(id) = known {
        id
    } else {
        let holder = KeyHolder::Access {
            repositories: BTreeMap::new(),
            spaces: BTreeMap::new(),
        };
        tables.add_key(parsed.clone(), new.key.label(parsed), holder, now)
    };
    let key = tables.keys.get_mut(&id).ok_or_else(|| unknown(id.0))?;
    if matches!(key.holder, KeyHolder::User(_)) {
        return Err(taken(
            "That SSH key already belongs to a user account and cannot become an access key.",
        ));
    }
    if scope.permission(key).is_some() {
        return Err(taken("That SSH key already has access here."));
    }
    scope.set(key, Some(permission));
    Ok(id)
}

/// The answer for an unknown key is a bare object without `errors`.
fn unknown(id: u64) -> ApiError {
    ApiError::bare_not_found(format!("SSH key with ID {id} cannot access this resource"))
}

/// Access keys of a repository.
pub(in crate::datacenter) async fn of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<AccessKeysQuery>,
) -> ApiResult {
    server.list_access_keys(server.repository_scope(&caller, &key, &slug)?, &query)
}

/// Gives a key access to a repository.
pub(in crate::datacenter) async fn add_to_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Body(new): Body<NewAccessKey>,
) -> ApiResult {
    server.add_access_key(server.repository_scope(&caller, &key, &slug)?, &new)
}

/// One access key of a repository.
pub(in crate::datacenter) async fn one_of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
) -> ApiResult {
    server.show_access_key(server.repository_scope(&caller, &key, &slug)?, id)
}

/// Takes a key's access to a repository away.
pub(in crate::datacenter) async fn revoke_from_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
) -> ApiResult {
    Ok(server.revoke_access_key(server.repository_scope(&caller, &key, &slug)?, id))
}

/// Changes what a key may do with a repository.
pub(in crate::datacenter) async fn change_in_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id, permission)): Path<(String, String, u64, String)>,
) -> ApiResult {
    server.change_access_key(
        server.repository_scope(&caller, &key, &slug)?,
        id,
        &permission,
    )
}

/// Access keys of a project.
pub(in crate::datacenter) async fn of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Query(query): Query<AccessKeysQuery>,
) -> ApiResult {
    server.list_access_keys(server.project_scope(&caller, &key)?, &query)
}

/// Gives a key access to every repository of a project.
pub(in crate::datacenter) async fn add_to_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Body(new): Body<NewAccessKey>,
) -> ApiResult {
    server.add_access_key(server.project_scope(&caller, &key)?, &new)
}

/// One access key of a project.
pub(in crate::datacenter) async fn one_of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, u64)>,
) -> ApiResult {
    server.show_access_key(server.project_scope(&caller, &key)?, id)
}

/// Takes a key's access to a project away.
pub(in crate::datacenter) async fn revoke_from_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, u64)>,
) -> ApiResult {
    Ok(server.revoke_access_key(server.project_scope(&caller, &key)?, id))
}

/// Changes what a key may do with a project.
pub(in crate::datacenter) async fn change_in_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id, permission)): Path<(String, u64, String)>,
) -> ApiResult {
    server.change_access_key(server.project_scope(&caller, &key)?, id, &permission)
}
