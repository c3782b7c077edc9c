//! Our webhook at a repository: made, found again, repaired, removed; never two.

use reqwest::Method;
use serde::Serialize;
use url::Url;

use super::CloudClient;
use super::client::repository_path;
use super::wire::{Hook, HookEvent};
use crate::http::{ApiError, Request, encode_path_part};
use crate::remote::exactly_one::{self, Events, Hooks};
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

impl Hooks for CloudClient {
    async fn list(&self, address: &RepositoryAddress) -> Result<Vec<RemoteWebhook>, ApiError> {
        self.webhooks(address).await
    }

    async fn write(
        &self,
        address: &RepositoryAddress,
        id: Option<&str>,
        request: &WebhookRequest,
    ) -> Result<RemoteWebhook, ApiError> {
        let events = self.events_to_ask(request).await?;
        self.write_hook(address, id, request, &events).await
    }

    async fn delete(&self, address: &RepositoryAddress, id: &str) -> Result<bool, ApiError> {
        self.delete_hook(address, id).await
    }

    fn events(&self, request: &WebhookRequest) -> Events {
        let mut needed = PUSH_EVENTS.to_vec();
        if request.pull_requests {
            needed.extend(PULL_REQUEST_EVENTS);
        }
        Events {
            needed,
            wanted: IF_OFFERED.to_vec(),
        }
    }
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

    /// Makes our webhook exist exactly once and be as asked: see [`exactly_one`].
    pub async fn ensure_webhook(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<EnsuredWebhook, ApiError> {
        exactly_one::ensure(self, address, request, known_id).await
    }

    /// Whether our webhook is there and as it should be.
    pub async fn webhook_state(
        &self,
        address: &RepositoryAddress,
        request: &WebhookRequest,
        known_id: Option<&str>,
    ) -> Result<WebhookState, ApiError> {
        exactly_one::state(self, address, request, known_id).await
    }

    /// Removes our webhook, and any duplicate of it. Answers how many were removed.
    pub async fn delete_webhook(
        &self,
        address: &RepositoryAddress,
        url: &Url,
        known_id: Option<&str>,
    ) -> Result<usize, ApiError> {
        exactly_one::remove(self, address, url, known_id).await
    }

    /// The names of the events that hooks of repositories take today. Needs no credential.
    async fn hook_events(&self) -> Result<Vec<String>, ApiError> {
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
        let mut events = self.events(request).needed;
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
