//! One recorded exchange, and the ring that holds the newest ones.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::installation::Product;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The product that was asked.
    pub product: Product,
    /// The method in capitals.
    pub method: String,
    /// The path as it was sent: still encoded, with any context path.
    pub path: String,
    /// The query as it was sent, without its question mark.
    pub query: Option<String>,
    /// The request's body, when it was JSON.
    pub request: Option<Value>,
    /// The status of the answer.
    pub status: u16,
    /// The answer's content type.
    pub answer_type: Option<String>,
    /// The answer's body, when it was JSON.
    pub answer: Option<Value>,
}

/// Keeps the newest exchanges of one product; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    product: Product,
    ring: Arc<Mutex<VecDeque<Exchange>>>,
}

/// How many exchanges are kept; the oldest go first. A demonstration runs for days, a test makes hundreds.
pub const KEPT_EXCHANGES: usize = 10_000;

impl Recorder {
    /// An empty record.
    pub fn new(product: Product) -> Self {
        Self {
            product,
            ring: Arc::default(),
        }
    }

    /// The product that this recorder listens to.
    pub fn product(&self) -> Product {
        self.product
    }

    /// Everything recorded and still kept, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Forgets everything recorded so far.
    pub fn clear(&self) {
        self.ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(super) fn push(&self, exchange: Exchange) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT_EXCHANGES {
            ring.pop_front();
        }
        ring.push_back(exchange);
    }
}
