//! What a webhook's administrator sees of its deliveries: the connection test, the last delivery, the counters.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::webhooks::Credentials;
use crate::{
    datacenter::{
        caller::Caller,
        error::{ApiError, ApiResult},
        server::{Server, no_content, ok},
    },
    random,
    state::{AttemptOutcome, Delivery, DeliveryAttempt, DeliveryState, Tables, Webhook, WebhookId},
};

/// The query of the connection test.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct TestQuery {
    url: Option<String>,
    webhook_id: Option<u64>,
    ssl_verification_required: Option<String>,
}

/// The query of the last delivery.
#[derive(Debug, Deserialize)]
pub(in crate::datacenter) struct LatestQuery {
    event: Option<String>,
    outcome: Option<String>,
}

/// How long the answer to a connection test is waited for: the product's own limit and a little for ourselves.
const TEST_TIME: Duration = Duration::from_secs(25);

/// Sends `diagnostics:ping`, unsigned whatever the webhook's secret, and answers with how it went.
pub(in crate::datacenter) async fn test(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug)): Path<(String, String)>,
    Query(query): Query<TestQuery>,
    body: Bytes,
) -> ApiResult {
    let subject = server.repository_subject(&caller, &key, &slug)?;
    // The document calls the address optional; servers fail without it.
    let url = query
        .url
        .ok_or_else(|| ApiError::internal("An error occurred while processing the request."))?;
    let credentials = serde_json::from_slice::<Credentials>(&body)
        .ok()
        .map(Credentials::into_stored);
    let now = server.now();
    let webhook = Webhook {
        id: WebhookId(query.webhook_id.unwrap_or(0)),
        uuid: random::uuid(),
        subject,
        name: "test".to_owned(),
        url: url.clone(),
        secret: None,
        events: Vec::new(),
        active: true,
        verify_tls: query.ssl_verification_required.as_deref() != Some("false"),
        credentials,
        created_at: now,
        updated_at: now,
    };
    let ping = Bytes::from_static(br#"{"test": true}"#);
    let delivery = server
        .installation
        .deliver(webhook, None, "diagnostics:ping", ping);
    let done = server
        .installation
        .wait_until(TEST_TIME, |tables| {
            let delivery = tables.deliveries.get(&delivery)?;
            (delivery.state != DeliveryState::Pending).then(|| delivery.clone())
        })
        .await;
    let attempt = done.as_ref().and_then(|delivery| delivery.attempts.last());
    let response = match attempt.map(|attempt| &attempt.outcome) {
        Some(AttemptOutcome::Answered { status, body }) => {
            json!({ "statusCode": status, "headers": {}, "body": body })
        }
        Some(AttemptOutcome::Failed(why)) => json!({ "error": { "message": why } }),
        Some(AttemptOutcome::TimedOut) | None => {
            json!({ "error": { "message": "Read timed out" } })
        }
    };
    let request = json!({
        "method": "POST", "url": url, "body": "{\"test\": true}",
        "headers": header_object(attempt.map_or(&[], |attempt| attempt.headers.as_slice())),
    });
    Ok(ok(json!({ "request": request, "response": response })))
}

/// The last delivery of a webhook with its request and its result; 204 when there is none.
pub(in crate::datacenter) async fn latest(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
    Query(query): Query<LatestQuery>,
) -> ApiResult {
    let subject = server.repository_subject(&caller, &key, &slug)?;
    server.with_webhook(subject, id, |render, webhook| {
        let last = sent(render.tables, webhook.id)
            .filter(|(delivery, _)| {
                query
                    .event
                    .as_deref()
                    .is_none_or(|event| delivery.event_key == event)
            })
            .filter(|(_, attempt)| {
                query
                    .outcome
                    .as_deref()
                    .is_none_or(|wanted| outcome_of(attempt) == wanted)
            })
            .last();
        last.map_or_else(no_content, |(delivery, attempt)| {
            ok(invocation(delivery, attempt))
        })
    })
}

/// Counters of one event or of all together.
pub(in crate::datacenter) async fn statistics(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
    Query(query): Query<LatestQuery>,
) -> ApiResult {
    let subject = server.repository_subject(&caller, &key, &slug)?;
    server.with_webhook(subject, id, |render, webhook| {
        let rows = sent(render.tables, webhook.id).filter(|(delivery, _)| {
            query
                .event
                .as_deref()
                .is_none_or(|event| delivery.event_key == event)
        });
        ok(history(rows))
    })
}

/// Counters of each event.
pub(in crate::datacenter) async fn statistics_summary(
    State(server): State<Arc<Server>>,
    Extension(caller): Extension<Caller>,
    Path((key, slug, id)): Path<(String, String, u64)>,
) -> ApiResult {
    let subject = server.repository_subject(&caller, &key, &slug)?;
    server.with_webhook(subject, id, |render, webhook| {
        ok(statistics_by_event(render.tables, webhook.id))
    })
}

pub(super) fn statistics_by_event(tables: &Tables, webhook: WebhookId) -> Value {
    let mut by_event: BTreeMap<&str, Vec<(&Delivery, &DeliveryAttempt)>> = BTreeMap::new();
    for (delivery, attempt) in sent(tables, webhook) {
        by_event
            .entry(&delivery.event_key)
            .or_default()
            .push((delivery, attempt));
    }
    by_event
        .into_iter()
        .map(|(event, rows)| (event.to_owned(), history(rows.into_iter())))
        .collect()
}

/// Deliveries of a webhook that were really sent, oldest first.
fn sent(
    tables: &Tables,
    webhook: WebhookId,
) -> impl Iterator<Item = (&Delivery, &DeliveryAttempt)> {
    tables
        .deliveries
        .values()
        .filter(move |delivery| delivery.webhook == webhook)
        .filter_map(|delivery| Some((delivery, delivery.attempts.last()?)))
}

/// `SUCCESS`; `FAILURE` when the receiver answered something else than 2xx; `ERROR` when it did not answer.
fn outcome_of(attempt: &DeliveryAttempt) -> &'static str {
    match &attempt.outcome {
        AttemptOutcome::Answered { .. } if attempt.outcome.is_success() => "SUCCESS",
        AttemptOutcome::Answered { .. } => "FAILURE",
        AttemptOutcome::TimedOut | AttemptOutcome::Failed(_) => "ERROR",
    }
}

fn invocation(delivery: &Delivery, attempt: &DeliveryAttempt) -> Value {
    let description = match &attempt.outcome {
        AttemptOutcome::Answered { status, .. } => status.to_string(),
        AttemptOutcome::TimedOut => "Read timed out".to_owned(),
        AttemptOutcome::Failed(why) => why.clone(),
    };
    let start = attempt.sent_at.as_millisecond();
    json!({
        "id": delivery.id.0,
        "event": delivery.event_key,
        "eventScope": { "id": delivery.repository.map_or(0, |id| id.0).to_string(), "type": "repository" },
        "start": start,
        "finish": start + i64::try_from(attempt.duration_ms).unwrap_or(0),
        "duration": attempt.duration_ms,
        "request": {
            "method": "POST", "url": delivery.url, "headers": header_object(&attempt.headers),
            "body": String::from_utf8_lossy(&delivery.body),
        },
        "result": { "description": description, "outcome": outcome_of(attempt) },
    })
}

fn history<'t>(rows: impl Iterator<Item = (&'t Delivery, &'t DeliveryAttempt)>) -> Value {
    let mut counts = BTreeMap::from([("successes", 0), ("failures", 0), ("errors", 0)]);
    let mut last: BTreeMap<&str, Value> = BTreeMap::new();
    for (delivery, attempt) in rows {
        let (count, newest) = match outcome_of(attempt) {
            "SUCCESS" => ("successes", "lastSuccess"),
            "FAILURE" => ("failures", "lastFailure"),
            _ => ("errors", "lastError"),
        };
        *counts.entry(count).or_default() += 1;
        last.insert(newest, invocation(delivery, attempt));
    }
    let mut answer = json!({ "counts": counts });
    for (name, invocation) in last {
        answer[name] = invocation;
    }
    answer
}

fn header_object(headers: &[(String, String)]) -> Value {
    let shown = headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    shown
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
