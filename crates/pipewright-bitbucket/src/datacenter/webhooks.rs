//! Our webhook at a repository: made, found again, repaired, removed; never two.

use reqwest::Method;
use serde_json::json;
use url::Url;

use super::DataCenterClient;
use super::client::api_path;
use super::wire::Webhook;
use crate::http::{ApiError, Request, encode_path_part};
use crate::remote::exactly_one::{self, Events, Hooks};
use crate::remote::{
    EnsuredWebhook, RemoteWebhook, RepositoryAddress, WebhookRequest, WebhookState,
};

const PUSH_EVENTS: [&str; 2] = ["repo:refs_changed", "repo:modified"];
const PULL_REQUEST_EVENTS: [&str; 6] = [
    "pr:opened",
    "pr:from_ref_updated",
    "pr:modified",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
];

/// What every version takes: one unknown name refuses the whole call, so this is the second try.
const SMALL_PUSH_EVENTS: [&str; 1] = ["repo:refs_changed"];
const SMALL_PULL_REQUEST_EVENTS: [&str; 4] =
    ["pr:opened", "pr:merged", "pr:declined", "pr:deleted"];

/// What every version takes.
fn small(request: &WebhookRequest) -> Vec<&'static str> {
    let mut events = SMALL_PUSH_EVENTS.to_vec();
    if request.pull_requests {
        events.extend(SMALL_PULL_REQUEST_EVENTS);
    }
    events
}

impl Hooks for DataCenterClient {
    async fn list(&self, address: &RepositoryAddress) -> Result<Vec<RemoteWebhook>, ApiError> {
        self.webhooks(address).await
    }

    /// With all events we want, and where an old server refuses a name, with those that every version takes.
    async fn write(
        &self,
        address: &RepositoryAddress,
        id: Option<&str>,
        request: &WebhookRequest,
    ) -> Result<RemoteWebhook, ApiError> {
        let mut all = PUSH_EVENTS.to_vec();
        if request.pull_requests {
            all.extend(PULL_REQUEST_EVENTS);
        }
        match self.write_hook(address, id, request, &all).await {
            Err(ApiError::Invalid { .. }) => {
                self.write_hook(address, id, request, &small(request)).await
            }
            other => other,
        }
    }

    async fn delete(&self, address: &RepositoryAddress, id: &str) -> Result<bool, ApiError> {
        self.delete_hook(address, id).await
    }

    fn events(&self, request: &WebhookRequest) -> Events {
        let needed = small(request);
        let mut wanted = PUSH_EVENTS.to_vec();
        if request.pull_requests {
            wanted.extend(PULL_REQUEST_EVENTS);
        }
        wanted.retain(|event| !needed.contains(event));
        Events { needed, wanted }
    }
}

impl DataCenterClient {
    /// All webhooks of a repository.
    pub async fn webhooks(
        &self,
        address: &RepositoryAddress,
    ) -> Result<Vec<RemoteWebhook>, ApiError> {
        let doing = format!("reading the webhooks of {}/{}", address.space, address.slug);
        let hooks: Vec<Webhook> = self
            .list(&format!("{}/webhooks", api_path(address)), &[], &doing)
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

    /// Whether our webhook is there and as it should be. The events that every version takes must be there; others are
    /// missing on old servers, which is told.
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

    async fn write_hook(
        &self,
        address: &RepositoryAddress,
        id: Option<&str>,
        request: &WebhookRequest,
        events: &[&str],
    ) -> Result<RemoteWebhook, ApiError> {
        let doing = format!(
            "{} the webhook of {}/{}",
            if id.is_some() {
                "repairing"
            } else {
                "creating"
            },
            address.space,
            address.slug
        );
        let hooks = format!("{}/webhooks", api_path(address));
        let (method, path) = match id {
            Some(id) => (Method::PUT, format!("{hooks}/{}", encode_path_part(id))),
            None => (Method::POST, hooks),
        };
        let body = json!({
            "name": request.name,
            "url": request.url.as_str(),
            "events": events,
            "active": true,
            "configuration": { "secret": request.secret.expose() },
            "sslVerificationRequired": request.verify_certificate,
        });
        let url = self.url(&path, &[], &doing)?;
        let hook: Webhook = self
            .send(Request::new(method, url, doing.clone()).json(&body))
            .await?
            .decode()?;
        remote_hook(hook).ok_or_else(|| ApiError::NotBitbucket {
            doing,
            detail: "the webhook has no number".to_owned(),
        })
    }

    /// Removes one webhook; false where it was gone already.
    async fn delete_hook(&self, address: &RepositoryAddress, id: &str) -> Result<bool, ApiError> {
        let doing = format!("removing the webhook of {}/{}", address.space, address.slug);
        let url = self.url(
            &format!("{}/webhooks/{}", api_path(address), encode_path_part(id)),
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

fn remote_hook(hook: Webhook) -> Option<RemoteWebhook> {
    Some(RemoteWebhook {
        id: hook.id?.to_string(),
        url: hook.url.unwrap_or_default(),
        active: hook.active.unwrap_or(true),
        events: hook.events,
        has_secret: Some(
            hook.configuration
                .and_then(|configuration| configuration.secret)
                .is_some_and(|secret| !secret.is_empty()),
        ),
        verifies_certificate: hook.ssl_verification_required,
    })
}
