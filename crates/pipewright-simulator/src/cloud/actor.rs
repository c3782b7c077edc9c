//! Driving the simulated Cloud from a test.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;

use super::oauth::{NewConsumer, TokenGeneration};
use super::server::CloudServer;
use super::settings::CloudSettings;
use crate::actions::ActionError;
use crate::installation::Installation;
use crate::state::{AccessToken, SpaceId, TokenId, TokenOwner};

/// The simulated Cloud. What both products can do (commit, push, open a pull request, look at deliveries) is on
/// [`Installation`], which this dereferences to; what only Cloud has is here.
#[derive(Debug, Clone)]
pub struct Cloud {
    server: Arc<CloudServer>,
}

impl Deref for Cloud {
    type Target = Arc<Installation>;

    fn deref(&self) -> &Self::Target {
        &self.server.installation
    }
}

impl Cloud {
    pub(crate) fn new(server: Arc<CloudServer>) -> Self {
        Self { server }
    }

    /// Adds a workspace.
    pub fn add_workspace(&self, slug: &str, name: &str) -> Result<SpaceId, ActionError> {
        self.add_space(slug, name, None)
    }

    /// Adds a user's personal workspace.
    pub fn add_personal_workspace(&self, slug: &str, user: &str) -> Result<SpaceId, ActionError> {
        let name = self.read(|tables| {
            tables
                .user_by_name(user)
                .map(|user| user.display_name.clone())
        });
        self.add_space(slug, &name.unwrap_or_default(), Some(user))
    }

    /// Adds an OAuth consumer to a workspace, public (not for client credentials), and returns its key and secret.
    pub fn add_oauth_consumer(
        &self,
        workspace: &str,
        name: &str,
        callback_url: &str,
        scopes: &[&str],
    ) -> Result<(String, String), ActionError> {
        self.new_consumer(workspace, name, callback_url, scopes, false)
    }

    /// Adds an OAuth consumer that may use client credentials, and returns its key and secret.
    pub fn add_private_oauth_consumer(
        &self,
        workspace: &str,
        name: &str,
        callback_url: &str,
        scopes: &[&str],
    ) -> Result<(String, String), ActionError> {
        self.new_consumer(workspace, name, callback_url, scopes, true)
    }

    fn new_consumer(
        &self,
        workspace: &str,
        name: &str,
        callback_url: &str,
        scopes: &[&str],
        private: bool,
    ) -> Result<(String, String), ActionError> {
        let consumer = self.server.oauth().add_consumer(NewConsumer {
            workspace: self.space_id(workspace)?,
            name: name.to_owned(),
            callback_url: callback_url.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            private,
        });
        Ok((consumer.key, consumer.secret))
    }

    /// Changes a consumer's callback URL. Says whether there is such a consumer.
    pub fn set_oauth_callback(&self, key: &str, callback_url: &str) -> bool {
        let mut oauth = self.server.oauth();
        let consumer = oauth.consumer_mut(key);
        consumer
            .map(|consumer| callback_url.clone_into(&mut consumer.callback_url))
            .is_some()
    }

    /// Deletes a consumer and everything it was granted. Says whether there was one.
    pub fn delete_oauth_consumer(&self, key: &str) -> bool {
        self.server.oauth().remove_consumer(key)
    }

    /// Takes back what a user granted to a consumer (by key): its tokens stop working at once. Says whether there was a
    /// grant.
    pub fn revoke_grant(&self, user: &str, consumer: &str) -> Result<bool, ActionError> {
        let user = self.user_id(user)?;
        Ok(self.server.oauth().revoke_grant(user, consumer))
    }

    /// What a user has granted: scopes by consumer key.
    pub fn grants(&self, user: &str) -> Result<BTreeMap<String, Vec<String>>, ActionError> {
        let user = self.user_id(user)?;
        let oauth = self.server.oauth();
        let grants = oauth.grants_of(user).into_iter();
        Ok(grants
            .map(|(consumer, scopes)| (consumer.key.clone(), scopes.iter().cloned().collect()))
            .collect())
    }

    /// Decides which generation of token answers consumers made from now on get.
    pub fn set_token_generation(&self, generation: TokenGeneration) {
        self.server.oauth().set_generation(generation);
    }

    /// Makes an API token of a user and returns it. Scopes are written `read:repository:bitbucket`.
    pub fn add_api_token(
        &self,
        user: &str,
        scopes: &[&str],
        expires_at: Option<Timestamp>,
    ) -> Result<String, ActionError> {
        let user = self.user_id(user)?;
        Ok(self.add_token(
            TokenOwner::User(user),
            user,
            "API token",
            scopes,
            expires_at,
        ))
    }

    /// Makes an access token of a repository (`space/slug`) or of a workspace (`space`), with a bot of its own, and
    /// returns it. Scopes are OAuth's: `repository:write`.
    pub fn add_access_token(&self, of: &str, scopes: &[&str]) -> Result<String, ActionError> {
        let (owner, space) = if of.contains('/') {
            let id = self.repository_id(of)?;
            let space =
                self.read(|tables| tables.repository(id).map(|repository| repository.space));
            (
                TokenOwner::Repository(id),
                space.ok_or_else(|| ActionError::UnknownRepository(of.to_owned()))?,
            )
        } else {
            let id = self.space_id(of)?;
            (TokenOwner::Space(id), id)
        };
        let bot = crate::random::text(12).to_lowercase();
        let user = self.add_user(
            &bot,
            "Access token",
            &format!("{bot}@bots.bitbucket.org"),
            &crate::random::text(40),
        )?;
        self.write(|tables| {
            if let Some(user) = tables.user_mut(user) {
                user.service = true;
            }
            if let Some(space) = tables.space_mut(space) {
                // What the bot may do is narrowed by the token's scopes and reach.
                space.members.insert(user, crate::state::Permission::Admin);
            }
        });
        Ok(self.add_token(owner, user, "access token", scopes, None))
    }

    fn add_token(
        &self,
        owner: TokenOwner,
        user: crate::state::UserId,
        name: &str,
        scopes: &[&str],
        expires_at: Option<Timestamp>,
    ) -> String {
        let secret = format!("ATATT3x{}", crate::random::text(180));
        let created_at = self.clock().now();
        self.write(|tables| {
            let id = TokenId(tables.next_id());
            let token = AccessToken {
                id,
                secret: secret.clone(),
                owner,
                user,
                name: name.to_owned(),
                permissions: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                created_at,
                expires_at,
            };
            tables.tokens.insert(id, token);
        });
        secret
    }

    /// The switches as they are.
    pub fn settings(&self) -> CloudSettings {
        self.server.settings().clone()
    }

    /// Changes the switches.
    pub fn set_settings(&self, settings: CloudSettings) {
        *self.server.settings() = settings;
    }
}
