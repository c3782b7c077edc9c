//! The tables' records as JSON for the control API.

use serde_json::{Value, json};

use crate::state::{
    AttemptOutcome, Delivery, DeliveryAttempt, PullRequest, SshKey, StatusWrite, Webhook,
};

pub(super) fn key(key: &SshKey) -> Value {
    json!({ "id": key.id, "key": key.openssh(), "comment": key.comment, "label": key.label, "fingerprint": key.fingerprint })
}

pub(super) fn status(write: &StatusWrite) -> Value {
    json!({
        "key": write.key,
        "state": write.state,
        "name": write.name,
        "url": write.url,
        "description": write.description,
        "refname": write.refname,
        "extra": write.extra,
        "written_at": write.written_at.to_string(),
    })
}

pub(super) fn webhook(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "uuid": webhook.uuid,
        "name": webhook.name,
        "url": webhook.url,
        "secret": webhook.secret,
        "events": webhook.events,
        "active": webhook.active,
    })
}

pub(super) fn delivery(delivery: &Delivery) -> Value {
    let body = String::from_utf8_lossy(&delivery.body);
    json!({
        "id": delivery.id,
        "webhook": delivery.webhook,
        "event_key": delivery.event_key,
        "request_id": delivery.request_id,
        "url": delivery.url,
        "state": delivery.state,
        "body": body,
        "attempts": delivery.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &DeliveryAttempt) -> Value {
    let (status, problem) = match &attempt.outcome {
        AttemptOutcome::Answered { status, .. } => (Some(*status), None),
        AttemptOutcome::TimedOut => (None, Some("timed out".to_owned())),
        AttemptOutcome::Failed(problem) => (None, Some(problem.clone())),
    };
    json!({
        "number": attempt.number,
        "headers": attempt.headers,
        "sent_at": attempt.sent_at.to_string(),
        "milliseconds": attempt.duration_ms,
        "status": status,
        "problem": problem,
    })
}

pub(super) fn pull_request(request: &PullRequest) -> Value {
    json!({
        "number": request.number,
        "title": request.title,
        "state": request.state,
        "source": { "ref": request.source.ref_name, "commit": request.source.commit },
        "destination": { "ref": request.destination.ref_name, "commit": request.destination.commit },
        "merge_commit": request.merge_commit,
    })
}
