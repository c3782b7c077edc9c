//! The hosts that steps know: asked for their key by this server, and confirmed by a person; or pasted.

use pipewright_core::Right;
use pipewright_core::ids::KnownHostId;
use pipewright_git::ssh::{HostKeys, KeyCheck, SshKeyPair, SshTarget};
use pipewright_store::application_ssh::{self, KnownHost, MOST_HOSTS};
use pipewright_store::applications::Application;
use serde_json::json;

use super::error::SetError;
use crate::app::App;
use crate::ground::{Actor, sentence};

/// The longest text of known hosts that is read, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// What a host showed, for a person to confirm.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// The host as it was asked for.
    pub(crate) host: String,
    /// Kind and fingerprint of each key.
    pub(crate) keys: Vec<(String, String)>,
    /// As lines of `known_hosts`.
    pub(crate) lines: String,
}

/// Asks a host for its key. Nothing is kept of it: a person compares the fingerprint first.
pub(crate) async fn fetch_hosts(
    app: &App,
    actor: &Actor,
    host: &str,
    port: &str,
) -> Result<Offered, SetError> {
    actor.require(Right::SeeSecrets)?;
    let (host, port) = (host.trim(), port.trim());
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    if host.is_empty() || !host.chars().all(is_name) || host.starts_with('-') {
        let words = "Give the host's name or address alone, such as git.example.com.";
        return Err(SetError::Refused(words.to_owned()));
    }
    let port =
        match port {
            "" => 22,
            port => port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                SetError::Refused("A port is a number from 1 to 65535.".to_owned())
            })?,
        };
    // git and ssh connect by themselves: they are told no address that the server itself would not go to.
    app.http
        .outgoing()
        .judge(host, port)
        .await
        .map_err(|refused| SetError::Refused(sentence(&refused.to_string())))?;
    // A key that is good for nothing: the host is asked who it is, and not to let anybody in.
    let nobody =
        SshKeyPair::generate("nobody").map_err(|error| SetError::Refused(error.to_string()))?;
    let target = SshTarget {
        user: "git".to_owned(),
        host: host.to_owned(),
        port,
    };
    let seen = app
        .mirrors
        .git()
        .ssh()
        .check(&target, &nobody.private_key, None)
        .await
        .map_err(|error| SetError::Refused(sentence(&error.to_string())))?;
    let at = format!("{host}:{port}");
    let refused = |words: String| Err(SetError::Refused(words));
    let host_keys = match seen {
        KeyCheck::Accepted { host_keys, .. } | KeyCheck::NotAdded { host_keys, .. } => host_keys,
        KeyCheck::Refused => {
            return refused(format!(
                "Nothing listens at {at}: check the port and any firewall."
            ));
        }
        KeyCheck::UnknownHost => {
            return refused(format!(
                "The host {host} is not known to this machine's name servers."
            ));
        }
        KeyCheck::NotSsh => {
            return refused(format!(
                "The service at {at} is not an SSH server: check the port."
            ));
        }
        KeyCheck::Timeout => {
            return refused(format!(
                "{at} does not respond: check the port and any firewall."
            ));
        }
        KeyCheck::HostKeyChanged { .. } => {
            return refused(format!("{at} showed more than one key; try again."));
        }
        KeyCheck::Other { detail } => {
            return refused(format!("The SSH conversation with {at} failed: {detail}"));
        }
    };
    if host_keys.is_empty() {
        return refused(format!("{at} showed no host key; paste it instead."));
    }
    Ok(Offered {
        host: at,
        keys: host_keys
            .keys()
            .map(|key| (key.kind.to_owned(), key.fingerprint.to_owned()))
            .collect(),
        lines: host_keys.text(),
    })
}

/// Adds the hosts of these lines of `known_hosts`, each in place of a key of the same kind that is there, and answers them.
pub(crate) async fn add_hosts(
    app: &App,
    actor: &Actor,
    application: &Application,
    text: &str,
) -> Result<Vec<String>, SetError> {
    actor.require(Right::SeeSecrets)?;
    let refused = |words: String| Err(SetError::Refused(words));
    if text.len() > LONGEST_TEXT {
        return refused(
            "This is too long; paste the lines of the hosts that steps need.".to_owned(),
        );
    }
    if let Some(line) = HostKeys::unreadable(text) {
        let line: String = line.chars().take(60).collect();
        return refused(format!(
            "This line is no host's key as known_hosts has it (host, kind, key): {line}"
        ));
    }
    let keys = HostKeys::parse(text);
    if keys.is_empty() {
        return refused("Paste one or more lines of a known_hosts file.".to_owned());
    }
    let mut added: Vec<String> = Vec::new();
    let mut tx = app.db.begin().await?;
    for key in keys.keys() {
        let host = KnownHost {
            id: KnownHostId::new(),
            host: key.host.to_owned(),
            kind: key.kind.to_owned(),
            public_key: key.public_key.to_owned(),
            fingerprint: key.fingerprint.to_owned(),
            changed_by: actor.name.clone(),
            changed_at: actor.at,
        };
        if !application_ssh::add_known_host(&mut tx, actor.account, application.id, &host).await? {
            return refused(format!(
                "There are {MOST_HOSTS} known hosts here already, which is the limit; remove one first."
            ));
        }
        let detail = json!({ "for": application.name, "fingerprint": host.fingerprint });
        actor
            .record(&mut tx, "known_host.added", &host.host, detail)
            .await?;
        if !added.contains(&host.host) {
            added.push(host.host);
        }
    }
    tx.commit().await?;
    Ok(added)
}

/// Removes a host's key and answers the host.
pub(crate) async fn remove_host(
    app: &App,
    actor: &Actor,
    application: &Application,
    id: KnownHostId,
) -> Result<String, SetError> {
    actor.require(Right::SeeSecrets)?;
    let mut tx = app.db.begin().await?;
    let (host, fingerprint) =
        application_ssh::remove_known_host(&mut tx, actor.account, application.id, id)
            .await?
            .ok_or(SetError::NoSuchKey)?;
    let detail = json!({ "for": application.name, "fingerprint": fingerprint });
    actor
        .record(&mut tx, "known_host.removed", &host, detail)
        .await?;
    tx.commit().await?;
    Ok(host)
}
