//! Everything one installation remembers, with the look-ups both products need.
//!
//! The maps with a secondary index are private, so that index and map cannot part. Names are compared without regard to
//! case, as both products do for workspaces, project keys, slugs and user names.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::delivery::Delivery;
use super::ids::{DeliveryId, KeyId, RepositoryId, SpaceId, TokenId, UserId, WebhookId};
use super::pull_request::PullRequest;
use super::repository::Repository;
use super::space::{Permission, Space};
use super::ssh_key::{KeyHolder, ParsedKey, SshKey};
use super::status::StatusWrite;
use super::token::AccessToken;
use super::user::{User, user_slug};
use super::webhook::{Webhook, WebhookSubject};

/// A registered name is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} exists already; choose another name")]
pub struct NameTaken {
    /// The kind of thing.
    pub what: &'static str,
    /// The name asked for.
    pub name: String,
}

/// Everything one installation remembers.
#[derive(Debug, Default)]
pub struct Tables {
    last_id: u64,
    users: BTreeMap<UserId, User>,
    users_by_name: HashMap<String, UserId>,
    spaces: BTreeMap<SpaceId, Space>,
    spaces_by_key: HashMap<String, SpaceId>,
    repositories: BTreeMap<RepositoryId, Repository>,
    repositories_by_slug: BTreeMap<(SpaceId, String), RepositoryId>,
    repositories_by_uuid: HashMap<Uuid, RepositoryId>,
    /// Registered SSH keys.
    pub keys: BTreeMap<KeyId, SshKey>,
    /// Webhook registrations.
    pub webhooks: BTreeMap<WebhookId, Webhook>,
    /// Deliveries in order of creation.
    pub deliveries: BTreeMap<DeliveryId, Delivery>,
    /// Status writes in order, by full commit hash.
    pub statuses: BTreeMap<String, Vec<StatusWrite>>,
    /// Pull requests by destination repository and number.
    pub pull_requests: BTreeMap<(RepositoryId, u64), PullRequest>,
    /// API tokens, access tokens, HTTP access tokens.
    pub tokens: BTreeMap<TokenId, AccessToken>,
}

impl Tables {
    /// The next number for any kind of record; numbers are never used twice.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    // --- users ---------------------------------------------------------------------------------------------------

    /// Adds a user.
    pub fn add_user(
        &mut self,
        name: &str,
        display: &str,
        email: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<UserId, NameTaken> {
        if self.users_by_name.contains_key(&name.to_lowercase()) {
            return Err(NameTaken {
                what: "user",
                name: name.to_owned(),
            });
        }
        let id = UserId(self.next_id());
        let uuid = crate::random::uuid();
        self.users_by_name.insert(name.to_lowercase(), id);
        self.users.insert(
            id,
            User {
                id,
                uuid,
                account_id: format!("557058:{}", crate::random::uuid()),
                name: name.to_owned(),
                slug: user_slug(name),
                display_name: display.to_owned(),
                email: email.to_owned(),
                password: password.to_owned(),
                active: true,
                service: false,
                administrator: false,
                failed_logins: 0,
                created_at: now,
            },
        );
        Ok(id)
    }

    /// The user with this id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// The user with this id, to change anything but the name.
    pub fn user_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.users.get_mut(&id)
    }

    /// All users, oldest first.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// Finds a user by name.
    pub fn user_by_name(&self, name: &str) -> Option<&User> {
        self.users_by_name
            .get(&name.to_lowercase())
            .and_then(|id| self.users.get(id))
    }

    /// Finds a user by slug (Data Center addresses users by it).
    pub fn user_by_slug(&self, slug: &str) -> Option<&User> {
        self.users
            .values()
            .find(|user| user.slug.eq_ignore_ascii_case(slug))
    }

    /// Finds a user by e-mail address.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users
            .values()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    }

    // --- spaces --------------------------------------------------------------------------------------------------

    /// Adds a workspace or project. A personal one makes its owner an admin member.
    pub fn add_space(
        &mut self,
        key: &str,
        name: &str,
        personal_of: Option<UserId>,
        now: Timestamp,
    ) -> Result<SpaceId, NameTaken> {
        if self.spaces_by_key.contains_key(&key.to_lowercase()) {
            return Err(NameTaken {
                what: "workspace or project",
                name: key.to_owned(),
            });
        }
        let id = SpaceId(self.next_id());
        self.spaces_by_key.insert(key.to_lowercase(), id);
        self.spaces.insert(
            id,
            Space {
                id,
                uuid: crate::random::uuid(),
                key: key.to_owned(),
                name: name.to_owned(),
                description: String::new(),
                personal_of,
                public: false,
                members: personal_of
                    .into_iter()
                    .map(|user| (user, Permission::Admin))
                    .collect(),
                created_at: now,
            },
        );
        Ok(id)
    }

    /// The workspace or project with this id.
    pub fn space(&self, id: SpaceId) -> Option<&Space> {
        self.spaces.get(&id)
    }

    /// The workspace or project with this id, to change anything but its key.
    pub fn space_mut(&mut self, id: SpaceId) -> Option<&mut Space> {
        self.spaces.get_mut(&id)
    }

    /// All workspaces or projects, oldest first.
    pub fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.spaces.values()
    }

    /// Finds a workspace by slug or a project by key.
    pub fn space_by_key(&self, key: &str) -> Option<&Space> {
        self.spaces_by_key
            .get(&key.to_lowercase())
            .and_then(|id| self.spaces.get(id))
    }

    // --- repositories --------------------------------------------------------------------------------------------

    /// Adds a repository without commits, default branch `main`. Costs no disk until the first push or fetch.
    pub fn add_repository(
        &mut self,
        space: SpaceId,
        slug: &str,
        private: bool,
        now: Timestamp,
    ) -> Result<RepositoryId, NameTaken> {
        let index = (space, slug.to_lowercase());
        if self.repositories_by_slug.contains_key(&index) {
            return Err(NameTaken {
                what: "repository",
                name: slug.to_owned(),
            });
        }
        let id = RepositoryId(self.next_id());
        let uuid = crate::random::uuid();
        self.repositories_by_slug.insert(index, id);
        self.repositories_by_uuid.insert(uuid, id);
        self.repositories.insert(
            id,
            Repository {
                id,
                uuid,
                space,
                slug: slug.to_owned(),
                name: slug.to_owned(),
                description: String::new(),
                private,
                default_branch: "main".to_owned(),
                empty: true,
                parent: None,
                archived: false,
                access: BTreeMap::new(),
                created_at: now,
                updated_at: now,
                next_pull_request: 1,
            },
        );
        Ok(id)
    }

    /// The repository with this id.
    pub fn repository(&self, id: RepositoryId) -> Option<&Repository> {
        self.repositories.get(&id)
    }

    /// The repository with this id, to change anything but slug and space.
    pub fn repository_mut(&mut self, id: RepositoryId) -> Option<&mut Repository> {
        self.repositories.get_mut(&id)
    }

    /// All repositories, oldest first.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.repositories.values()
    }

    /// The repositories of one workspace or project in order of their slugs.
    pub fn repositories_of(&self, space: SpaceId) -> impl Iterator<Item = &Repository> {
        self.repositories_by_slug
            .range((space, String::new())..(SpaceId(space.0 + 1), String::new()))
            .filter_map(|(_, id)| self.repositories.get(id))
    }

    /// Finds a repository by its space's key and its slug.
    pub fn repository_by_path(&self, space: &str, slug: &str) -> Option<&Repository> {
        let space = self.space_by_key(space)?;
        self.repositories_by_slug
            .get(&(space.id, slug.to_lowercase()))
            .and_then(|id| self.repositories.get(id))
    }

    /// Finds a repository by UUID.
    pub fn repository_by_uuid(&self, uuid: Uuid) -> Option<&Repository> {
        self.repositories_by_uuid
            .get(&uuid)
            .and_then(|id| self.repositories.get(id))
    }

    /// Gives a repository another slug and name.
    pub fn rename_repository(
        &mut self,
        id: RepositoryId,
        slug: &str,
        now: Timestamp,
    ) -> Result<(), NameTaken> {
        let Some(repository) = self.repositories.get_mut(&id) else {
            return Ok(());
        };
        let index = (repository.space, slug.to_lowercase());
        if self
            .repositories_by_slug
            .get(&index)
            .is_some_and(|holder| *holder != id)
        {
            return Err(NameTaken {
                what: "repository",
                name: slug.to_owned(),
            });
        }
        self.repositories_by_slug
            .remove(&(repository.space, repository.slug.to_lowercase()));
        self.repositories_by_slug.insert(index, id);
        slug.clone_into(&mut repository.slug);
        slug.clone_into(&mut repository.name);
        repository.updated_at = now;
        Ok(())
    }

    /// Moves a repository to another space under the same slug, as Data Center can. Its id stays, its old path is free.
    pub fn move_repository(
        &mut self,
        id: RepositoryId,
        space: SpaceId,
        now: Timestamp,
    ) -> Result<(), NameTaken> {
        let Some(repository) = self.repositories.get_mut(&id) else {
            return Ok(());
        };
        let index = (space, repository.slug.to_lowercase());
        if self
            .repositories_by_slug
            .get(&index)
            .is_some_and(|holder| *holder != id)
        {
            return Err(NameTaken {
                what: "repository",
                name: repository.slug.clone(),
            });
        }
        self.repositories_by_slug
            .remove(&(repository.space, repository.slug.to_lowercase()));
        self.repositories_by_slug.insert(index, id);
        repository.space = space;
        repository.updated_at = now;
        Ok(())
    }

    /// Forgets a repository with its webhooks, pull requests and places in access keys. Its git directory stays.
    pub fn remove_repository(&mut self, id: RepositoryId) {
        let Some(repository) = self.repositories.remove(&id) else {
            return;
        };
        self.repositories_by_slug
            .remove(&(repository.space, repository.slug.to_lowercase()));
        self.repositories_by_uuid.remove(&repository.uuid);
        self.webhooks
            .retain(|_, webhook| webhook.subject != WebhookSubject::Repository(id));
        self.pull_requests
            .retain(|(destination, _), _| *destination != id);
        for pull_request in self.pull_requests.values_mut() {
            if pull_request.source.repository == Some(id) {
                pull_request.source.repository = None;
            }
        }
        for key in self.keys.values_mut() {
            if let KeyHolder::Access { repositories, .. } = &mut key.holder {
                repositories.remove(&id);
            }
        }
    }

    /// `space/slug`, as both products write a repository's full name.
    pub fn full_name(&self, id: RepositoryId) -> String {
        let Some(repository) = self.repositories.get(&id) else {
            return String::new();
        };
        let space = self
            .spaces
            .get(&repository.space)
            .map_or("", |space| space.key.as_str());
        format!("{space}/{}", repository.slug)
    }

    // --- permissions ---------------------------------------------------------------------------------------------

    /// What a user (or nobody: an anonymous caller) may do with a repository; `None` means it is hidden from them.
    pub fn permission(&self, user: Option<UserId>, repository: &Repository) -> Option<Permission> {
        let public = (!repository.private).then_some(Permission::Read);
        let Some(user) = user else { return public };
        if self.users.get(&user).is_some_and(|user| user.administrator) {
            return Some(Permission::Admin);
        }
        match repository.access.get(&user) {
            Some(exception) => (*exception).max(public),
            None => self
                .spaces
                .get(&repository.space)
                .and_then(|space| space.members.get(&user).copied())
                .max(public),
        }
    }

    /// What an SSH key may do with a repository; `None` means no access at all.
    pub fn key_permission(&self, key: &SshKey, repository: &Repository) -> Option<Permission> {
        match &key.holder {
            KeyHolder::User(user) => self.permission(Some(*user), repository),
            KeyHolder::Access {
                repositories,
                spaces,
            } => repositories
                .get(&repository.id)
                .copied()
                .max(spaces.get(&repository.space).copied()),
        }
    }

    // --- keys, tokens, webhooks, statuses --------------------------------------------------------------------------

    /// Finds the registration of a public key.
    pub fn key_by_blob(&self, algorithm: &str, base64: &str) -> Option<&SshKey> {
        self.keys
            .values()
            .find(|key| key.algorithm == algorithm && key.base64 == base64)
    }

    /// Registers a key without asking whether it is known already: the products answer that differently.
    pub fn add_key(
        &mut self,
        key: ParsedKey,
        label: &str,
        holder: KeyHolder,
        now: Timestamp,
    ) -> KeyId {
        let id = KeyId(self.next_id());
        self.keys.insert(
            id,
            SshKey {
                id,
                uuid: crate::random::uuid(),
                algorithm: key.algorithm,
                base64: key.base64,
                comment: key.comment,
                label: label.to_owned(),
                fingerprint: key.fingerprint,
                holder,
                created_at: now,
                last_used: None,
                expires_at: None,
            },
        );
        id
    }

    /// Finds a token by its text.
    pub fn token_by_secret(&self, secret: &str) -> Option<&AccessToken> {
        self.tokens.values().find(|token| token.secret == secret)
    }

    /// Active webhooks that listen to a repository, its own first, then its space's.
    pub fn webhooks_for(&self, repository: &Repository) -> Vec<&Webhook> {
        let own = WebhookSubject::Repository(repository.id);
        let inherited = WebhookSubject::Space(repository.space);
        let listening = |subject: WebhookSubject| {
            self.webhooks
                .values()
                .filter(move |hook| hook.active && hook.subject == subject)
        };
        listening(own).chain(listening(inherited)).collect()
    }

    /// Appends a status write. The identity and first time of an earlier write with the same repository, commit and key
    /// are kept. Returns the write as stored, and whether it was the first.
    pub fn write_status(&mut self, mut write: StatusWrite) -> (StatusWrite, bool) {
        let writes = self.statuses.entry(write.commit.clone()).or_default();
        let earlier = writes
            .iter()
            .rev()
            .find(|earlier| earlier.repository == write.repository && earlier.key == write.key);
        let first = earlier.is_none();
        if let Some(earlier) = earlier {
            write.uuid = earlier.uuid;
            write.created_at = earlier.created_at;
        }
        writes.push(write.clone());
        (write, first)
    }

    /// What is shown for a commit: the last write per repository and key, in order of first write.
    pub fn current_statuses(&self, commit: &str) -> Vec<&StatusWrite> {
        let mut shown: Vec<&StatusWrite> = Vec::new();
        for write in self.statuses.get(commit).into_iter().flatten() {
            match shown
                .iter_mut()
                .find(|earlier| earlier.repository == write.repository && earlier.key == write.key)
            {
                Some(earlier) => *earlier = write,
                None => shown.push(write),
            }
        }
        shown
    }

    /// The pull requests into a repository, newest first.
    pub fn pull_requests_of(&self, repository: RepositoryId) -> impl Iterator<Item = &PullRequest> {
        self.pull_requests
            .range((repository, 0)..(RepositoryId(repository.0 + 1), 0))
            .rev()
            .map(|(_, pull_request)| pull_request)
    }
}
