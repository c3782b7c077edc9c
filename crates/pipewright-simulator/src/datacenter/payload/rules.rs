//! Data Center's side of the product-neutral sender.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{breaker::Breaker, push::PushCommits};
use crate::{
    datacenter::{
        moment::payload_date,
        server::links,
        settings::Settings,
        wire::{Audience, Render},
    },
    hooks::{DeliveryPolicy, OutgoingEvent, WebhookRules},
    installation::Installation,
    state::{Actor, AttemptOutcome, EventKind, RepositoryEvent, Webhook, WebhookId},
};

/// The rules of one installation.
#[derive(Debug)]
pub(crate) struct DatacenterRules {
    settings: Arc<Settings>,
    breakers: Mutex<HashMap<WebhookId, Breaker>>,
}

impl DatacenterRules {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            breakers: Mutex::default(),
        }
    }

    /// Renders with everything a payload may show.
    pub(in crate::datacenter) fn with_render<T>(
        installation: &Installation,
        settings: &Settings,
        look: impl FnOnce(&Render<'_>) -> T,
    ) -> T {
        let links = links(installation, settings);
        let version = settings.version();
        installation.read(|tables| {
            look(&Render {
                tables,
                links: &links,
                version,
                audience: Audience::Payload,
            })
        })
    }
}

/// The fields every body begins with.
pub(in crate::datacenter) fn envelope(
    render: &Render<'_>,
    actor: Actor,
    now: Timestamp,
    (event_key, body): (&str, Value),
) -> OutgoingEvent {
    let mut whole = Map::from_iter([
        ("eventKey".to_owned(), json!(event_key)),
        ("date".to_owned(), json!(payload_date(now))),
    ]);
    // An access key is nobody's account. What the real product puts here for one is not known, so nothing is.
    if let Some(user) = actor.user().and_then(|user| render.user_by_id(user)) {
        whole.insert("actor".to_owned(), json!(user));
    }
    if let Value::Object(body) = body {
        whole.extend(body);
    }
    OutgoingEvent {
        event_key: event_key.to_owned(),
        body: Value::Object(whole),
    }
}

impl WebhookRules for DatacenterRules {
    fn render(&self, installation: &Installation, event: &RepositoryEvent) -> Vec<OutgoingEvent> {
        let now = installation.clock().now();
        let commits = match &event.kind {
            EventKind::Pushed(changes) => {
                PushCommits::read(installation.git(), event.repository, changes)
            }
            _ => PushCommits::default(),
        };
        Self::with_render(installation, &self.settings, |render| {
            let bodies = match &event.kind {
                EventKind::Pushed(changes) => {
                    vec![(
                        "repo:refs_changed",
                        json!(render.push(event.repository, changes, &commits)),
                    )]
                }
                EventKind::PullRequest(pull_request, action) => {
                    render.pull_request_events(pull_request, action)
                }
                EventKind::Renamed { old_slug } => render
                    .renamed(event.repository, old_slug)
                    .into_iter()
                    .collect(),
                EventKind::Forked(fork) => render.forked(*fork).into_iter().collect(),
                // Data Center has no webhook for build statuses.
                EventKind::StatusWritten(..) => Vec::new(),
                EventKind::Raw { event_key, body } => {
                    return vec![OutgoingEvent {
                        event_key: event_key.clone(),
                        body: body.clone(),
                    }];
                }
            };
            bodies
                .into_iter()
                .map(|named| envelope(render, event.actor, now, named))
                .collect()
        })
    }

    fn headers(
        &self,
        webhook: &Webhook,
        event_key: &str,
        request_id: Uuid,
        _attempt: u32,
    ) -> Vec<(String, String)> {
        let version = self.settings.version();
        let mut headers = vec![
            (
                "Content-Type".to_owned(),
                "application/json; charset=utf-8".to_owned(),
            ),
            (
                "User-Agent".to_owned(),
                format!("Atlassian HttpClient 4.1.2 / Bitbucket-{version} / Default"),
            ),
            ("X-Event-Key".to_owned(), event_key.to_owned()),
            ("X-Request-Id".to_owned(), request_id.to_string()),
        ];
        if let Some(credentials) = &webhook.credentials {
            let pair = BASE64_STANDARD
                .encode(format!("{}:{}", credentials.username, credentials.password));
            headers.push(("Authorization".to_owned(), format!("Basic {pair}")));
        }
        headers
    }

    fn policy(&self) -> DeliveryPolicy {
        DeliveryPolicy {
            timeout: Duration::from_secs(20),
            resends: 0,
            resend_pause: Duration::ZERO,
        }
    }

    fn admits(&self, webhook: &Webhook, now: Timestamp) -> bool {
        let breakers = self
            .breakers
            .lock()
            .expect("cannot fail because no holder panics");
        breakers
            .get(&webhook.id)
            .is_none_or(|breaker| breaker.admits(now))
    }

    fn attempted(&self, webhook: &Webhook, outcome: &AttemptOutcome, now: Timestamp) {
        let mut breakers = self
            .breakers
            .lock()
            .expect("cannot fail because no holder panics");
        breakers
            .entry(webhook.id)
            .or_default()
            .attempted(outcome.is_success(), now);
    }
}
