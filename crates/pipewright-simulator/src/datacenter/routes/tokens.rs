//! HTTP access tokens of users, projects and repositories. The token itself is shown once, at its creation.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, Query, State},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    datacenter::{
        body::Body,
        caller::{Caller, project_level, repository_level},
        error::{ApiError, ApiResult},
        moment::Moment,
        page::PageQuery,
        server::{Server, no_content, ok},
    },
    random,
    state::{AccessToken, NameTaken, Permission, Tables, TokenId, TokenOwner, UserId},
};

/// A token to make.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct NewToken {
    name: Option<String>,
    permissions: Option<Vec<String>>,
    expiry_days: Option<i64>,
}

/// A token as it is listed. `createdDate` is milliseconds, whatever the document says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireToken {
    id: String,
    created_date: Moment,
    name: String,
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

fn wire(token: &AccessToken, show: bool) -> WireToken {
    WireToken {
        id: token.id.to_string(),
        created_date: Moment::rest(token.created_at),
        name: token.name.clone(),
        permissions: token.permissions.clone(),
        token: show.then(|| token.secret.clone()),
    }
}

impl Server {
    /// A person may manage the own tokens; tokens make no tokens.
    fn tokens_of_user(&self, caller: &Caller, slug: &str) -> ApiResult<TokenOwner> {
        let Caller::Person(own) = caller else {
            return Err(ApiError::not_permitted());
        };
        self.installation.read(|tables| {
            let user = tables
                .user_by_slug(slug)
                .ok_or_else(|| ApiError::no_user(slug))?;
            let administrator = tables.user(*own).is_some_and(|user| user.administrator);
            if user.id == *own || administrator {
                Ok(TokenOwner::User(user.id))
            } else {
                Err(ApiError::not_permitted())
            }
        })
    }

    fn tokens_of_project(&self, caller: &Caller, key: &str) -> ApiResult<TokenOwner> {
        let id = self.project(caller, key, Permission::Admin)?;
        person(caller)?;
        Ok(TokenOwner::Space(id))
    }

    fn tokens_of_repository(
        &self,
        caller: &Caller,
        key: &str,
        slug: &str,
    ) -> ApiResult<TokenOwner> {
        let id = self.repository(caller, (key, slug), Permission::Admin)?.id;
        person(caller)?;
        Ok(TokenOwner::Repository(id))
    }

    fn create_token(&self, owner: TokenOwner, new: NewToken) -> ApiResult {
        let permissions = new.permissions.unwrap_or_default();
        let name = new.name.unwrap_or_default();
        let wrong = problems(owner, &name, &permissions);
        if !wrong.is_empty() {
            return Err(ApiError::fields(wrong));
        }
        let now = self.now();
        let expires_at = new
            .expiry_days
            .and_then(|days| now.checked_add(SignedDuration::from_hours(24 * days)).ok());
        let prefix = self.settings.version().token_prefix();
        let token = self
            .installation
            .write(|tables| add_token(tables, owner, &name, permissions, (now, expires_at), prefix))
            .map_err(|error| ApiError::internal(error.to_string()))?;
        Ok(ok(wire(&token, true)))
    }

    fn list_tokens(&self, owner: TokenOwner, query: &PageQuery) -> ApiResult {
        self.installation.read(|tables| {
            let rows = tables.tokens.values().filter(|token| token.owner == owner);
            Ok(ok(self.page(rows, query).map(|token| wire(token, false))))
        })
    }

    fn delete_token(&self, owner: TokenOwner, id: &str) -> ApiResult {
        let id = id
            .parse()
            .map(TokenId)
            .map_err(|_| ApiError::missing(format!("Token {id} does not exist.")))?;
        self.installation
            .write(|tables| match tables.tokens.get(&id) {
                Some(token) if token.owner == owner => {
                    tables.tokens.remove(&id);
                    Ok(no_content())
                }
                _ => Err(ApiError::missing(format!("Token {id} does not exist."))),
            })
    }
}

fn person(caller: &Caller) -> ApiResult<()> {
    if matches!(caller, Caller::Person(_)) {
        Ok(())
    } else {
        Err(ApiError::not_permitted())
    }
}

/// One project and one repository level at most; the repository level may not be below the project level; tokens of a
/// repository take repository levels only.
pub(in crate::datacenter) fn problems(
    owner: TokenOwner,
    name: &str,
    permissions: &[String],
) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if name.is_empty() || name.chars().count() > 255 {
        wrong.push((
            "name",
            "The name must be between 1 and 255 characters.".to_owned(),
        ));
    }
    let repository: Vec<Permission> = permissions
        .iter()
        .filter_map(|name| repository_level(name))
        .collect();
    let project: Vec<Permission> = permissions
        .iter()
        .filter_map(|name| project_level(name))
        .collect();
    let repository_token = matches!(owner, TokenOwner::Repository(_));
    let known = repository.len() + project.len() == permissions.len();
    let single = repository.len() <= 1 && project.len() <= 1;
    let ordered = match (repository.first(), project.first()) {
        (Some(repository), Some(project)) => repository >= project,
        _ => true,
    };
    if permissions.is_empty()
        || !known
        || !single
        || !ordered
        || (repository_token && !project.is_empty())
    {
        wrong.push((
            "permissions",
            "The permissions are missing, unknown or do not go together.".to_owned(),
        ));
    }
    wrong
}

/// Stores a token. A project's or repository's token gets a synthetic user to act as.
pub(in crate::datacenter) fn add_token(
    tables: &mut Tables,
    owner: TokenOwner,
    name: &str,
    permissions: Vec<String>,
    (now, expires_at): (jiff::Timestamp, Option<jiff::Timestamp>),
    prefix: &str,
) -> Result<AccessToken, NameTaken> {
    let id = TokenId(tables.next_id());
    let user = match owner {
        TokenOwner::User(user) => user,
        TokenOwner::Repository(_) | TokenOwner::Space(_) => {
            synthetic_user(tables, owner, id, name, now)?
        }
    };
    // The form of the real thing: digits of the id, a colon and random bytes, in base64; newer ones begin with a prefix.
    let mut bytes = format!("{:012}:", id.0).into_bytes();
    bytes.extend(random::bytes::<20>());
    let secret = format!("{prefix}{}", BASE64_STANDARD.encode(bytes));
    let token = AccessToken {
        id,
        secret,
        owner,
        user,
        name: name.to_owned(),
        permissions,
        created_at: now,
        expires_at,
    };
    tables.tokens.insert(id, token.clone());
    Ok(token)
}

fn synthetic_user(
    tables: &mut Tables,
    owner: TokenOwner,
    id: TokenId,
    name: &str,
    now: jiff::Timestamp,
) -> Result<UserId, NameTaken> {
    let account = match owner {
        TokenOwner::Repository(repository) => {
            format!("access-token-user/repository/{repository}/{id}")
        }
        TokenOwner::Space(space) => format!("access-token-user/project/{space}/{id}"),
        TokenOwner::User(user) => return Ok(user),
    };
    let user = tables.add_user(&account, name, "", "", now)?;
    if let Some(user) = tables.user_mut(user) {
        user.service = true;
    }
    Ok(user)
}

/// Makes a token of a user.
pub(in crate::datacenter) async fn create_of_user(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    Body(new): Body<NewToken>,
) -> ApiResult {
    server.create_token(server.tokens_of_user(&caller, &slug)?, new)
}

/// Tokens of a user.
pub(in crate::datacenter) async fn of_user(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(slug): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    server.list_tokens(server.tokens_of_user(&caller, &slug)?, &query)
}

/// Deletes a token of a user.
pub(in crate::datacenter) async fn delete_of_user(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((slug, id)): Path<(String, String)>,
) -> ApiResult {
    server.delete_token(server.tokens_of_user(&caller, &slug)?, &id)
}

/// Makes a token of a project.
pub(in crate::datacenter) async fn create_of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Body(new): Body<NewToken>,
) -> ApiResult {
    server.create_token(server.tokens_of_project(&caller, &key)?, new)
}

/// Tokens of a project.
pub(in crate::datacenter) async fn of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    server.list_tokens(server.tokens_of_project(&caller, &key)?, &query)
}

/// Deletes a token of a project.
pub(in crate::datacenter) async fn delete_of_project(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, id)): Path<(String, String)>,
) -> ApiResult {
    server.delete_token(server.tokens_of_project(&caller, &key)?, &id)
}

/// Makes a token of a repository.
pub(in crate::datacenter) async fn create_of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Body(new): Body<NewToken>,
) -> ApiResult {
    server.create_token(server.tokens_of_repository(&caller, &key, &slug)?, new)
}

/// Tokens of a repository.
pub(in crate::datacenter) async fn of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> ApiResult {
    server.list_tokens(server.tokens_of_repository(&caller, &key, &slug)?, &query)
}

/// Deletes a token of a repository.
pub(in crate::datacenter) async fn delete_of_repository(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, String)>,
) -> ApiResult {
    server.delete_token(server.tokens_of_repository(&caller, &key, &slug)?, &id)
}
