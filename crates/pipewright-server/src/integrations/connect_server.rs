//! **Add Credentials**: a Bitbucket Server or Data Center is tried at once, and kept only where everything worked.

use pipewright_bitbucket::Credential;
use pipewright_bitbucket::datacenter::{Connection, ConnectionError, parse_base_url, sign_in};
use pipewright_core::Secret;
use pipewright_core::ids::IntegrationId;
use pipewright_git::ssh::{HostKeys, KeyCheck, SshKeyPair, SshTarget};
use pipewright_store::StoreError;
use pipewright_store::integrations::{CloneVia, HostKey, Identity, IntegrationKind};
use url::Url;

use super::connect::{Proved, connecting_user, keep};
use crate::access::Parts;
use crate::app::App;
use crate::ground::{Actor, Denied};

/// What was entered.
#[derive(Debug, Clone)]
pub(crate) struct ServerForm {
    /// The address, as typed.
    pub(crate) host: String,
    /// The user name; empty where the password is an HTTP access token.
    pub(crate) username: String,
    /// The password or token.
    pub(crate) password: Secret,
    /// The port of git over SSH, as typed.
    pub(crate) ssh_port: String,
}

/// The field that a sentence belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// **Host**.
    Host,
    /// **Username**.
    Username,
    /// **Password**.
    Password,
    /// **SSH Port**.
    SshPort,
}

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    /// The member may not connect this account.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// What was entered does not work; each sentence stands beside its field.
    #[error("{}", .0.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" "))]
    Fields(Vec<(Field, String)>),
    /// Our own fault.
    #[error(transparent)]
    Internal(anyhow::Error),
}

impl AddError {
    fn field(field: Field, sentence: String) -> Self {
        Self::Fields(vec![(field, sentence)])
    }
}

impl From<StoreError> for AddError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// What was connected.
#[derive(Debug)]
pub(crate) struct Added {
    /// The integration.
    pub(crate) integration: IntegrationId,
    /// A sentence for the person.
    pub(crate) sentence: String,
}

/// Tries the credentials and the SSH port, and keeps them.
pub(crate) async fn add(app: &App, actor: &Actor, form: &ServerForm) -> Result<Added, AddError> {
    connecting_user(actor)?;
    let (base, port) = read(app, form).map_err(AddError::Fields)?;
    let signed_in = sign_in(&app.http, &base, form.username.trim(), &form.password)
        .await
        .map_err(|error| AddError::field(field_of(&error), capital(&error.to_string())))?;
    let connection = &signed_in.connection;
    let way = if connection.ssh.as_ref().is_none_or(|ssh| ssh.enabled) {
        let ssh_host = ssh_host(connection, &base);
        let host_key = try_ssh(app, &ssh_host, port, connection).await?;
        Way {
            ssh_host,
            clone_via: CloneVia::Ssh,
            host_key,
        }
    } else {
        Way {
            ssh_host: ssh_host(connection, &base),
            clone_via: CloneVia::Https,
            host_key: None,
        }
    };
    let sentence = success(connection, way.clone_via, &base);
    let proved = proved(&base, port, signed_in.credential, connection, way);

    let mut tx = app.db.begin().await?;
    let detail = serde_json::json!({ "user": proved.identity.user_name, "version": connection.version.text });
    let integration = keep(app, &mut tx, actor, &proved, detail)
        .await
        .map_err(|error| AddError::Internal(error.into()))?;
    tx.commit().await?;
    app.live().integrations.ring();
    app.live().tell.give(integration);
    Ok(Added {
        integration,
        sentence,
    })
}

/// How repositories will be cloned.
struct Way {
    ssh_host: String,
    clone_via: CloneVia,
    host_key: Option<HostKey>,
}

fn proved(
    base: &Url,
    ssh_port: u16,
    credential: Credential,
    connection: &Connection,
    way: Way,
) -> Proved {
    let capabilities = &connection.capabilities;
    let named = [
        ("richBuildStatus", capabilities.rich_build_status),
        ("cancelledStatus", capabilities.cancelled_status),
    ];
    Proved {
        kind: IntegrationKind::DataCenter,
        base_url: base.as_str().trim_end_matches('/').to_owned(),
        identity: Identity {
            user_id: connection.user.id.clone(),
            user_name: connection.user.display_name.clone(),
            workspaces: Vec::new(),
            product_version: Some(connection.version.text.clone()),
            capabilities: named
                .iter()
                .filter(|(_, has)| *has)
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            ssh_host: way.ssh_host,
            ssh_port,
            features: Vec::new(),
        },
        clone_via: way.clone_via,
        host_key: way.host_key,
        parts: Parts::Lasting(credential),
        scopes: Vec::new(),
        expires_at: None,
    }
}

/// Address and port as they were entered, or everything that is wrong with the form before anything is sent.
fn read(app: &App, form: &ServerForm) -> Result<(Url, u16), Vec<(Field, String)>> {
    let base = parse_base_url(&form.host)
        .map_err(|error| (Field::Host, capital(&error.to_string())))
        .and_then(|base| {
            // Judged again when a connection is made.
            let judged = app.http.outgoing().judge_url(&base);
            judged
                .map(|()| base)
                .map_err(|refused| (Field::Host, capital(&refused.to_string())))
        });
    let password = if form.password.is_empty() {
        Err((
            Field::Password,
            "Enter the password, or an HTTP access token.".to_owned(),
        ))
    } else {
        Ok(())
    };
    match (base, read_port(&form.ssh_port), password) {
        (Ok(base), Ok(port), Ok(())) => Ok((base, port)),
        (base, port, password) => {
            let wrong = [base.err(), port.err(), password.err()];
            Err(wrong.into_iter().flatten().collect())
        }
    }
}

fn read_port(text: &str) -> Result<u16, (Field, String)> {
    match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err((
            Field::SshPort,
            "The SSH port is a number from 1 to 65535; Bitbucket's own default is 7999, and 22 where a proxy maps it.".to_owned(),
        )),
    }
}

/// Where clone addresses lead; the host of the pages where the server does not say.
fn ssh_host(connection: &Connection, base: &Url) -> String {
    let told = connection.ssh.as_ref().and_then(|ssh| ssh.host.clone());
    let host = told.unwrap_or_else(|| base.host_str().unwrap_or_default().to_owned());
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

/// Says hello over SSH with a key that nobody knows: being refused by an SSH server is what is hoped for.
async fn try_ssh(
    app: &App,
    host: &str,
    port: u16,
    connection: &Connection,
) -> Result<Option<HostKey>, AddError> {
    let nobody =
        SshKeyPair::generate("nobody").map_err(|error| AddError::Internal(error.into()))?;
    // The server names its SSH host itself: a hostile one could name any.
    app.http
        .outgoing()
        .judge(host, port)
        .await
        .map_err(|refused| AddError::field(Field::SshPort, capital(&refused.to_string())))?;
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
        .map_err(|error| AddError::Internal(error.into()))?;
    let told = connection
        .ssh
        .as_ref()
        .and_then(|ssh| ssh.port)
        .filter(|told| *told != port);
    let hint = told.map_or_else(
        || "Bitbucket's own default is 7999.".to_owned(),
        |told| format!("The server itself says {told}."),
    );
    let wrong = |what: String| {
        Err(AddError::field(
            Field::SshPort,
            format!("{what} {hint} Nothing was saved."),
        ))
    };
    match seen {
        KeyCheck::Accepted { host_keys, .. } | KeyCheck::NotAdded { host_keys, .. } => {
            Ok(pin(&host_keys))
        }
        KeyCheck::Refused => wrong(format!(
            "Signing in worked, but nothing listens at {host}:{port} for SSH."
        )),
        KeyCheck::NotSsh => wrong(format!(
            "Signing in worked, but the service at {host}:{port} is not an SSH server."
        )),
        KeyCheck::Timeout => wrong(format!(
            "Signing in worked, but nothing responds to SSH at {host}:{port}; is there a firewall?"
        )),
        KeyCheck::UnknownHost => wrong(format!(
            "Signing in worked, but the SSH host {host}, which the server names, is not known here."
        )),
        KeyCheck::HostKeyChanged { .. } | KeyCheck::Other { .. } => wrong(format!(
            "Signing in worked, but SSH to {host}:{port} failed."
        )),
    }
}

fn pin(host_keys: &HostKeys) -> Option<HostKey> {
    let fingerprint = host_keys.fingerprints().into_iter().next()?;
    Some(HostKey {
        fingerprint,
        lines: host_keys.text(),
    })
}

/// The field that a failed connection is about.
const fn field_of(error: &ConnectionError) -> Field {
    match error {
        ConnectionError::WrongPassword
        | ConnectionError::TokenRefused
        | ConnectionError::PasswordsRefused => Field::Password,
        ConnectionError::CaptchaRequired { .. }
        | ConnectionError::RateLimited
        | ConnectionError::Forbidden { .. } => Field::Username,
        _ => Field::Host,
    }
}

fn success(connection: &Connection, clone_via: CloneVia, base: &Url) -> String {
    let mut sentence = format!(
        "{} is connected as {} (version {}).",
        base.host_str().unwrap_or_default(),
        connection.user.display_name,
        connection.version.text
    );
    let is_local = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if base.scheme() == "http" && !is_local {
        tracing::warn!(address = %base, "connected to a Bitbucket without encryption: its credential and code can be read on their way");
        sentence.push_str(
            " Its address is http: the credential and the code can be read on their way. Use https where you can.",
        );
    }
    if clone_via == CloneVia::Https {
        sentence.push_str(" SSH is switched off there, so builds clone over HTTP.");
    }
    if !connection.reads_repositories {
        sentence.push_str(
            " This user can see no repository yet: give it at least the right to read one.",
        );
    } else if connection.administered.names.is_empty() {
        sentence.push_str(" This user administers no repository, so webhooks must be added by hand; until then refs are compared.");
    }
    sentence
}

/// A sentence from an error's fragment.
fn capital(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first: String = characters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    let dot = if fragment.ends_with('.') { "" } else { "." };
    format!("{first}{}{dot}", characters.as_str())
}
