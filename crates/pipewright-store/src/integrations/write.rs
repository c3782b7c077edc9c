//! Making, changing and ending integrations.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, UserId};
use sqlx::types::Json;

use super::row::{CloneVia, IntegrationKind, IntegrationState, KeyCheck, KeyPair};
use crate::db::Tx;
use crate::error::StoreError;

statements! {
    INSERT = same(
        "INSERT INTO integrations (id, account_id, kind, base_url, state, remote_user_id, remote_user_name, workspaces,
             product_version, capabilities, features, clone_via, ssh_host, ssh_port, ssh_public_key, ssh_fingerprint,
             ssh_private_key_sealed, ssh_key_made_at, known_hosts, host_key_fingerprint, key_check, connected_by,
             connected_at)
         VALUES ($1, $2, $3, $4, 'connected', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'unknown',
             $20, $21)"
    );
    RECONNECT = same(
        "UPDATE integrations SET state = 'connected', state_reason = NULL, remote_user_id = $2, remote_user_name = $3,
             workspaces = $4, product_version = $5, capabilities = $6, features = $7, ssh_host = $8, ssh_port = $9,
             ssh_public_key = $10, ssh_fingerprint = $11, ssh_private_key_sealed = $12, ssh_key_made_at = $13,
             posted_key_id = $14, connected_by = $15, connected_at = $16
         WHERE id = $1"
    );
    SET_STATE = same("UPDATE integrations SET state = $2, state_reason = $3 WHERE id = $1 AND state <> 'disconnected'");
    SET_CLONE_VIA = same("UPDATE integrations SET clone_via = $2 WHERE id = $1");
    SET_KEY_CHECK = same("UPDATE integrations SET key_check = $2, key_check_message = $3, key_checked_at = $4 WHERE id = $1");
    SET_POSTED_KEY = same("UPDATE integrations SET posted_key_id = $2 WHERE id = $1");
    PIN = same(
        "UPDATE integrations SET known_hosts = $2, host_key_fingerprint = $3, host_key_offered = NULL, host_key_offered_hosts = NULL
         WHERE id = $1 AND known_hosts IS NULL"
    );
    OFFER = same("UPDATE integrations SET host_key_offered = $2, host_key_offered_hosts = $3 WHERE id = $1");
    ACCEPT = same(
        "UPDATE integrations SET known_hosts = host_key_offered_hosts, host_key_fingerprint = host_key_offered,
             host_key_offered = NULL, host_key_offered_hosts = NULL, key_check = 'unknown', key_check_message = NULL, key_checked_at = NULL
         WHERE id = $1 AND host_key_offered = $2"
    );
    DISCONNECT = same(
        "UPDATE integrations SET state = 'disconnected', state_reason = NULL, ssh_private_key_sealed = NULL, posted_key_id = NULL,
             key_check = 'unknown', key_check_message = NULL, key_checked_at = NULL
         WHERE id = $1"
    );
    REMOVE_CREDENTIALS = same("DELETE FROM credentials WHERE integration_id = $1");
}

/// Who we are at that Bitbucket and what it says of itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What never changes of the Bitbucket user.
    pub user_id: String,
    /// What people call that user.
    pub user_name: String,
    /// Keys of the workspaces or projects it sees.
    pub workspaces: Vec<String>,
    /// The version of a Bitbucket Server or Data Center.
    pub product_version: Option<String>,
    /// What that server can do, by the names it gives.
    pub capabilities: Vec<String>,
    /// The host of git over SSH.
    pub ssh_host: String,
    /// Its port.
    pub ssh_port: u16,
    /// What was switched on by choice.
    pub features: Vec<String>,
}

/// A host key that is trusted: its fingerprint and its `known_hosts` lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Lines as OpenSSH keeps them.
    pub lines: String,
}

/// An integration to be made.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    /// Its id, which the private key is sealed for.
    pub id: IntegrationId,
    /// Its owner.
    pub account: AccountId,
    /// Which product.
    pub kind: IntegrationKind,
    /// The address of its pages, without a slash at its end.
    pub base_url: String,
    /// Who we are there.
    pub identity: Identity,
    /// The key that builds are cloned with.
    pub key: KeyPair,
    /// Which address builds are cloned from.
    pub clone_via: CloneVia,
    /// The host key that is trusted from the start.
    pub host_key: Option<HostKey>,
    /// Who connects it.
    pub connected_by: UserId,
    /// The present moment.
    pub now: Timestamp,
}

/// Makes an integration. The unique index refuses a second one with the same Bitbucket.
pub async fn insert(tx: &mut Tx, new: &NewIntegration) -> Result<(), StoreError> {
    let identity = &new.identity;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.account.as_uuid())
        .bind(new.kind.as_str())
        .bind(&new.base_url)
        .bind(&identity.user_id)
        .bind(&identity.user_name)
        .bind(Json(&identity.workspaces))
        .bind(&identity.product_version)
        .bind(Json(&identity.capabilities))
        .bind(Json(&identity.features))
        .bind(new.clone_via.as_str())
        .bind(&identity.ssh_host)
        .bind(i64::from(identity.ssh_port))
        .bind(&new.key.public)
        .bind(&new.key.fingerprint)
        .bind(
            new.key
                .private_sealed
                .as_ref()
                .map(|sealed| sealed.as_bytes().to_vec())
        )
        .bind(new.key.made_at.as_micros())
        .bind(new.host_key.as_ref().map(|host_key| host_key.lines.clone()))
        .bind(
            new.host_key
                .as_ref()
                .map(|host_key| host_key.fingerprint.clone())
        )
        .bind(new.connected_by.as_uuid())
        .bind(new.now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Connects an existing integration again: its id stays, and so does whatever key is given back here.
pub async fn reconnect(
    tx: &mut Tx,
    id: IntegrationId,
    identity: &Identity,
    key: &KeyPair,
    connected_by: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = within!(tx, RECONNECT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(&identity.user_id)
        .bind(&identity.user_name)
        .bind(Json(&identity.workspaces))
        .bind(&identity.product_version)
        .bind(Json(&identity.capabilities))
        .bind(Json(&identity.features))
        .bind(&identity.ssh_host)
        .bind(i64::from(identity.ssh_port))
        .bind(&key.public)
        .bind(&key.fingerprint)
        .bind(
            key.private_sealed
                .as_ref()
                .map(|sealed| sealed.as_bytes().to_vec())
        )
        .bind(key.made_at.as_micros())
        .bind(&key.posted_id)
        .bind(connected_by.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Says whether the integration can be used. A disconnected one stays disconnected. True where something was changed.
pub async fn set_state(
    tx: &mut Tx,
    id: IntegrationId,
    state: IntegrationState,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    let rows = within!(tx, SET_STATE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(state.as_str())
        .bind(reason)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Says which address builds are cloned from.
pub async fn set_clone_via(
    tx: &mut Tx,
    id: IntegrationId,
    clone_via: CloneVia,
) -> Result<(), StoreError> {
    let rows = within!(tx, SET_CLONE_VIA, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(clone_via.as_str())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Keeps what a check of the SSH key found.
pub async fn set_key_check(
    tx: &mut Tx,
    id: IntegrationId,
    found: KeyCheck,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = within!(tx, SET_KEY_CHECK, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(found.as_str())
        .bind(message)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Remembers Bitbucket's id of the key that we put on the user's account, or that it is no longer there.
pub async fn set_posted_key(
    tx: &mut Tx,
    id: IntegrationId,
    posted: Option<&str>,
) -> Result<(), StoreError> {
    let rows = within!(tx, SET_POSTED_KEY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(posted)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Trusts a host key on first contact. False where one is pinned already, which then stays.
pub async fn pin_host_key(
    tx: &mut Tx,
    id: IntegrationId,
    host_key: &HostKey,
) -> Result<bool, StoreError> {
    let rows = within!(tx, PIN, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(&host_key.lines)
        .bind(&host_key.fingerprint)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Keeps another host key that was shown, until a person accepts it; `None` forgets it.
pub async fn offer_host_key(
    tx: &mut Tx,
    id: IntegrationId,
    offered: Option<&HostKey>,
) -> Result<(), StoreError> {
    let rows = within!(tx, OFFER, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(offered.map(|host_key| host_key.fingerprint.clone()))
        .bind(offered.map(|host_key| host_key.lines.clone()))
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Trusts the offered host key from now on. `fingerprint` is what the person saw: false where another is offered by now.
pub async fn accept_host_key(
    tx: &mut Tx,
    id: IntegrationId,
    fingerprint: &str,
) -> Result<bool, StoreError> {
    let rows = within!(tx, ACCEPT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(fingerprint)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Ends the connection: every secret of it goes, the row and what was built stay.
pub async fn disconnect(tx: &mut Tx, id: IntegrationId) -> Result<(), StoreError> {
    within!(tx, REMOVE_CREDENTIALS, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    let rows = within!(tx, DISCONNECT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

fn expect_one(rows: u64, id: IntegrationId) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "integrations",
            key: id.to_string(),
        })
    }
}
