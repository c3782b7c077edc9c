//! Who calls the API, with what credential, and whether that is enough.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};

use super::error::ApiError;
use super::oauth::TokenState;
use super::scopes::{closure, collapsed};
use super::server::{CloudServer, Found, find_repository, find_space};
use crate::state::{Permission, RepositoryId, SpaceId, TokenOwner, UserId};

/// Scopes that one call takes: all of `oauth`, or all of `api_token` (without `:bitbucket`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    pub(super) oauth: &'static [&'static str],
    pub(super) api_token: &'static [&'static str],
}

impl Need {
    pub(super) const fn new(
        oauth: &'static [&'static str],
        api_token: &'static [&'static str],
    ) -> Self {
        Self { oauth, api_token }
    }
}

/// How a caller has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credential {
    /// Not at all.
    None,
    /// With an OAuth access token; its scopes.
    Oauth(Vec<String>),
    /// With e-mail and API token; its scopes. They imply nothing.
    ApiToken(Vec<String>),
    /// With an access token of a repository or workspace; its scopes.
    AccessToken(TokenOwner, Vec<String>),
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) user: Option<UserId>,
    pub(super) credential: Credential,
}

impl FromRequestParts<Arc<CloudServer>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        server: &Arc<CloudServer>,
    ) -> Result<Self, Self::Rejection> {
        Self::of_headers(server, &parts.headers)
    }
}

impl Caller {
    /// Reads the `Authorization` header. A bad credential is an error even where none is needed.
    pub(super) fn of_headers(server: &CloudServer, headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Self {
                user: None,
                credential: Credential::None,
            });
        };
        let value = value.to_str().map_err(|_| ApiError::token_invalid())?;
        match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Self::of_bearer(server, token.trim())
            }
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
                let (name, password) = basic(pair).ok_or_else(ApiError::token_invalid)?;
                Self::of_email(server, &name, &password)
            }
            _ => Err(ApiError::token_invalid()),
        }
    }

    pub(super) fn of_bearer(server: &CloudServer, token: &str) -> Result<Self, ApiError> {
        let now = server.installation.clock().now();
        match server.oauth().access_token(token, now) {
            TokenState::Live(token) => {
                return Ok(Self {
                    user: Some(token.user),
                    credential: Credential::Oauth(token.scopes),
                });
            }
            TokenState::Expired => return Err(ApiError::token_expired()),
            TokenState::Unknown => {}
        }
        server.installation.read(|tables| {
            let token = tables
                .token_by_secret(token)
                .filter(|token| !matches!(token.owner, TokenOwner::User(_)));
            let token = token
                .filter(|token| token.expires_at.is_none_or(|expiry| now < expiry))
                .ok_or_else(ApiError::token_invalid)?;
            Ok(Self {
                user: Some(token.user),
                credential: Credential::AccessToken(token.owner, token.permissions.clone()),
            })
        })
    }

    /// API tokens go with the account's e-mail address on the API.
    fn of_email(server: &CloudServer, email: &str, secret: &str) -> Result<Self, ApiError> {
        let now = server.installation.clock().now();
        server.installation.read(|tables| {
            let user = tables
                .user_by_email(email)
                .filter(|user| user.active)
                .ok_or_else(ApiError::token_invalid)?;
            let token = tables
                .token_by_secret(secret)
                .filter(|token| token.owner == TokenOwner::User(user.id));
            let token = token
                .filter(|token| token.expires_at.is_none_or(|expiry| now < expiry))
                .ok_or_else(ApiError::token_invalid)?;
            Ok(Self {
                user: Some(user.id),
                credential: Credential::ApiToken(token.permissions.clone()),
            })
        })
    }

    /// The user, or 401.
    pub(super) fn user(&self) -> Result<UserId, ApiError> {
        self.user.ok_or_else(ApiError::unauthenticated)
    }

    /// Checks the scopes. Callers without a credential pass: whether they may is for the resource to say.
    pub(super) fn need(&self, need: Need) -> Result<(), ApiError> {
        let (granted, enough, required) = match &self.credential {
            Credential::None => return Ok(()),
            Credential::Oauth(scopes) | Credential::AccessToken(_, scopes) => {
                let all = closure(scopes);
                (
                    collapsed(scopes),
                    need.oauth.iter().all(|scope| all.contains(*scope)),
                    need.oauth,
                )
            }
            Credential::ApiToken(scopes) => {
                let has = |scope: &&str| {
                    scopes.iter().any(|granted| {
                        granted.strip_suffix(":bitbucket").unwrap_or(granted) == *scope
                    })
                };
                (
                    scopes.clone(),
                    need.api_token.iter().all(has),
                    need.api_token,
                )
            }
        };
        if enough {
            Ok(())
        } else {
            Err(ApiError::missing_scopes(required, &granted))
        }
    }

    /// A user and the scopes, or 401 or 403.
    pub(super) fn user_with(&self, need: Need) -> Result<UserId, ApiError> {
        let user = self.user()?;
        self.need(need)?;
        Ok(user)
    }

    /// Whether the credential reaches a repository at all: an access token knows nothing but what it belongs to, in lists too.
    pub(super) fn reaches(&self, repository: RepositoryId, space: SpaceId) -> bool {
        match &self.credential {
            Credential::AccessToken(TokenOwner::Repository(id), _) => *id == repository,
            Credential::AccessToken(TokenOwner::Space(id), _) => *id == space,
            _ => true,
        }
    }

    /// The repository a path names, if the caller may at least read it: scopes first, then 404 for what is hidden, then
    /// 403 for what is seen but not permitted.
    pub(super) fn repository(
        &self,
        server: &CloudServer,
        workspace: &str,
        slug: &str,
        need: Need,
        least: Permission,
    ) -> Result<Found, ApiError> {
        self.need(need)?;
        let found = server.installation.read(|tables| {
            let repository = find_repository(tables, workspace, slug)?;
            let permission = tables.permission(self.user, repository)?;
            Some(Found {
                id: repository.id,
                space: repository.space,
                full_name: tables.full_name(repository.id),
                permission,
            })
        });
        let found = found
            .filter(|found| self.reaches(found.id, found.space))
            .ok_or_else(|| ApiError::no_repository(workspace, slug))?;
        if found.permission < least {
            return Err(if self.user.is_none() {
                ApiError::unauthenticated()
            } else {
                ApiError::not_permitted()
            });
        }
        Ok(found)
    }

    /// The workspace a path names, if the caller is a member: its id, and whether the caller owns it.
    pub(super) fn workspace(
        &self,
        server: &CloudServer,
        workspace: &str,
        need: Need,
    ) -> Result<(SpaceId, bool), ApiError> {
        let user = self.user_with(need)?;
        let member = server.installation.read(|tables| {
            let space = find_space(tables, workspace)?;
            space
                .members
                .get(&user)
                .map(|permission| (space.id, *permission == Permission::Admin))
        });
        member.ok_or_else(|| {
            ApiError::not_found(&format!("No workspace with identifier '{workspace}'."))
        })
    }
}

/// Name and password of a Basic header's second word.
pub(super) fn basic(pair: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(pair.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
