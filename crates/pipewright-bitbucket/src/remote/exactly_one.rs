//! The rule of exactly one webhook, once for both products: ours is found by its id or its address, written anew each time,
//! and every other one with our address goes.

use url::Url;

use super::webhook::{judge, ours};
use super::{EnsuredWebhook, RemoteWebhook, RepositoryAddress, WebhookRequest, WebhookState};
use crate::http::ApiError;

/// What a product does with the webhooks of a repository.
pub(crate) trait Hooks {
    /// All of them.
    async fn list(&self, address: &RepositoryAddress) -> Result<Vec<RemoteWebhook>, ApiError>;

    /// Makes one, or replaces the one of this id, with as many of the events of [`Self::events`] as Bitbucket takes.
    async fn write(
        &self,
        address: &RepositoryAddress,
        id: Option<&str>,
        request: &WebhookRequest,
    ) -> Result<RemoteWebhook, ApiError>;

    /// Removes one; false where it was gone already.
    async fn delete(&self, address: &RepositoryAddress, id: &str) -> Result<bool, ApiError>;

    /// The events that are wanted.
    fn events(&self, request: &WebhookRequest) -> Events;
}

/// The events of a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    /// Without one of these it is not as it should be.
    pub(crate) needed: Vec<&'static str>,
    /// Those too, where this Bitbucket knows them.
    pub(crate) wanted: Vec<&'static str>,
}

impl Events {
    /// Those that a webhook is not sent for.
    fn missing(&self, have: &[String]) -> Vec<String> {
        self.needed
            .iter()
            .chain(&self.wanted)
            .filter(|event| !have.iter().any(|have| have == *event))
            .map(|event| (*event).to_owned())
            .collect()
    }
}

/// Makes our webhook exist exactly once and be as asked. `known_id` is the one made earlier, which is found by it even when
/// our address changed. Every field is written each time: the secret is never shown for comparison (Cloud), and an update
/// replaces the whole (Data Center).
pub(crate) async fn ensure(
    hooks: &impl Hooks,
    address: &RepositoryAddress,
    request: &WebhookRequest,
    known_id: Option<&str>,
) -> Result<EnsuredWebhook, ApiError> {
    let listed = hooks.list(address).await?;
    let existing = ours(&listed, known_id, &request.url)
        .first()
        .map(|hook| hook.id.clone());
    let written = match &existing {
        Some(id) => match hooks.write(address, Some(id), request).await {
            // Removed by somebody between the list and now.
            Err(error) if error.is_not_found() => hooks.write(address, None, request).await?,
            other => other?,
        },
        None => hooks.write(address, None, request).await?,
    };
    // Two servers (or a server and a person) may have made the same at the same time: all but ours go.
    let mut duplicates_removed = 0;
    for hook in ours(&hooks.list(address).await?, Some(&written.id), &request.url) {
        if hook.id != written.id {
            duplicates_removed += usize::from(hooks.delete(address, &hook.id).await?);
        }
    }
    Ok(EnsuredWebhook {
        created: existing.as_ref() != Some(&written.id),
        missing: hooks.events(request).missing(&written.events),
        id: written.id,
        duplicates_removed,
        events: written.events,
    })
}

/// Whether our webhook is there and as it should be. Changes nothing.
pub(crate) async fn state(
    hooks: &impl Hooks,
    address: &RepositoryAddress,
    request: &WebhookRequest,
    known_id: Option<&str>,
) -> Result<WebhookState, ApiError> {
    let events = hooks.events(request);
    let listed = hooks.list(address).await?;
    let have = ours(&listed, known_id, &request.url)
        .first()
        .map(|hook| hook.events.clone())
        .unwrap_or_default();
    Ok(match judge(&listed, known_id, request, &events.needed) {
        WebhookState::Present { id, .. } => WebhookState::Present {
            id,
            missing: events.missing(&have),
        },
        other => other,
    })
}

/// Removes our webhook, and any duplicate of it; it is no error if there is none, or no repository any more. Answers how many
/// were removed.
pub(crate) async fn remove(
    hooks: &impl Hooks,
    address: &RepositoryAddress,
    url: &Url,
    known_id: Option<&str>,
) -> Result<usize, ApiError> {
    let listed = match hooks.list(address).await {
        Err(error) if error.is_not_found() => return Ok(0),
        other => other?,
    };
    let mut removed = 0;
    for hook in ours(&listed, known_id, url) {
        removed += usize::from(hooks.delete(address, &hook.id).await?);
    }
    Ok(removed)
}
