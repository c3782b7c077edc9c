//! A step's token, made when the step is claimed.

use std::time::Duration;

use pipewright_core::Secret;
use pipewright_core::plan::StepPlan;
use pipewright_store::attempts::Claimed;
use pipewright_store::builds::RunContext;
use pipewright_store::oidc::{self, SigningAlgorithm};
use pipewright_store::repositories::Repository;
use pipewright_store::sealed::purpose;
use pipewright_store::{OpenSecretError, StoreError, integrations};

use super::claims::{About, Identity, claims};
use super::keys::{KeyError, LONGEST, Standing, ensure, issuer, standing};
use super::sign::{SignError, token};
use crate::app::App;

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MintError {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not open.
    #[error(
        "the signing key cannot be read: {0}; rotate the keys on the settings' page OpenID Connect"
    )]
    Sealed(#[from] OpenSecretError),
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The integration or every key is gone.
    #[error("{0}")]
    Gone(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The token of an attempt whose step asks for one; it lives as long as the script may run, a day at most.
pub(crate) async fn mint(
    app: &App,
    context: &RunContext,
    repository: &Repository,
    claimed: &Claimed,
    step: &StepPlan,
) -> Result<Secret, MintError> {
    let account = context.account_id;
    let integration = integrations::get(&app.db, context.integration_id)
        .await?
        .ok_or(MintError::Gone("its integration was removed"))?;
    let keys = ensure(app, account).await?;
    let algorithm = oidc::chosen(&app.db, account)
        .await?
        .unwrap_or(SigningAlgorithm::Rs256);
    let now = app.clock.now();
    let key = keys
        .iter()
        .find(|key| key.algorithm == algorithm && standing(&keys, key, now) == Standing::Signs)
        .ok_or(MintError::Gone("no key signs now; try again"))?;
    let about = About {
        issuer: issuer(&app.config, account),
        account,
        identity: Identity::of(integration.kind, repository),
        repository,
        context,
        step: claimed.step_id,
        attempt: claimed.id.to_string(),
        environment: step.deployment.as_deref(),
        audiences: &step.oidc_audiences,
        now,
        lifetime: Duration::from_secs(u64::from(step.max_time_minutes) * 60).min(LONGEST),
    };
    let private_key = app
        .vault
        .open(&key.private_key, &purpose::oidc_key(key.id))?;
    Ok(token(
        algorithm,
        &key.key_id,
        &private_key,
        &claims(&about),
    )?)
}
