//! What goes wrong on purpose, per installation: slow and failing answers, webhooks lost, doubled, reordered or kept
//! back, and the whole place unreachable.
//!
//! A fault stays until it is used up or [`Faults::clear`] is called. A revoked grant and a changed SSH host key are not
//! here: they are ordinary changes of state (`Cloud::revoke_grant`, `Installation::change_ssh_host_key`).

mod answers;
mod gate;
mod webhooks;

use std::sync::Mutex;
use std::time::Duration;

pub(crate) use answers::inject;
pub(crate) use gate::{Gate, GatedListener};
pub(crate) use webhooks::{HookFate, WebhookFaults};

/// An answer that replaces the real one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AnswerFault {
    /// HTTP status to answer with.
    pub status: u16,
    /// How many requests still meet it; `None` until cleared.
    #[serde(default)]
    pub requests: Option<u32>,
    /// Only paths that start so, such as `/2.0/repositories/`; `None` for every path.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// Only this method, such as `POST`; `None` for every method.
    #[serde(default)]
    pub method: Option<String>,
    /// Seconds for a `Retry-After` header.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// Do the work and then answer with the status, so that the caller does not know it was done.
    #[serde(default)]
    pub after_the_fact: bool,
}

impl AnswerFault {
    /// The next `requests` requests are answered with `status`.
    pub fn next(requests: u32, status: u16) -> Self {
        Self {
            status,
            requests: Some(requests),
            path_prefix: None,
            method: None,
            retry_after: None,
            after_the_fact: false,
        }
    }

    /// Every request under `path_prefix` is answered with `status` until the faults are cleared.
    pub fn under(path_prefix: &str, status: u16) -> Self {
        Self {
            requests: None,
            path_prefix: Some(path_prefix.to_owned()),
            ..Self::next(0, status)
        }
    }
}

/// What goes wrong on purpose at one installation.
#[derive(Debug, Default)]
pub struct Faults {
    answers: Mutex<answers::AnswerFaults>,
    webhooks: Mutex<WebhookFaults>,
    gate: Gate,
}

impl Faults {
    /// Every answer (under `path_prefix`, when given) comes this much later. [`Duration::ZERO`] ends it.
    pub fn slow(&self, delay: Duration, path_prefix: Option<&str>) {
        self.answers().delay = (!delay.is_zero()).then(|| (delay, path_prefix.map(str::to_owned)));
    }

    /// Adds an answer fault; the first that matches a request is used.
    pub fn answer(&self, fault: AnswerFault) {
        self.answers().queue.push(fault);
    }

    /// The next `requests` requests are answered with `status` (500, 502, 503, 504, 555 …).
    pub fn fail_next(&self, requests: u32, status: u16) {
        self.answer(AnswerFault::next(requests, status));
    }

    /// The next `requests` requests are answered with 429.
    pub fn rate_limit_next(&self, requests: u32, retry_after: Option<u64>) {
        self.answer(AnswerFault {
            retry_after,
            ..AnswerFault::next(requests, 429)
        });
    }

    /// The next `count` deliveries are lost: recorded, never sent.
    pub fn lose_webhooks(&self, count: u32) {
        self.webhooks().lose = count;
    }

    /// The next `count` deliveries are sent twice, with the same request id.
    pub fn duplicate_webhooks(&self, count: u32) {
        self.webhooks().duplicate = count;
    }

    /// The next `count` deliveries are kept back until the last of them is there, then sent last first, each after the
    /// one before it was answered.
    pub fn reorder_webhooks(&self, count: usize) {
        self.webhooks().reorder = count;
    }

    /// Keeps every delivery back until `Installation::release_webhooks`.
    pub fn hold_webhooks(&self) {
        self.webhooks().hold = true;
    }

    /// Makes the installation's ports (HTTP and SSH) drop every connection at once, open ones too, or ends that.
    pub fn unreachable(&self, unreachable: bool) {
        self.gate.set_closed(unreachable);
    }

    /// Ends every fault. Deliveries already kept back stay so until released.
    pub fn clear(&self) {
        *self.answers() = answers::AnswerFaults::default();
        let mut webhooks = self.webhooks();
        webhooks.lose = 0;
        webhooks.duplicate = 0;
        webhooks.reorder = 0;
        webhooks.hold = false;
        self.gate.set_closed(false);
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, answers::AnswerFaults> {
        self.answers
            .lock()
            .expect("cannot fail because no holder panics")
    }

    pub(crate) fn webhooks(&self) -> std::sync::MutexGuard<'_, WebhookFaults> {
        self.webhooks
            .lock()
            .expect("cannot fail because no holder panics")
    }
}
