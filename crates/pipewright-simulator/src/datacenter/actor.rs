//! The Data Center in the words of people who run and use one.
//!
//! Everything both products share (users, commits, pull requests, faults …) is reached through the [`Installation`] this
//! derefs to. A workspace is called a project here and a space there.

use std::{ops::Deref, path::PathBuf, sync::Arc};

use axum::Router;
use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use super::{
    payload::{DatacenterRules, envelope, pull_request_deleted, repository_modified},
    routes::{self, tokens::add_token},
    server::Server,
    settings::{BasicAuthentication, RateLimit, Settings},
    version::Version,
};
use crate::{
    actions::{ActionError, NewPullRequest},
    clock::SimClock,
    hooks::OutgoingEvent,
    installation::{Installation, Product},
    state::{
        Actor, EventKind, Permission, RepositoryEvent, RepositoryId, SpaceId, TokenOwner, ref_name,
        user_slug,
    },
};

/// What is decided before the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatacenterOptions {
    /// Where the server is mounted, such as `/bitbucket`; empty for the root.
    pub context_path: String,
    /// The version it plays.
    pub version: Version,
}

impl Default for DatacenterOptions {
    fn default() -> Self {
        Self {
            context_path: "/bitbucket".to_owned(),
            version: Version::default(),
        }
    }
}

/// One level of rights of an HTTP access token. A level of a project counts for all its repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLevel {
    /// `REPO_READ`, `REPO_WRITE` or `REPO_ADMIN`.
    Repository(Permission),
    /// `PROJECT_READ`, `PROJECT_WRITE` or `PROJECT_ADMIN`.
    Project(Permission),
}

impl TokenLevel {
    fn name(self) -> String {
        let (scope, level) = match self {
            Self::Repository(level) => ("REPO", level),
            Self::Project(level) => ("PROJECT", level),
        };
        let level = match level {
            Permission::Read => "READ",
            Permission::Write => "WRITE",
            Permission::Admin => "ADMIN",
        };
        format!("{scope}_{level}")
    }
}

/// A simulated Bitbucket Data Center. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Datacenter {
    installation: Arc<Installation>,
    settings: Arc<Settings>,
    context_path: String,
}

impl Deref for Datacenter {
    type Target = Arc<Installation>;

    fn deref(&self) -> &Self::Target {
        &self.installation
    }
}

impl Datacenter {
    /// A server without anybody in it; its ports are bound by the simulator.
    pub(crate) fn new(
        options: &DatacenterOptions,
        clock: SimClock,
        git_root: PathBuf,
        tasks: TaskTracker,
    ) -> Self {
        let settings = Arc::new(Settings::with_version(options.version));
        let rules = Arc::new(DatacenterRules::new(Arc::clone(&settings)));
        let installation = Installation::new(Product::Datacenter, clock, git_root, rules, tasks);
        Self {
            installation: Arc::new(installation),
            settings,
            context_path: options.context_path.clone(),
        }
    }

    /// Everything it answers over HTTP, git included, without faults and records.
    pub(crate) fn router(&self) -> Router {
        let server = Server::new(Arc::clone(&self.installation), Arc::clone(&self.settings));
        routes::router(Arc::new(server), &self.context_path)
    }

    /// The installation behind it.
    pub fn installation(&self) -> &Arc<Installation> {
        &self.installation
    }

    /// The context path, such as `/bitbucket`.
    pub fn context_path(&self) -> &str {
        &self.context_path
    }

    // --- the administrator ------------------------------------------------------------------------------------------

    /// The version it plays.
    pub fn version(&self) -> Version {
        self.settings.version()
    }

    /// Upgrades (or downgrades) the server. Basic authentication follows the version unless it was set by hand.
    pub fn set_version(&self, version: Version) {
        self.settings.values().version = version;
    }

    /// The name that application-properties shows; clients must not match on it.
    pub fn set_display_name(&self, name: &str) {
        name.clone_into(&mut self.settings.values().display_name);
    }

    /// Switches Basic authentication off, whatever the version.
    pub fn disable_basic(&self) {
        self.settings.values().basic = BasicAuthentication::Refused;
    }

    /// Switches Basic authentication on, whatever the version (10.x: by the JVM flag).
    pub fn allow_basic(&self) {
        self.settings.values().basic = BasicAuthentication::Allowed;
    }

    /// Puts a user on the list of those who may use Basic authentication although it is off.
    pub fn allow_basic_for(&self, user: &str) {
        self.settings
            .values()
            .basic_allowed_users
            .push(user.to_owned());
    }

    /// Sets the number of failed passwords after which a CAPTCHA is asked for; 0 switches it off.
    pub fn set_captcha_after(&self, failures: u32) {
        self.settings.values().captcha_after = failures;
    }

    /// Makes a user's next sign-in ask for a CAPTCHA: even the right password fails until it is cleared.
    pub fn require_captcha(&self, user: &str) -> Result<(), ActionError> {
        let failures = self.settings.values().captcha_after.max(1);
        self.set_failed_logins(user, failures)
    }

    /// Answers a user's CAPTCHA, as the person does in a browser.
    pub fn clear_captcha(&self, user: &str) -> Result<(), ActionError> {
        self.set_failed_logins(user, 0)
    }

    fn set_failed_logins(&self, user: &str, failures: u32) -> Result<(), ActionError> {
        let id = self.user_id(user)?;
        self.write(|tables| {
            if let Some(user) = tables.user_mut(id) {
                user.failed_logins = failures;
            }
        });
        Ok(())
    }

    /// Limits every user to `capacity` requests at once and `fill_rate` a second; `None` ends it.
    pub fn set_rate_limit(&self, limit: Option<(u32, u32)>) {
        self.settings.values().rate_limit = limit.map(|(capacity, fill_rate)| RateLimit {
            capacity,
            fill_rate,
        });
    }

    /// Switches access keys of repositories and projects on or off.
    pub fn set_access_keys_enabled(&self, enabled: bool) {
        self.settings.values().access_keys_enabled = enabled;
    }

    /// Announces SSH as on or off: the settings say so and clone links leave it out. The port itself stays open.
    pub fn set_ssh_enabled(&self, enabled: bool) {
        self.settings.values().ssh_enabled = enabled;
    }

    /// Lets HTTP access tokens add users' SSH keys. Whether the real product does is not known; off at first.
    pub fn allow_tokens_to_add_user_keys(&self, allowed: bool) {
        self.settings.values().tokens_add_user_keys = allowed;
    }

    /// Sets the most rows a page ever has.
    pub fn set_page_limit(&self, rows: usize) {
        self.settings.values().page_max = rows;
    }

    /// Sets the most changed files that are ever told; the rest cannot be asked for.
    pub fn set_changes_limit(&self, files: usize) {
        self.settings.values().changes_max = files;
    }

    // --- people and places ------------------------------------------------------------------------------------------

    /// Adds a project by its key.
    pub fn add_project(&self, key: &str, name: &str) -> Result<SpaceId, ActionError> {
        self.add_space(key, name, None)
    }

    /// Adds a user's personal project, `~name`.
    pub fn add_personal_project(&self, user: &str) -> Result<SpaceId, ActionError> {
        let id = self.user_id(user)?;
        let display = self
            .read(|tables| tables.user(id).map(|user| user.display_name.clone()))
            .unwrap_or_default();
        self.add_space(&format!("~{}", user_slug(user)), &display, Some(user))
    }

    /// Archives a repository, or brings it back.
    pub fn set_archived(&self, repository: &str, archived: bool) -> Result<(), ActionError> {
        let id = self.repository_id(repository)?;
        self.write(|tables| {
            if let Some(repository) = tables.repository_mut(id) {
                repository.archived = archived;
            }
        });
        Ok(())
    }

    /// Moves a repository to another project; its id stays, its old path is free.
    pub async fn move_repository(
        &self,
        repository: &str,
        project: &str,
        by: &str,
    ) -> Result<(), ActionError> {
        let (id, actor, space) = (
            self.repository_id(repository)?,
            self.actor(by)?,
            self.space_id(project)?,
        );
        let now = self.clock().now();
        let old = self.payload(|render| render.repository_by_id(id));
        self.write(|tables| tables.move_repository(id, space, now))?;
        let event = self.payload(|render| {
            let (old, new) = (old?, render.repository_by_id(id)?);
            Some(envelope(
                render,
                actor,
                now,
                repository_modified(&old, &new),
            ))
        });
        self.raise_body(id, actor, event).await;
        Ok(())
    }

    /// Makes a personal HTTP access token and returns its text.
    pub fn create_token(
        &self,
        user: &str,
        name: &str,
        levels: &[TokenLevel],
    ) -> Result<String, ActionError> {
        let owner = TokenOwner::User(self.user_id(user)?);
        self.store_token(owner, name, levels)
    }

    /// Makes an HTTP access token of a repository and returns its text. Only levels of repositories count for it.
    pub fn create_repository_token(
        &self,
        repository: &str,
        name: &str,
        level: Permission,
    ) -> Result<String, ActionError> {
        let owner = TokenOwner::Repository(self.repository_id(repository)?);
        self.store_token(owner, name, &[TokenLevel::Repository(level)])
    }

    /// Makes an HTTP access token of a project and returns its text.
    pub fn create_project_token(
        &self,
        project: &str,
        name: &str,
        levels: &[TokenLevel],
    ) -> Result<String, ActionError> {
        let owner = TokenOwner::Space(self.space_id(project)?);
        self.store_token(owner, name, levels)
    }

    /// Whether answers name the signed-in user in `X-AUSERNAME`; a proxy in front may remove it.
    pub fn set_names_users(&self, names: bool) {
        self.settings.values().names_users = names;
    }

    fn store_token(
        &self,
        owner: TokenOwner,
        name: &str,
        levels: &[TokenLevel],
    ) -> Result<String, ActionError> {
        let permissions = levels.iter().map(|level| level.name()).collect();
        let now = self.clock().now();
        let prefix = self.settings.version().token_prefix();
        let token =
            self.write(|tables| add_token(tables, owner, name, permissions, (now, None), prefix))?;
        Ok(token.secret)
    }

    /// Revokes a token by its text. Returns whether there was one.
    pub fn revoke_token(&self, secret: &str) -> bool {
        self.write(|tables| {
            let id = tables.token_by_secret(secret).map(|token| token.id);
            id.is_some_and(|id| tables.tokens.remove(&id).is_some())
        })
    }

    /// Makes a token end at an instant.
    pub fn expire_token(&self, secret: &str, at: Timestamp) -> bool {
        self.write(|tables| {
            let id = tables.token_by_secret(secret).map(|token| token.id);
            let token = id.and_then(|id| tables.tokens.get_mut(&id));
            token.map(|token| token.expires_at = Some(at)).is_some()
        })
    }

    // --- work -------------------------------------------------------------------------------------------------------

    /// Opens a pull request from a tag, which only this product allows.
    pub async fn open_pull_request_from_tag(
        &self,
        repository: &str,
        title: &str,
        tag: &str,
        destination: &str,
        author: &str,
    ) -> Result<u64, ActionError> {
        let source = ref_name::tag(tag);
        let new = NewPullRequest {
            repository,
            title,
            source: &source,
            source_repository: None,
            destination,
            author,
        };
        self.open_pull_request(new).await
    }

    /// Deletes a pull request.
    pub async fn delete_pull_request(
        &self,
        repository: &str,
        number: u64,
        by: &str,
    ) -> Result<(), ActionError> {
        let (id, actor) = (self.repository_id(repository)?, self.actor(by)?);
        let pull_request = self.pull_request(repository, number)?;
        let now = self.clock().now();
        let event = self.payload(|render| {
            Some(envelope(
                render,
                actor,
                now,
                pull_request_deleted(render, &pull_request),
            ))
        });
        self.write(|tables| tables.pull_requests.remove(&(id, number)));
        self.raise_body(id, actor, event).await;
        Ok(())
    }

    /// Announces a push without saying what changed, as after a remote merge or the sync of a fork.
    pub async fn announce_empty_push(&self, repository: &str, by: &str) -> Result<(), ActionError> {
        let (id, actor) = (self.repository_id(repository)?, self.actor(by)?);
        let now = self.clock().now();
        let event = self.payload(|render| {
            let body =
                serde_json::json!({ "repository": render.repository_by_id(id), "changes": [] });
            Some(envelope(render, actor, now, ("repo:refs_changed", body)))
        });
        self.raise_body(id, actor, event).await;
        Ok(())
    }

    fn payload<T>(&self, look: impl FnOnce(&super::wire::Render<'_>) -> T) -> T {
        DatacenterRules::with_render(&self.installation, &self.settings, look)
    }

    async fn raise_body(
        &self,
        repository: RepositoryId,
        actor: Actor,
        event: Option<OutgoingEvent>,
    ) {
        if let Some(OutgoingEvent { event_key, body }) = event {
            let kind = EventKind::Raw { event_key, body };
            self.installation
                .raise(RepositoryEvent {
                    repository,
                    actor,
                    kind,
                })
                .await;
        }
    }
}
