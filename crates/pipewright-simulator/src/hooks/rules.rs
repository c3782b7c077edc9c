//! What the two products do differently with webhooks.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::installation::Installation;
use crate::state::{AttemptOutcome, RepositoryEvent, Webhook};

/// How long a product waits for a receiver and how often it tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliveryPolicy {
    /// Time for one whole request, on the machine's clock.
    pub(crate) timeout: Duration,
    /// Further attempts after the first when the answer is 5xx.
    pub(crate) resends: u32,
    /// Pause before a further attempt.
    pub(crate) resend_pause: Duration,
}

/// A body ready to be sent, and the event's name.
#[derive(Debug, Clone)]
pub(crate) struct OutgoingEvent {
    /// Event name, such as `repo:push`.
    pub(crate) event_key: String,
    /// Body.
    pub(crate) body: Value,
}

/// One product's webhooks.
pub(crate) trait WebhookRules: fmt::Debug + Send + Sync {
    /// The bodies that an event becomes: none, one, or several (one push is two events for some receivers). Runs on the
    /// blocking pool and may ask git.
    fn render(&self, installation: &Installation, event: &RepositoryEvent) -> Vec<OutgoingEvent>;

    /// Headers of one attempt, except `Content-Length`, `Host` and `X-Hub-Signature`, which the sender adds.
    fn headers(
        &self,
        webhook: &Webhook,
        event_key: &str,
        request_id: Uuid,
        attempt: u32,
    ) -> Vec<(String, String)>;

    /// Time limit and resends.
    fn policy(&self) -> DeliveryPolicy;

    /// Whether a webhook gets an event of this name.
    fn listens(&self, webhook: &Webhook, event_key: &str) -> bool {
        webhook.events.iter().any(|event| event == event_key)
    }

    /// Whether a delivery may be sent now; `false` drops it as skipped (Data Center's circuit breaker).
    fn admits(&self, webhook: &Webhook, now: Timestamp) -> bool {
        let _ = (webhook, now);
        true
    }

    /// Told after each attempt.
    fn attempted(&self, webhook: &Webhook, outcome: &AttemptOutcome, now: Timestamp) {
        let _ = (webhook, outcome, now);
    }
}
