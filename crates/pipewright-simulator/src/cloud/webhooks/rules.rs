//! Headers, time limit and resends; which body belongs to which event.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{pull_request, push, status};
use crate::cloud::wire::{self, Render};
use crate::git::GitError;
use crate::hooks::{DeliveryPolicy, OutgoingEvent, WebhookRules};
use crate::installation::Installation;
use crate::state::{Actor, EventKind, Repository, RepositoryEvent, Webhook};

/// Cloud's webhooks.
#[derive(Debug)]
pub(crate) struct CloudRules;

impl WebhookRules for CloudRules {
    fn render(&self, installation: &Installation, event: &RepositoryEvent) -> Vec<OutgoingEvent> {
        match body(installation, event) {
            Ok(Some((event_key, body))) => vec![OutgoingEvent { event_key, body }],
            Ok(None) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "a webhook of the simulated Cloud could not be written");
                Vec::new()
            }
        }
    }

    fn headers(
        &self,
        webhook: &Webhook,
        event_key: &str,
        request_id: Uuid,
        attempt: u32,
    ) -> Vec<(String, String)> {
        [
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "Bitbucket-Webhooks/2.0".to_owned()),
            ("X-Event-Key", event_key.to_owned()),
            ("X-Hook-UUID", webhook.uuid.to_string()),
            ("X-Request-UUID", request_id.to_string()),
            ("X-Attempt-Number", attempt.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// 10 seconds; two more attempts after a 5xx. The pause between them is not documented.
    fn policy(&self) -> DeliveryPolicy {
        DeliveryPolicy {
            timeout: Duration::from_secs(10),
            resends: 2,
            resend_pause: Duration::from_millis(200),
        }
    }
}

/// Actor and repository, which every body has.
pub(super) fn envelope(render: Render<'_>, actor: Actor, repository: &Repository) -> Value {
    json!({
        "actor": actor.user().map_or(Value::Null, |user| wire::user(render, user)),
        "repository": wire::repository_for_webhook(render, repository),
    })
}

fn body(
    installation: &Installation,
    event: &RepositoryEvent,
) -> Result<Option<(String, Value)>, GitError> {
    // Git is asked before the tables are locked.
    let gathered = match &event.kind {
        EventKind::Pushed(changes) => Some(push::gather(installation, event.repository, changes)?),
        _ => None,
    };
    let addresses = installation.addresses();
    Ok(installation.read(|tables| {
        let render = Render { tables, addresses };
        let repository = tables.repository(event.repository)?;
        let mut body = envelope(render, event.actor, repository);
        let key = match &event.kind {
            EventKind::Pushed(_) => {
                body["push"] = push::body(
                    render,
                    &tables.full_name(repository.id),
                    gathered.as_deref().unwrap_or_default(),
                );
                "repo:push".to_owned()
            }
            EventKind::PullRequest(request, action) => pull_request::fill(
                render,
                &mut body,
                request,
                action,
                installation.clock().now(),
            ),
            EventKind::StatusWritten(write, first) => {
                status::fill(render, &mut body, repository, write);
                if *first {
                    "repo:commit_status_created"
                } else {
                    "repo:commit_status_updated"
                }
                .to_owned()
            }
            EventKind::Renamed { old_slug } => {
                body["changes"] = renamed(render, repository, old_slug);
                "repo:updated".to_owned()
            }
            EventKind::Forked(fork) => {
                body["fork"] = tables.repository(*fork).map_or(Value::Null, |fork| {
                    wire::repository_for_webhook(render, fork)
                });
                "repo:fork".to_owned()
            }
            EventKind::Raw {
                event_key,
                body: raw,
            } => {
                body = raw.clone();
                event_key.clone()
            }
        };
        Some((key, body))
    }))
}

fn renamed(render: Render<'_>, repository: &Repository, old_slug: &str) -> Value {
    let full = render.tables.full_name(repository.id);
    let old_full = full
        .split_once('/')
        .map_or_else(String::new, |(space, _)| format!("{space}/{old_slug}"));
    json!({
        "name": { "new": repository.name, "old": old_slug },
        "slug": { "new": repository.slug, "old": old_slug },
        "full_name": { "new": full, "old": old_full },
    })
}
