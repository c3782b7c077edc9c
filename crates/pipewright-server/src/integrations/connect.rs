//! Keeping a connection that was just proved to work: integration, credential and SSH key in one transaction.
//!
//! Connecting again keeps the integration's id and key, so that applications go on and nobody has to paste a key anew.
//! Only a disconnected one gets a new key, because the old one was destroyed.

use pipewright_core::Timestamp;
use pipewright_core::ids::{CredentialId, IntegrationId, UserId};
use pipewright_git::ssh::{SshKeyError, SshKeyPair};
use pipewright_store::credentials::{self, NewCredential};
use pipewright_store::integrations::{
    self, CloneVia, HostKey, Identity, IntegrationKind, KeyPair, NewIntegration,
};
use pipewright_store::{StoreError, Tx, accounts, listings, statuses};

use crate::access::{Parts, seal_private_key};
use crate::app::App;
use crate::ground::{Actor, Denied};

/// A connection that works.
#[derive(Debug)]
pub(super) struct Proved {
    /// Which product.
    pub(super) kind: IntegrationKind,
    /// The address of its pages, without a slash at its end.
    pub(super) base_url: String,
    /// Who we are there.
    pub(super) identity: Identity,
    /// Which address builds are cloned from, for a new integration.
    pub(super) clone_via: CloneVia,
    /// The host key to trust, for a new integration.
    pub(super) host_key: Option<HostKey>,
    /// What authenticates.
    pub(super) parts: Parts,
    /// The scopes that Bitbucket granted.
    pub(super) scopes: Vec<String>,
    /// When it runs out.
    pub(super) expires_at: Option<Timestamp>,
}

/// Refuses whoever may not connect a Bitbucket, and gives the user whose connection it will be.
pub(super) fn connecting_user(actor: &Actor) -> Result<UserId, Denied> {
    actor.require_connecting()?;
    actor
        .user
        .ok_or_else(|| Denied("Only a user can connect a Bitbucket.".to_owned()))
}

/// A connection could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] SshKeyError),
}

/// Keeps the connection of the actor's account, with its line of history; gives its id.
pub(super) async fn keep(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    proved: &Proved,
    detail: serde_json::Value,
) -> Result<IntegrationId, KeepError> {
    let user = connecting_user(actor)?;
    let now = app.clock.now();
    let known = integrations::find_at(tx, actor.account, proved.kind, &proved.base_url).await?;
    let action = match known {
        Some(_) => "integration.reconnected",
        None => "integration.connected",
    };
    let id = if let Some(known) = known {
        let key = if known.key.private_sealed.is_some() {
            known.key
        } else {
            new_key(app, actor, known.id).await?
        };
        integrations::reconnect(tx, known.id, &proved.identity, &key, user, now).await?;
        known.id
    } else {
        let id = IntegrationId::new();
        let new = NewIntegration {
            id,
            account: actor.account,
            kind: proved.kind,
            base_url: proved.base_url.clone(),
            identity: proved.identity.clone(),
            key: new_key(app, actor, id).await?,
            clone_via: proved.clone_via,
            host_key: proved.host_key.clone(),
            connected_by: user,
            now,
        };
        integrations::insert(tx, &new).await?;
        id
    };
    let credential = CredentialId::new();
    let new = NewCredential {
        id: credential,
        integration: id,
        kind: proved.parts.kind(),
        secret: proved.parts.seal(&app.vault, credential),
        scopes: proved.scopes.clone(),
        expires_at: proved.expires_at,
    };
    credentials::replace(tx, &new, now).await?;
    listings::want(tx, id, now).await?;
    // Statuses that waited for somebody to connect again go out now, not when their pause is over.
    statuses::let_go(tx, id, now).await?;
    actor.record(tx, action, &proved.base_url, detail).await?;
    Ok(id)
}

/// A key for an integration; its line ends with the account's name in addresses, so that people find it in their lists.
async fn new_key(app: &App, actor: &Actor, id: IntegrationId) -> Result<KeyPair, KeepError> {
    let account = accounts::by_id(&app.db, actor.account).await?;
    let slug = account.map_or_else(String::new, |account| account.slug);
    let pair = SshKeyPair::generate(format!("pipewright {slug}").trim_end())?;
    Ok(KeyPair {
        public: pair.public_line,
        fingerprint: pair.fingerprint,
        private_sealed: Some(seal_private_key(&app.vault, id, &pair.private_key)),
        made_at: app.clock.now(),
        posted_id: None,
    })
}
