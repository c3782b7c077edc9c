//! Faults on demand.

use std::time::Duration;

use axum::Json;
use http::StatusCode;
use serde::Deserialize;

use super::world::Of;
use crate::faults::AnswerFault;

/// A fault as the control API takes it: `{"fault": name, …}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// `slow`: every answer comes later; 0 ends it.
    Slow {
        /// How much later.
        milliseconds: u64,
        /// Only paths that start so.
        #[serde(default)]
        path_prefix: Option<String>,
    },
    /// `answer`: some requests are answered with another status.
    Answer(AnswerFault),
    /// `lose-webhooks`: the next deliveries are never sent.
    LoseWebhooks {
        /// How many.
        count: u32,
    },
    /// `duplicate-webhooks`: the next deliveries are sent twice.
    DuplicateWebhooks {
        /// How many.
        count: u32,
    },
    /// `reorder-webhooks`: the next deliveries are kept back and then sent last first.
    ReorderWebhooks {
        /// How many.
        count: usize,
    },
    /// `hold-webhooks`: deliveries are kept back.
    HoldWebhooks,
    /// `release-webhooks`: ends the hold and sends what was kept back.
    ReleaseWebhooks,
    /// `unreachable`: the ports drop every connection, or no longer.
    Unreachable {
        /// Which.
        unreachable: bool,
    },
}

pub(super) async fn add(Of(installation): Of, Json(fault): Json<Fault>) -> StatusCode {
    let faults = installation.faults();
    match fault {
        Fault::Slow {
            milliseconds,
            path_prefix,
        } => faults.slow(Duration::from_millis(milliseconds), path_prefix.as_deref()),
        Fault::Answer(fault) => faults.answer(fault),
        Fault::LoseWebhooks { count } => faults.lose_webhooks(count),
        Fault::DuplicateWebhooks { count } => faults.duplicate_webhooks(count),
        Fault::ReorderWebhooks { count } => faults.reorder_webhooks(count),
        Fault::HoldWebhooks => faults.hold_webhooks(),
        Fault::ReleaseWebhooks => installation.release_webhooks(),
        Fault::Unreachable { unreachable } => faults.unreachable(unreachable),
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn clear(Of(installation): Of) -> StatusCode {
    installation.faults().clear();
    installation.release_webhooks();
    StatusCode::NO_CONTENT
}
