//! Who is asking, and what they may do.
//!
//! A token never exceeds its user: a personal token's level is capped by what the user may do. Tokens of a project or a
//! repository act as a synthetic user and reach only what they belong to.

use crate::state::{AccessToken, Permission, Repository, Space, Tables, TokenOwner, UserId};

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nobody signed in.
    Anonymous,
    /// A person with a password.
    Person(UserId),
    /// An HTTP access token.
    Token(TokenCaller),
}

/// What matters of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenCaller {
    pub(super) user: UserId,
    pub(super) owner: TokenOwner,
    repository_level: Option<Permission>,
    project_level: Option<Permission>,
}

impl TokenCaller {
    pub(super) fn new(token: &AccessToken) -> Self {
        let repository_level = token
            .permissions
            .iter()
            .filter_map(|name| repository_level(name))
            .max();
        let project_level = token
            .permissions
            .iter()
            .filter_map(|name| project_level(name))
            .max();
        Self {
            user: token.user,
            owner: token.owner,
            repository_level,
            project_level,
        }
    }
}

impl Caller {
    /// The user that the caller is or acts as.
    pub(super) fn user(&self) -> Option<UserId> {
        match self {
            Self::Anonymous => None,
            Self::Person(user) | Self::Token(TokenCaller { user, .. }) => Some(*user),
        }
    }

    /// Whether this is a token that belongs to no person.
    pub(super) fn is_synthetic(&self) -> bool {
        matches!(
            self,
            Self::Token(TokenCaller {
                owner: TokenOwner::Repository(_) | TokenOwner::Space(_),
                ..
            })
        )
    }

    /// What the caller may do with a repository; `None` hides it.
    pub(super) fn on_repository(
        &self,
        tables: &Tables,
        repository: &Repository,
    ) -> Option<Permission> {
        let token = match self {
            Self::Anonymous | Self::Person(_) => return tables.permission(self.user(), repository),
            Self::Token(token) => token,
        };
        // A project level counts for every repository of the projects it reaches.
        let level = token.repository_level.max(token.project_level);
        let public = tables.permission(None, repository);
        match token.owner {
            TokenOwner::User(user) => level
                .min(tables.permission(Some(user), repository))
                .max(public),
            TokenOwner::Repository(id) => level.filter(|_| id == repository.id).max(public),
            TokenOwner::Space(id) => level.filter(|_| id == repository.space).max(public),
        }
    }

    /// What the caller may do with a project. Reading means seeing it: one visible repository is enough.
    pub(super) fn on_project(&self, tables: &Tables, space: &Space) -> Option<Permission> {
        let seen = || {
            let visible = tables
                .repositories_of(space.id)
                .any(|row| self.on_repository(tables, row).is_some());
            (visible || space.public).then_some(Permission::Read)
        };
        let own = match self {
            Self::Anonymous => None,
            Self::Person(user) => member(tables, space, *user),
            Self::Token(token) => match token.owner {
                TokenOwner::User(user) => token.project_level.min(member(tables, space, user)),
                TokenOwner::Space(id) => token.project_level.filter(|_| id == space.id),
                TokenOwner::Repository(_) => None,
            },
        };
        own.max(seen())
    }
}

fn member(tables: &Tables, space: &Space, user: UserId) -> Option<Permission> {
    if tables.user(user).is_some_and(|user| user.administrator) {
        return Some(Permission::Admin);
    }
    space.members.get(&user).copied()
}

/// `REPO_READ` and so on.
pub(super) fn repository_level(name: &str) -> Option<Permission> {
    level(name.strip_prefix("REPO_")?)
}

/// `PROJECT_READ` and so on.
pub(super) fn project_level(name: &str) -> Option<Permission> {
    level(name.strip_prefix("PROJECT_")?)
}

fn level(name: &str) -> Option<Permission> {
    match name {
        "READ" => Some(Permission::Read),
        "WRITE" => Some(Permission::Write),
        "ADMIN" => Some(Permission::Admin),
        _ => None,
    }
}
