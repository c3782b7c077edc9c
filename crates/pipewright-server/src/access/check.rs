//! "Does Bitbucket accept this key?": a real SSH handshake, and what is kept of it.
//!
//! The first host key shown is trusted and pinned; a different one is refused, kept as an offer, and named with both
//! fingerprints until a person accepts it.

use pipewright_core::ids::IntegrationId;
use pipewright_git::ssh::{HostKeys, KeyCheck as Seen, SshTarget};
use pipewright_store::integrations::{self, HostKey, Integration, KeyCheck};

use super::secrets::open_private_key;
use super::unavailable::IntegrationUnavailable;
use super::usable::usable;
use crate::app::App;

/// What a check of the key found, with its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    /// The word for it.
    pub(crate) found: KeyCheck,
    /// What it means and what to do next; none where all is well.
    pub(crate) message: Option<String>,
}

/// Checks the integration's key and keeps what was found.
pub(crate) async fn check_key(
    app: &App,
    id: IntegrationId,
) -> Result<Checked, IntegrationUnavailable> {
    let integration = usable(app, id).await?;
    let (checked, host_key, offered) = handshake(app, &integration).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if let Some(host_key) = &host_key {
        integrations::pin_host_key(&mut tx, id, host_key).await?;
    }
    // A host that shows the pinned key again has taken its offer back.
    if offered.is_some() || matches!(checked.found, KeyCheck::Accepted | KeyCheck::NotAdded) {
        integrations::offer_host_key(&mut tx, id, offered.as_ref()).await?;
    }
    integrations::set_key_check(&mut tx, id, checked.found, checked.message.as_deref(), now)
        .await?;
    tx.commit().await?;
    Ok(checked)
}

/// The `known_hosts` lines of a host that was never spoken to.
pub(super) async fn first_contact(
    app: &App,
    integration: &Integration,
) -> Result<String, IntegrationUnavailable> {
    let checked = check_key(app, integration.id).await?;
    let found = integrations::get(&app.db, integration.id)
        .await?
        .ok_or(IntegrationUnavailable::Missing(integration.id))?;
    found.known_hosts.ok_or_else(|| {
        IntegrationUnavailable::Later(
            checked
                .message
                .unwrap_or_else(|| "the SSH host shows no host key; it is tried again".to_owned()),
        )
    })
}

type Outcome = (Checked, Option<HostKey>, Option<HostKey>);

/// Speaks to the host: what was found, the host key to pin at first contact, and another one that was shown.
async fn handshake(
    app: &App,
    integration: &Integration,
) -> Result<Outcome, IntegrationUnavailable> {
    let sealed = integration
        .key
        .private_sealed
        .as_ref()
        .ok_or_else(|| IntegrationUnavailable::Disconnected(integration.base_url.clone()))?;
    let private_key = open_private_key(&app.vault, integration.id, sealed)?;
    app.http
        .outgoing()
        .judge(&integration.ssh_host, integration.ssh_port)
        .await?;
    let target = SshTarget {
        user: "git".to_owned(),
        host: integration.ssh_host.clone(),
        port: integration.ssh_port,
    };
    let ssh = app.mirrors.git().ssh();
    let pinned = integration.known_hosts.as_deref();
    let seen = ssh
        .check(&target, &private_key, pinned)
        .await
        .map_err(|error| IntegrationUnavailable::Later(error.to_string()))?;
    let at = format!("{}:{}", integration.ssh_host, integration.ssh_port);
    let of = |found, message: Option<String>| Checked { found, message };
    Ok(match seen {
        Seen::Accepted { host_keys, .. } => (
            of(KeyCheck::Accepted, None),
            first_key(pinned, &host_keys),
            None,
        ),
        Seen::NotAdded { host_keys, .. } => {
            let message = format!(
                "{at} does not accept the key yet. Copy it, add it there, then press Check now."
            );
            (
                of(KeyCheck::NotAdded, Some(message)),
                first_key(pinned, &host_keys),
                None,
            )
        }
        Seen::HostKeyChanged { expected, got } => {
            let unknown = || "a key of another kind".to_owned();
            let (expected, got) = (
                expected.unwrap_or_else(unknown),
                got.unwrap_or_else(unknown),
            );
            let message = format!(
                "{at} shows another host key than before: {got} instead of {expected}. Nothing was sent to it. Ask its administrator \
                 whether the key was changed on purpose, and trust the new one only then."
            );
            // What it offers is asked for again without a pin, so that it can be pinned once a person accepts it.
            let again = ssh
                .check(&target, &private_key_of_nobody()?, None)
                .await
                .ok();
            let offered = again.and_then(|seen| match seen {
                Seen::Accepted { host_keys, .. } | Seen::NotAdded { host_keys, .. } => {
                    first_key(None, &host_keys)
                }
                _ => None,
            });
            (of(KeyCheck::HostKeyChanged, Some(message)), None, offered)
        }
        Seen::Refused => (
            of(
                KeyCheck::Unreachable,
                Some(format!(
                    "Nothing listens at {at}: check the SSH port and any firewall."
                )),
            ),
            None,
            None,
        ),
        Seen::UnknownHost => (
            of(
                KeyCheck::Unreachable,
                Some(format!(
                    "The SSH host {} is not known to this machine's name servers.",
                    integration.ssh_host
                )),
            ),
            None,
            None,
        ),
        Seen::NotSsh => (
            of(
                KeyCheck::Unreachable,
                Some(format!(
                    "The service at {at} is not an SSH server: check the SSH port."
                )),
            ),
            None,
            None,
        ),
        Seen::Timeout => (
            of(
                KeyCheck::Unreachable,
                Some(format!(
                    "{at} does not respond: check the SSH port and any firewall."
                )),
            ),
            None,
            None,
        ),
        Seen::Other { detail } => (
            of(
                KeyCheck::Unreachable,
                Some(format!("The SSH conversation with {at} failed: {detail}")),
            ),
            None,
            None,
        ),
    })
}

/// A key that is good for nothing, to look at a host that is not trusted.
fn private_key_of_nobody() -> Result<pipewright_core::Secret, IntegrationUnavailable> {
    pipewright_git::ssh::SshKeyPair::generate("nobody")
        .map(|key| key.private_key)
        .map_err(|error| IntegrationUnavailable::Later(error.to_string()))
}

/// The host key to pin at first contact.
fn first_key(pinned: Option<&str>, host_keys: &HostKeys) -> Option<HostKey> {
    if pinned.is_some() || host_keys.is_empty() {
        return None;
    }
    let fingerprint = host_keys.fingerprints().into_iter().next()?;
    Some(HostKey {
        fingerprint,
        lines: host_keys.text(),
    })
}
