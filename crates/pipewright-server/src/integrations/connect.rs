//! Keeping a connection that was just proved to work: integration, credential and SSH key in one transaction.
//!
//! Connecting again keeps the integration's id and key, so that applications go on and nobody has to paste a key anew.
//! Only a disconnected one gets a new key, because the old one was destroyed.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, CredentialId, IntegrationId, UserId};
use pipewright_git::ssh::{SshKeyError, SshKeyPair};
use pipewright_store::credentials::{self, NewCredential};
use pipewright_store::integrations::{
    self, CloneVia, HostKey, Identity, IntegrationKind, KeyPair, NewIntegration,
};
use pipewright_store::{StoreError, Tx, listings, statuses};

use crate::access::{Parts, seal_private_key};
use crate::app::App;

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

/// For whom it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The account.
    pub(super) account: AccountId,
    /// Its name in addresses, which ends the public key's line.
    pub(super) slug: &'a str,
    /// Who connects it.
    pub(super) user: UserId,
}

/// A connection could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] SshKeyError),
}

/// Keeps the connection; gives its id and whether it was there before.
pub(super) async fn keep(
    app: &App,
    tx: &mut Tx,
    owner: Owner<'_>,
    proved: &Proved,
) -> Result<(IntegrationId, bool), KeepError> {
    let now = app.clock.now();
    let known = integrations::find_at(tx, owner.account, proved.kind, &proved.base_url).await?;
    let again = known.is_some();
    let id = if let Some(known) = known {
        let key = if known.key.private_sealed.is_some() {
            known.key
        } else {
            new_key(app, known.id, owner.slug, now)?
        };
        integrations::reconnect(tx, known.id, &proved.identity, &key, owner.user, now).await?;
        known.id
    } else {
        let id = IntegrationId::new();
        let new = NewIntegration {
            id,
            account: owner.account,
            kind: proved.kind,
            base_url: proved.base_url.clone(),
            identity: proved.identity.clone(),
            key: new_key(app, id, owner.slug, now)?,
            clone_via: proved.clone_via,
            host_key: proved.host_key.clone(),
            connected_by: owner.user,
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
    Ok((id, again))
}

fn new_key(
    app: &App,
    id: IntegrationId,
    slug: &str,
    now: Timestamp,
) -> Result<KeyPair, SshKeyError> {
    let pair = SshKeyPair::generate(&format!("pipewright {slug}"))?;
    Ok(KeyPair {
        public: pair.public_line,
        fingerprint: pair.fingerprint,
        private_sealed: Some(seal_private_key(&app.vault, id, &pair.private_key)),
        made_at: now,
        posted_id: None,
    })
}
