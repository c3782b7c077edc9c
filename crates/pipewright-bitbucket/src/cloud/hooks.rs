//! Our webhook at a repository: made, found again, repaired, removed; never two.

use reqwest::Method;
use serde::Serialize;
use url::Url;

use super::CloudClient;
use super::client::repository_path;
use super::wire::{Hook, HookEvent};
use crate::http::{ApiError, Request, encode_path_part};
use crate::remote::{
    EnsuredWebhook, RemoteWebhook, RepositoryAddress, WebhookRequest, WebhookState,
};

/// Events that every Bitbucket Cloud knows.
const PUSH_EVENTS: [&str; 1] = ["repo:push"];
const PULL_REQUEST_EVENTS: [&str; 4] = [
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
];
/// Events that are asked for only where Bitbucket lists them, because not every kind of hook takes them.
const IF_OFFERED: [&str; 3] = ["repo:updated", "repo:transfer", "repo:deleted"];

#[derive(Debug, Serialize)]
struct HookBody<'a> {
    description: &'a str,
    url: &'a str,
    active: bool,
    secret: &'a str,
    skip_cert_verification: bool,
    events: &'a [&'a str],
}

impl CloudClient {
    /// All webhooks of a repository. Needs `webhook`.
    pub async fn webhooks(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<RemoteWebhook>, ApiError> {
        let doing = format!("reading the webhooks of {}", address.slug);
        let hooks: Vec<Hook> = self
            .list(&format!("{}/hooks", repository_path(address)), &[], &doing)
            .await?;
        Ok(hooks.into_iter().filter_map(remote_hook).collect())
    }

    /// Makes our webhook exist exactly once and be as asked. `known_id` is the one made earlier, which is found by it even
    /// when our address changed. The secret is always written, because Bitbucket never shows it for comparison.
    pub async fn ensure_webhook(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<EnsuredWebhook, ApiError> {
        let events = self.events_to_ask(request).await?;
        let hooks = self.webhooks(address).await?;
        let existing = crate::remote::ours(&hooks, known_id, &request.url)
            .first()
            .map(|hook| hook.id.clone());
        let written = match &existing {
            Some(id) => match self.write_hook(address, Some(id), request, &events).await {
                // Removed by somebody between the list and now.
                Err(error) if error.is_not_found() => {
                    self.write_hook(address, None, request, &events).await?
                }
                other => other?,
            },
            None => self.write_hook(address, None, request, &events).await?,
        };
        let duplicates_removed = self.remove_duplicates(address, &written, request).await?;
        Ok(EnsuredWebhook {
            created: existing.as_ref() != Some(&written.id),
            id: written.id,
            duplicates_removed,
            events: written.events,
        })
    }

    /// Whether our webhook is there and as it should be.
    pub async fn webhook_state(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<WebhookState, ApiError> {
        let hooks = self.webhooks(address).await?;
        let mut wanted = PUSH_EVENTS.to_vec();
        if request.pull_requests {
            wanted.extend(PULL_REQUEST_EVENTS);
        }
        Ok(crate::remote::judge(&hooks, known_id, request, &wanted))
    }

    /// Removes our webhook, and any duplicate of it; it is no error if there is none. Answers how many were removed.
    pub async fn delete_webhook(
        &self,
        address: &RepositoryAddress,
        url: &Url,
        known_id: Option<&str>,
    ) -> Result<usize, ApiError> {
        let hooks = match self.webhooks(address).await {
            Err(error) if error.is_not_found() => return Ok(0),
            other => other?,
        };
        let mut removed = 0;
        for hook in crate::remote::ours(&hooks, known_id, url) {
            removed += usize::from(self.delete_hook(address, &hook.id).await?);
        }
        Ok(removed)
    }

    /// The names of the events that hooks of repositories take today. Needs no credential.
    pub async fn hook_events(&self) -> Result<Vec<String>, ApiError> {
        let events: Vec<HookEvent> = self
            .list(
                "/hook_events/repository",
                &[],
                "reading which events Bitbucket offers",
            )
            .await?;
        Ok(events.into_iter().map(|event| event.event).collect())
    }

    /// The events to subscribe to: what we always need, and of the rest what Bitbucket offers.
    async fn events_to_ask(&self, request: &WebhookRequest) -> Result<Vec<&'static str>, ApiError> {
        let mut events = PUSH_EVENTS.to_vec();
        if request.pull_requests {
            events.extend(PULL_REQUEST_EVENTS);
        }
        match self.hook_events().await {
            Ok(offered) => events.extend(
                IF_OFFERED
                    .iter()
                    .filter(|event| offered.iter().any(|name| name == *event)),
            ),
            Err(error) if error.is_retryable() || error.is_unauthorized() => return Err(error),
            Err(error) => {
                tracing::debug!(%error, "the list of offered events could not be read; asking for the sure ones only");
            }
        }
        Ok(events)
    }

    async fn write_hook(
        &self,
        address: &RepositoryAddress,
        id: Option<&str>,
        request: &WebhookRequest,
        events: &[&str],
    ) -> Result<RemoteWebhook, ApiError> {
        let doing = format!(
            "{} the webhook of {}",
            if id.is_some() {
                "repairing"
            } else {
                "creating"
            },
            address.slug
        );
        let hooks = format!("{}/hooks", repository_path(address));
        let (method, path) = match id {
            Some(id) => (Method::PUT, format!("{hooks}/{}", encode_path_part(id))),
            None => (Method::POST, hooks),
        };
        let body = HookBody {
            description: &request.name,
            url: request.url.as_str(),
            active: true,
            secret: request.secret.expose(),
            skip_cert_verification: !request.verify_certificate,
            events,
        };
        let url = self.url(&path, &[], &doing)?;
        let hook: Hook = self
            .send(Request::new(method, url, doing.clone()).json(&body))
            .await?
            .decode()?;
        remote_hook(hook).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the webhook has no UUID".to_owned(),
        })
    }

    /// Two servers (or a server and a person) may have made the same hook at the same time: all but ours go.
    async fn remove_duplicates(
        &self,
        address: &RepositoryAddress,
        keep: &RemoteWebhook,
        request: &WebhookRequest,
    ) -> Result<usize, ApiError> {
        let hooks = self.webhooks(address).await?;
        let mut removed = 0;
        for hook in crate::remote::ours(&hooks, Some(&keep.id), &request.url)
            .into_iter()
            .filter(|hook| hook.id != keep.id)
        {
            removed += usize::from(self.delete_hook(address, &hook.id).await?);
        }
        Ok(removed)
    }

    /// Removes one webhook; false where it was gone already.
    async fn delete_hook(&self, address: &RepositoryAddress, id: &str) -> Result<bool, ApiError> {
        let doing = format!("removing the webhook of {}", address.slug);
        let url = self.url(
            &format!(
                "{}/hooks/{}",
                repository_path(address),
                encode_path_part(id)
            ),
            &[],
            &doing,
        )?;
        match self.send(Request::new(Method::DELETE, url, doing)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn remote_hook(hook: Hook) -> Option<RemoteWebhook> {
    Some(RemoteWebhook {
        id: hook.uuid?,
        url: hook.url.unwrap_or_default(),
        active: hook.active.unwrap_or(true),
        events: hook.events,
        has_secret: hook.secret_set,
        verifies_certificate: hook.skip_cert_verification.map(|skipped| !skipped),
    })
}
