//! What the rest of the server asks of integrations: a client of its Bitbucket, and a credential to clone with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipewright_bitbucket::credential::GitCredential;
use pipewright_bitbucket::{Bitbucket, CloudClient, Credential, DataCenterClient};
use pipewright_core::Secret;
use pipewright_core::ids::{IntegrationId, RepositoryId};
use pipewright_core::wire::CloneCredential;
use pipewright_store::integrations::{CloneVia, Integration, IntegrationKind};
use pipewright_store::repositories::{self, Repository};
use url::Url;

use super::secrets::open_private_key;
use super::token::{Freshness, credential};
use super::unavailable::IntegrationUnavailable;
use super::usable::usable;
use super::{check, consumer};
use crate::app::App;

/// A client of the integration's Bitbucket, with a credential that works now.
pub(crate) async fn bitbucket_for(
    app: &App,
    integration: IntegrationId,
) -> Result<Bitbucket, IntegrationUnavailable> {
    let found = usable(app, integration).await?;
    let credential = credential(app, &found, Freshness::Ordinary).await?;
    Ok(client_with(app, &found, credential))
}

/// The address to clone a repository from and what authenticates it. Ask for it when it is used: tokens live for an hour.
pub(crate) async fn clone_credential(
    app: &App,
    repository: RepositoryId,
) -> Result<(String, CloneCredential), IntegrationUnavailable> {
    let repository = repositories::get(&app.db, repository)
        .await?
        .ok_or(IntegrationUnavailable::MissingRepository(repository))?;
    let integration = usable(app, repository.integration).await?;
    match integration.clone_via {
        CloneVia::Ssh => over_ssh(app, &integration, &repository).await,
        CloneVia::Https => over_https(app, &integration, &repository).await,
    }
}

/// A client with a credential at hand.
pub(super) fn client_with(
    app: &App,
    integration: &Integration,
    credential: Credential,
) -> Bitbucket {
    match integration.kind {
        IntegrationKind::Cloud => Bitbucket::Cloud(CloudClient::new(
            app.http.clone(),
            consumer::endpoints(app),
            credential,
        )),
        IntegrationKind::DataCenter => {
            let base =
                Url::parse(&integration.base_url).unwrap_or_else(|_| app.config.cloud.web.clone());
            Bitbucket::DataCenter(DataCenterClient::new(app.http.clone(), base, credential))
        }
    }
}

async fn over_ssh(
    app: &App,
    integration: &Integration,
    repository: &Repository,
) -> Result<(String, CloneCredential), IntegrationUnavailable> {
    let missing = || {
        IntegrationUnavailable::NoCloneAddress(format!(
            "Bitbucket reports no SSH address for {}; is SSH switched off there? Choose cloning over HTTPS under Integrations",
            repository.full_name
        ))
    };
    let listed = repository.ssh_url.as_deref().ok_or_else(missing)?;
    let url =
        ssh_address(listed, &integration.ssh_host, integration.ssh_port).ok_or_else(missing)?;
    // git and ssh connect by themselves: they are told no address that the server itself would not go to.
    let outgoing = app.http.outgoing();
    outgoing
        .judge(&integration.ssh_host, integration.ssh_port)
        .await?;
    let sealed = integration
        .key
        .private_sealed
        .as_ref()
        .ok_or_else(|| IntegrationUnavailable::Disconnected(integration.base_url.clone()))?;
    let private_key = open_private_key(&app.vault, integration.id, sealed)?;
    let known_hosts = match &integration.known_hosts {
        Some(lines) => lines.clone(),
        // Nobody has spoken to this host yet: the first contact is the check, which pins its key.
        None => check::first_contact(app, integration).await?,
    };
    Ok((
        url,
        CloneCredential::Ssh {
            private_key,
            known_hosts,
        },
    ))
}

async fn over_https(
    app: &App,
    integration: &Integration,
    repository: &Repository,
) -> Result<(String, CloneCredential), IntegrationUnavailable> {
    let url = repository.http_url.clone().ok_or_else(|| {
        IntegrationUnavailable::NoCloneAddress(format!(
            "Bitbucket reports no HTTPS address for {}; choose cloning over SSH under Integrations",
            repository.full_name
        ))
    })?;
    if let Ok(address) = Url::parse(&url)
        && let (Some(host), Some(port)) = (address.host_str(), address.port_or_known_default())
    {
        app.http.outgoing().judge(host, port).await?;
    }
    let value = match credential(app, integration, Freshness::Ordinary)
        .await?
        .for_git()
    {
        GitCredential::Bearer(token) => Secret::new(format!("Bearer {}", token.expose())),
        GitCredential::UserPassword { user, password } => {
            let pair = Secret::new(format!("{user}:{}", password.expose()));
            Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
        }
    };
    Ok((url, CloneCredential::Header { value }))
}

/// The listed address with the host and port that the integration is reached at: what Bitbucket lists is only as right as
/// its administrator's base URL.
fn ssh_address(listed: &str, host: &str, port: u16) -> Option<String> {
    let (user, path) = match listed.split_once("://") {
        Some(("ssh", rest)) => {
            let (authority, path) = rest.split_once('/')?;
            (
                authority.split_once('@').map_or("git", |(user, _)| user),
                path,
            )
        }
        Some(_) => return None,
        // git@host:owner/name.git
        None => {
            let (authority, path) = listed.split_once(':')?;
            (
                authority.split_once('@').map_or("git", |(user, _)| user),
                path.trim_start_matches('/'),
            )
        }
    };
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    Some(if port == 22 {
        format!("ssh://{user}@{host}/{path}")
    } else {
        format!("ssh://{user}@{host}:{port}/{path}")
    })
}

#[cfg(test)]
mod tests {
    use super::ssh_address;

    #[test]
    fn clone_addresses_lead_to_where_the_integration_is_reached() {
        for (listed, host, port, expected) in [
            (
                "git@bitbucket.org:harbor/api.git",
                "bitbucket.org",
                22,
                "ssh://git@bitbucket.org/harbor/api.git",
            ),
            (
                "ssh://git@git.internal:7999/prj/site.git",
                "git.example.com",
                22,
                "ssh://git@git.example.com/prj/site.git",
            ),
            (
                "ssh://git@git.internal/~jane/site.git",
                "10.0.0.7",
                2222,
                "ssh://git@10.0.0.7:2222/~jane/site.git",
            ),
            (
                "ssh://stash@[::1]:7999/a/b.git",
                "::1",
                7999,
                "ssh://stash@[::1]:7999/a/b.git",
            ),
        ] {
            assert_eq!(
                ssh_address(listed, host, port).as_deref(),
                Some(expected),
                "{listed}"
            );
        }
        assert_eq!(ssh_address("https://bitbucket.org/a/b.git", "x", 22), None);
        assert_eq!(ssh_address("nonsense", "x", 22), None);
    }
}
