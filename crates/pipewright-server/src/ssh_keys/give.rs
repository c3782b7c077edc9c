//! What a step is given.

use pipewright_core::Secret;
use pipewright_core::ids::{AccountId, ApplicationId, IntegrationId};
use pipewright_core::wire::StepSsh;
use pipewright_store::application_ssh::{self, KnownHost};
use pipewright_store::sealed::purpose;
use pipewright_store::{OpenSecretError, StoreError, integrations};

use crate::app::App;

/// The key cannot be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GiveError {
    /// It does not open.
    #[error("the SSH key of the application cannot be read: {0}; set it again")]
    Sealed(#[from] OpenSecretError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The application's private key as it is now, where it has one.
pub(crate) async fn private_key(
    app: &App,
    account: AccountId,
    application: ApplicationId,
) -> Result<Option<Secret>, GiveError> {
    let Some(key) = application_ssh::key(&app.db, account, application).await? else {
        return Ok(None);
    };
    let purpose = purpose::application_key(application);
    Ok(Some(app.vault.open(&key.private_key, &purpose)?))
}

/// What a step of the application is given, as it is now. With a key it knows its own Bitbucket as well, so that it can clone
/// other repositories and push where the key may.
pub(crate) async fn given(
    app: &App,
    account: AccountId,
    application: ApplicationId,
    integration: IntegrationId,
) -> Result<StepSsh, GiveError> {
    let private_key = private_key(app, account, application).await?;
    let hosts = application_ssh::known_hosts(&app.db, account, application).await?;
    let mut lines: Vec<String> = hosts.iter().map(KnownHost::line).collect();
    if private_key.is_some() {
        let own = integrations::get(&app.db, integration).await?;
        lines.extend(own.and_then(|own| own.known_hosts));
    }
    Ok(StepSsh {
        private_key,
        known_hosts: lines.join("\n"),
    })
}
