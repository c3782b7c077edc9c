//! The integration as the rest of Pipewright sees it, and how its row is read.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId, UserId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::vault::Sealed;

words! {
    /// Which product is at the other end.
    IntegrationKind, "kind of integration" {
        /// Bitbucket Cloud.
        Cloud = "cloud",
        /// Bitbucket Server or Data Center.
        DataCenter = "datacenter",
    }
}

words! {
    /// Whether it can be used.
    IntegrationState, "state of an integration" {
        /// It works as far as we know.
        Connected = "connected",
        /// Bitbucket no longer accepts the credential; a person must connect again.
        Reconnect = "reconnect",
        /// A person disconnected it; no secret is left.
        Disconnected = "disconnected",
    }
}

words! {
    /// Which address builds are cloned from.
    CloneVia, "way to clone" {
        /// With the integration's SSH key.
        Ssh = "ssh",
        /// With the credential, over HTTPS.
        Https = "https",
    }
}

words! {
    /// What the last check of the SSH key found.
    KeyCheck, "result of a key check" {
        /// Not checked yet.
        Unknown = "unknown",
        /// Bitbucket accepts the key.
        Accepted = "accepted",
        /// Bitbucket does not know the key (yet).
        NotAdded = "not_added",
        /// The host showed another host key than the pinned one; nothing was sent to it.
        HostKeyChanged = "host_key_changed",
        /// There was no SSH conversation at all.
        Unreachable = "unreachable",
    }
}

/// The key that builds are cloned with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The public half, one line in OpenSSH's form.
    pub public: String,
    /// `SHA256:…` of the public half.
    pub fingerprint: String,
    /// The private half, sealed for `integrations.ssh_private_key:<id>`. None once disconnected.
    pub private_sealed: Option<Sealed>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Bitbucket's id of it, where we put it on the user's account ourselves.
    pub posted_id: Option<String>,
}

/// An account's connection to one Bitbucket.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Its owner.
    pub account: AccountId,
    /// Which product.
    pub kind: IntegrationKind,
    /// The address of its pages with the context path, without a slash at its end.
    pub base_url: String,
    /// Whether it can be used.
    pub state: IntegrationState,
    /// Why it cannot, as one sentence.
    pub state_reason: Option<String>,
    /// What never changes of the Bitbucket user.
    pub remote_user_id: String,
    /// What people call that user.
    pub remote_user_name: String,
    /// Keys of the workspaces or projects it sees, sorted.
    pub workspaces: Vec<String>,
    /// The version of a Bitbucket Server or Data Center.
    pub product_version: Option<String>,
    /// What that server can do, by the names it gives.
    pub capabilities: Vec<String>,
    /// What was switched on by choice, by stable words.
    pub features: Vec<String>,
    /// Which address builds are cloned from.
    pub clone_via: CloneVia,
    /// The host of git over SSH.
    pub ssh_host: String,
    /// Its port.
    pub ssh_port: u16,
    /// The key that builds are cloned with.
    pub key: KeyPair,
    /// `known_hosts` lines of the pinned host key; none before first contact.
    pub known_hosts: Option<String>,
    /// The pinned host key's fingerprint.
    pub host_key_fingerprint: Option<String>,
    /// The fingerprint and `known_hosts` lines of another host key that was shown and waits for a person.
    pub host_key_offered: Option<(String, String)>,
    /// What the last check of the SSH key found.
    pub key_check: KeyCheck,
    /// A sentence about it.
    pub key_check_message: Option<String>,
    /// When it was.
    pub key_checked_at: Option<Timestamp>,
    /// Who connected it.
    pub connected_by: Option<UserId>,
    /// When it was connected, last.
    pub connected_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    account_id: Uuid,
    #[sqlx(try_from = "String")]
    kind: IntegrationKind,
    base_url: String,
    #[sqlx(try_from = "String")]
    state: IntegrationState,
    state_reason: Option<String>,
    remote_user_id: String,
    remote_user_name: String,
    #[sqlx(json)]
    workspaces: Vec<String>,
    product_version: Option<String>,
    #[sqlx(json)]
    capabilities: Vec<String>,
    #[sqlx(json)]
    features: Vec<String>,
    #[sqlx(try_from = "String")]
    clone_via: CloneVia,
    ssh_host: String,
    ssh_port: i64,
    ssh_public_key: String,
    ssh_fingerprint: String,
    ssh_private_key_sealed: Option<Vec<u8>>,
    ssh_key_made_at: i64,
    posted_key_id: Option<String>,
    known_hosts: Option<String>,
    host_key_fingerprint: Option<String>,
    host_key_offered: Option<String>,
    host_key_offered_hosts: Option<String>,
    #[sqlx(try_from = "String")]
    key_check: KeyCheck,
    key_check_message: Option<String>,
    key_checked_at: Option<i64>,
    connected_by: Option<Uuid>,
    connected_at: i64,
}

impl TryFrom<Row> for Integration {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let inconsistent = |what: &str| StoreError::Inconsistent {
            table: "integrations",
            key: row.id.to_string(),
            what: what.to_owned(),
        };
        let ssh_port =
            u16::try_from(row.ssh_port).map_err(|_| inconsistent("its SSH port is not a port"))?;
        if row.ssh_private_key_sealed.is_some() && row.state == IntegrationState::Disconnected {
            return Err(inconsistent(
                "it is disconnected and still holds a private key",
            ));
        }
        let host_key_offered = match (row.host_key_offered, row.host_key_offered_hosts) {
            (Some(fingerprint), Some(lines)) => Some((fingerprint, lines)),
            (None, None) => None,
            _ => return Err(inconsistent("half a host key is offered")),
        };
        Ok(Self {
            id: IntegrationId::from_uuid(row.id),
            account: AccountId::from_uuid(row.account_id),
            kind: row.kind,
            base_url: row.base_url,
            state: row.state,
            state_reason: row.state_reason,
            remote_user_id: row.remote_user_id,
            remote_user_name: row.remote_user_name,
            workspaces: row.workspaces,
            product_version: row.product_version,
            capabilities: row.capabilities,
            features: row.features,
            clone_via: row.clone_via,
            ssh_host: row.ssh_host,
            ssh_port,
            key: KeyPair {
                public: row.ssh_public_key,
                fingerprint: row.ssh_fingerprint,
                private_sealed: row.ssh_private_key_sealed.map(Sealed::from),
                made_at: Timestamp::from_micros(row.ssh_key_made_at),
                posted_id: row.posted_key_id,
            },
            known_hosts: row.known_hosts,
            host_key_fingerprint: row.host_key_fingerprint,
            host_key_offered,
            key_check: row.key_check,
            key_check_message: row.key_check_message,
            key_checked_at: row.key_checked_at.map(Timestamp::from_micros),
            connected_by: row.connected_by.map(UserId::from_uuid),
            connected_at: Timestamp::from_micros(row.connected_at),
        })
    }
}
