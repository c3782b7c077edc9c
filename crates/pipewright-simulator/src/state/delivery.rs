//! What was sent to webhooks, kept whole, so that tests can look.

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::ids::{DeliveryId, RepositoryId, WebhookId};

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The receiver answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// First 16 KiB of the body.
        body: String,
    },
    /// No answer within the product's time limit.
    TimedOut,
    /// No connection, or it broke.
    Failed(
        /// The client's words.
        String,
    ),
}

impl AttemptOutcome {
    /// Whether the answer was 2xx.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status, .. } if (200..300).contains(status))
    }
}

/// One request made to a webhook.
#[derive(Debug, Clone)]
pub struct DeliveryAttempt {
    /// 1, 2, 3.
    pub number: u32,
    /// Headers as sent.
    pub headers: Vec<(String, String)>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Milliseconds until the outcome was known.
    pub duration_ms: u64,
    /// What came of it.
    pub outcome: AttemptOutcome,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waiting to be sent, or being sent.
    Pending,
    /// Kept back by a fault until released.
    Held,
    /// Dropped by a fault, as if Bitbucket had lost it; nothing was sent.
    Lost,
    /// Dropped by the product's own rule (Data Center's circuit breaker); nothing was sent.
    Skipped,
    /// Attempts are over; the last one's outcome tells how it went.
    Done,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Number in order of creation.
    pub id: DeliveryId,
    /// The registration it goes to.
    pub webhook: WebhookId,
    /// The repository the event is about.
    pub repository: Option<RepositoryId>,
    /// Event name, such as `repo:push`.
    pub event_key: String,
    /// Request id, the same for every attempt (and for a duplicate made by a fault).
    pub request_id: Uuid,
    /// Where it goes.
    pub url: String,
    /// Body, byte for byte as signed.
    pub body: Bytes,
    /// Requests made so far, in order.
    pub attempts: Vec<DeliveryAttempt>,
    /// Where it stands.
    pub state: DeliveryState,
    /// When the event happened.
    pub created_at: Timestamp,
}
