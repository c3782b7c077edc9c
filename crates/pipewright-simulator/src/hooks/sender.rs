//! From a delivery to requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::signature::sign;
use crate::faults::HookFate;
use crate::installation::Installation;
use crate::state::{
    AttemptOutcome, Delivery, DeliveryAttempt, DeliveryId, DeliveryState, RepositoryId, Webhook,
};

/// How much of a receiver's answer is kept, as Data Center does.
const KEPT_ANSWER: usize = 16 * 1024;

/// What sending needs besides the tables.
#[derive(Debug)]
pub(crate) struct HookSender {
    checked: OnceLock<reqwest::Client>,
    unchecked: OnceLock<reqwest::Client>,
    /// The registrations of deliveries kept back, as they were when the event happened.
    kept: Mutex<HashMap<DeliveryId, Webhook>>,
    under_way: watch::Sender<usize>,
    pub(crate) stop: CancellationToken,
}

impl Default for HookSender {
    fn default() -> Self {
        Self {
            checked: OnceLock::new(),
            unchecked: OnceLock::new(),
            kept: Mutex::default(),
            under_way: watch::Sender::new(0),
            stop: CancellationToken::new(),
        }
    }
}

impl HookSender {
    fn client(&self, verify_tls: bool) -> &reqwest::Client {
        let slot = if verify_tls {
            &self.checked
        } else {
            &self.unchecked
        };
        slot.get_or_init(|| {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .tls_danger_accept_invalid_certs(!verify_tls)
                .build()
                .expect("cannot fail because nothing in these settings depends on the machine")
        })
    }

    fn keep(&self, delivery: DeliveryId, webhook: &Webhook) {
        self.kept
            .lock()
            .expect("cannot fail because no holder panics")
            .insert(delivery, webhook.clone());
    }

    fn take(&self, delivery: DeliveryId) -> Option<Webhook> {
        self.kept
            .lock()
            .expect("cannot fail because no holder panics")
            .remove(&delivery)
    }
}

impl Installation {
    /// Records a delivery and gives it the fate in store for it.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        webhook: Webhook,
        repository: Option<RepositoryId>,
        event_key: &str,
        body: Bytes,
    ) -> DeliveryId {
        let delivery = self.record(&webhook, repository, event_key, body);
        let fate = self.faults().webhooks().decide(delivery.id);
        let id = delivery.id;
        match fate {
            HookFate::Send => self.start_sending(vec![(id, webhook)]),
            HookFate::SendTwice => {
                let twin = self.write(|tables| {
                    let twin = Delivery {
                        id: DeliveryId(tables.next_id()),
                        ..delivery
                    };
                    tables.deliveries.insert(twin.id, twin.clone());
                    twin.id
                });
                self.start_sending(vec![(id, webhook.clone())]);
                self.start_sending(vec![(twin, webhook)]);
            }
            HookFate::Lose => self.mark(id, DeliveryState::Lost),
            HookFate::Keep => {
                self.sender().keep(id, &webhook);
                self.mark(id, DeliveryState::Held);
            }
            HookFate::SendInOrder(group) => {
                self.sender().keep(id, &webhook);
                self.send_kept(&group);
            }
        }
        id
    }

    /// Ends a hold and sends everything that was kept back, oldest first, one after another.
    pub fn release_webhooks(self: &Arc<Self>) {
        let released = self.faults().webhooks().release();
        self.send_kept(&released);
    }

    /// Sends a recorded delivery once more, with the same request id, as a new delivery. `None` when it is unknown or
    /// its webhook is gone.
    pub fn redeliver(self: &Arc<Self>, delivery: DeliveryId) -> Option<DeliveryId> {
        let (webhook, twin) = self.write(|tables| {
            let delivery = tables.deliveries.get(&delivery)?.clone();
            let webhook = tables.webhooks.get(&delivery.webhook)?.clone();
            let twin = Delivery {
                id: DeliveryId(tables.next_id()),
                attempts: Vec::new(),
                state: DeliveryState::Pending,
                ..delivery
            };
            tables.deliveries.insert(twin.id, twin.clone());
            Some((webhook, twin.id))
        })?;
        self.start_sending(vec![(twin, webhook)]);
        Some(twin)
    }

    /// Waits until no delivery is under way. Those kept back by a fault do not count.
    pub async fn settled(&self) {
        let mut under_way = self.sender().under_way.subscribe();
        // The sender lives as long as the installation, so the channel cannot close here.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    fn record(
        &self,
        webhook: &Webhook,
        repository: Option<RepositoryId>,
        event_key: &str,
        body: Bytes,
    ) -> Delivery {
        let now = self.clock().now();
        self.write(|tables| {
            let delivery = Delivery {
                id: DeliveryId(tables.next_id()),
                webhook: webhook.id,
                repository,
                event_key: event_key.to_owned(),
                request_id: crate::random::uuid(),
                url: webhook.url.clone(),
                body,
                attempts: Vec::new(),
                state: DeliveryState::Pending,
                created_at: now,
            };
            tables.deliveries.insert(delivery.id, delivery.clone());
            delivery
        })
    }

    fn mark(&self, delivery: DeliveryId, state: DeliveryState) {
        self.write(|tables| {
            if let Some(delivery) = tables.deliveries.get_mut(&delivery) {
                delivery.state = state;
            }
        });
    }

    fn send_kept(self: &Arc<Self>, group: &[DeliveryId]) {
        let group: Vec<_> = group
            .iter()
            .filter_map(|id| self.sender().take(*id).map(|webhook| (*id, webhook)))
            .collect();
        self.start_sending(group);
    }

    /// Sends a group one after another, in a task of its own.
    fn start_sending(self: &Arc<Self>, group: Vec<(DeliveryId, Webhook)>) {
        self.sender().under_way.send_modify(|count| *count += 1);
        let installation = Arc::clone(self);
        self.tasks().spawn(async move {
            for (delivery, webhook) in group {
                let stop = installation.sender().stop.clone();
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = installation.send(delivery, &webhook) => {}
                }
            }
            installation
                .sender()
                .under_way
                .send_modify(|count| *count -= 1);
        });
    }

    async fn send(&self, id: DeliveryId, webhook: &Webhook) {
        let Some(delivery) = self.read(|tables| tables.deliveries.get(&id).cloned()) else {
            return;
        };
        if !self.rules().admits(webhook, self.clock().now()) {
            return self.mark(id, DeliveryState::Skipped);
        }
        let policy = self.rules().policy();
        for number in 1..=policy.resends + 1 {
            if number > 1 {
                tokio::time::sleep(policy.resend_pause).await;
            }
            let attempt = self.attempt(&delivery, webhook, number).await;
            self.rules()
                .attempted(webhook, &attempt.outcome, self.clock().now());
            let again = matches!(
                attempt.outcome,
                AttemptOutcome::Answered { status: 500.., .. }
            );
            self.write(|tables| {
                if let Some(delivery) = tables.deliveries.get_mut(&id) {
                    delivery.attempts.push(attempt);
                }
            });
            if !again {
                break;
            }
        }
        self.mark(id, DeliveryState::Done);
    }

    async fn attempt(
        &self,
        delivery: &Delivery,
        webhook: &Webhook,
        number: u32,
    ) -> DeliveryAttempt {
        let mut headers =
            self.rules()
                .headers(webhook, &delivery.event_key, delivery.request_id, number);
        if let Some(secret) = &webhook.secret {
            headers.push(("X-Hub-Signature".to_owned(), sign(secret, &delivery.body)));
        }
        let mut request = self
            .sender()
            .client(webhook.verify_tls)
            .post(&delivery.url)
            .body(delivery.body.clone());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let sent_at = self.clock().now();
        let started = Instant::now();
        let outcome =
            match tokio::time::timeout(self.rules().policy().timeout, exchange(request)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => AttemptOutcome::Failed(error.without_url().to_string()),
                Err(_) => AttemptOutcome::TimedOut,
            };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        DeliveryAttempt {
            number,
            headers,
            sent_at,
            duration_ms,
            outcome,
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<AttemptOutcome, reqwest::Error> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() >= KEPT_ANSWER {
            body.truncate(KEPT_ANSWER);
            break;
        }
    }
    Ok(AttemptOutcome::Answered {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
