//! Making the webhook exist at Bitbucket as it should be, and noticing where it is not.

use pipewright_bitbucket::remote::{WebhookRequest, WebhookState as Remote};
use pipewright_bitbucket::scopes::{Feature, FeatureState, ScopeSet, compare};
use pipewright_bitbucket::{ApiError, Bitbucket};
use pipewright_store::applications::{self, Watch};
use pipewright_store::integrations::{self, IntegrationState};
use pipewright_store::repositories::{self, Repository};
use pipewright_store::webhooks::{self, Webhook, WebhookState};
use pipewright_store::{StoreError, credentials};

use super::secret::open;
use crate::access::{IntegrationUnavailable, bitbucket_for, note_revoked};
use crate::app::App;
use crate::ground::{address_of, delivery_url};

/// The name in Bitbucket's list.
const NAME: &str = "Pipewright";

/// What we now know of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    /// The word for it.
    pub(crate) state: WebhookState,
    /// What is wrong and what to do, or what to know where it is present; none where all is well.
    pub(crate) message: Option<String>,
}

/// Makes it exist exactly once and be as it should be. Whatever comes of it is kept and shown.
pub(crate) async fn register(
    app: &App,
    webhook: &Webhook,
) -> Result<Registered, IntegrationUnavailable> {
    let (repository, bitbucket) = reach(app, webhook).await?;
    let request = request(app, webhook, &repository, &bitbucket).await?;
    let outcome = bitbucket
        .ensure_webhook(
            &address_of(&repository),
            &request,
            webhook.remote_id.as_deref(),
        )
        .await;
    match outcome {
        Ok(ensured) => {
            if !is_wanted(app, &repository).await? {
                // Disconnected, or the last application went, while Bitbucket was making it.
                let url = delivery_url(app, webhook);
                let removed = bitbucket
                    .delete_webhook(&address_of(&repository), &url, Some(&ensured.id))
                    .await;
                removed.map_err(|error| IntegrationUnavailable::Later(error.to_string()))?;
                return Ok(Registered {
                    state: WebhookState::Absent,
                    message: None,
                });
            }
            let registered = Registered {
                state: WebhookState::Present,
                message: without(&ensured.missing),
            };
            keep(app, webhook, &repository, &registered, Some(&ensured.id)).await?;
            Ok(registered)
        }
        Err(error) => failed(app, webhook, &repository, error).await,
    }
}

/// Looks whether it is as it should be, and changes nothing at Bitbucket. One that was never registered is registered.
pub(crate) async fn check(
    app: &App,
    webhook: &Webhook,
) -> Result<Registered, IntegrationUnavailable> {
    let Some(known) = webhook.remote_id.as_deref() else {
        return register(app, webhook).await;
    };
    let (repository, bitbucket) = reach(app, webhook).await?;
    let request = request(app, webhook, &repository, &bitbucket).await?;
    let state = match bitbucket
        .webhook_state(&address_of(&repository), &request, Some(known))
        .await
    {
        Ok(state) => state,
        Err(error) => return failed(app, webhook, &repository, error).await,
    };
    let (state, message) = match state {
        Remote::Present { missing, .. } => (WebhookState::Present, without(&missing)),
        Remote::Missing => (
            WebhookState::Missing,
            Some("It was removed at Bitbucket.".to_owned()),
        ),
        Remote::Paused { .. } => (
            WebhookState::Paused,
            Some("Somebody switched it off at Bitbucket.".to_owned()),
        ),
        Remote::Changed { changes, .. } => {
            let all: Vec<String> = changes.iter().map(ToString::to_string).collect();
            (
                WebhookState::Changed,
                Some(format!("It was changed at Bitbucket: {}.", all.join("; "))),
            )
        }
    };
    let registered = Registered { state, message };
    keep(app, webhook, &repository, &registered, Some(known)).await?;
    Ok(registered)
}

/// What it means that this Bitbucket does not know some of the events; none where it knows them all.
fn without(missing: &[String]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let pull_requests = missing
        .iter()
        .any(|event| event.starts_with("pr:") || event.starts_with("pullrequest:"));
    let what = if pull_requests {
        "Pushes are built all the same; a change to a pull request that only these events would report is not built automatically."
    } else {
        "Pushes and pull requests are built all the same; that the repository was renamed or moved is noticed later."
    };
    Some(format!(
        "This Bitbucket does not know every event that Pipewright asks for, so the webhook is registered without {}. {what}",
        missing.join(", ")
    ))
}

/// Whether anything still needs a webhook of this repository.
async fn is_wanted(app: &App, repository: &Repository) -> Result<bool, StoreError> {
    let connected = integrations::get(&app.db, repository.integration)
        .await?
        .is_some_and(|of| of.state != IntegrationState::Disconnected);
    let mut tx = app.db.begin().await?;
    let used = applications::on_repository(&mut tx, repository.id)
        .await?
        .iter()
        .any(|application| application.rules.auto_build);
    tx.rollback().await?;
    Ok(connected && used)
}

async fn reach(
    app: &App,
    webhook: &Webhook,
) -> Result<(Repository, Bitbucket), IntegrationUnavailable> {
    let repository = repositories::get(&app.db, webhook.repository)
        .await?
        .ok_or(IntegrationUnavailable::MissingRepository(
            webhook.repository,
        ))?;
    let bitbucket = bitbucket_for(app, repository.integration).await?;
    Ok((repository, bitbucket))
}

/// What should be at Bitbucket.
async fn request(
    app: &App,
    webhook: &Webhook,
    repository: &Repository,
    bitbucket: &Bitbucket,
) -> Result<WebhookRequest, IntegrationUnavailable> {
    let pull_requests = match bitbucket {
        Bitbucket::DataCenter(_) => true,
        // Cloud refuses a hook for events whose resource may not be read.
        Bitbucket::Cloud(_) => {
            let stored = credentials::of_integration(&app.db, repository.integration).await?;
            let granted: ScopeSet = stored
                .into_iter()
                .flat_map(|stored| stored.scopes)
                .collect();
            let wanted = [Feature::PullRequests];
            compare(&granted, &wanted).iter().any(|line| {
                line.feature == Feature::PullRequests && line.state == FeatureState::Works
            })
        }
    };
    Ok(WebhookRequest {
        url: delivery_url(app, webhook),
        secret: open(&app.vault, webhook)?,
        name: NAME.to_owned(),
        pull_requests,
        verify_certificate: app.config.public_url.scheme() == "https",
    })
}

/// A refusal is kept with its sentence; what may go better in a moment is tried again.
async fn failed(
    app: &App,
    webhook: &Webhook,
    repository: &Repository,
    error: ApiError,
) -> Result<Registered, IntegrationUnavailable> {
    if error.is_unauthorized() && note_revoked(app, repository.integration).await? {
        return Err(IntegrationUnavailable::Reconnect(error.to_string()));
    }
    if error.is_retryable() || error.is_unauthorized() {
        let message = format!("Bitbucket could not be asked: {error}. It is tried again.");
        let mut tx = app.db.begin().await?;
        webhooks::set_state(
            &mut tx,
            webhook.id,
            webhook.state,
            webhook.remote_id.as_deref(),
            Some(&message),
            app.clock.now(),
        )
        .await?;
        tx.commit().await?;
        return Err(IntegrationUnavailable::Later(error.to_string()));
    }
    let message = match &error {
        ApiError::Forbidden { .. } => format!(
            "The connected user may not set webhooks on {}. Give it admin rights there, or add the webhook by hand.",
            repository.full_name
        ),
        ApiError::MissingScope { required, .. } => {
            format!(
                "The permission {} was not granted: reconnect to grant it, or add the webhook by hand.",
                required.join(", ")
            )
        }
        other => format!("Bitbucket rejected it: {other}."),
    };
    let registered = Registered {
        state: WebhookState::Refused,
        message: Some(message),
    };
    keep(
        app,
        webhook,
        repository,
        &registered,
        webhook.remote_id.as_deref(),
    )
    .await?;
    Ok(registered)
}

/// Keeps what is known, and how the repository's applications hear of pushes from now on.
async fn keep(
    app: &App,
    webhook: &Webhook,
    repository: &Repository,
    registered: &Registered,
    remote_id: Option<&str>,
) -> Result<(), IntegrationUnavailable> {
    let watch = if registered.state == WebhookState::Present {
        Watch::Webhook
    } else {
        Watch::Polling
    };
    let mut tx = app.db.begin().await?;
    webhooks::set_state(
        &mut tx,
        webhook.id,
        registered.state,
        remote_id,
        registered.message.as_deref(),
        app.clock.now(),
    )
    .await?;
    if let Some(can_administer) = match registered.state {
        WebhookState::Present => Some(true),
        WebhookState::Refused => Some(false),
        _ => None,
    } {
        repositories::set_can_administer(&mut tx, repository.id, can_administer).await?;
    }
    for application in applications::on_repository(&mut tx, repository.id).await? {
        if application.watch != watch {
            applications::set_watch(&mut tx, application.id, watch).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
