//! Webhook registrations. The secret is never told, only whether there is one.

use serde_json::{Value, json};

use super::{Render, braced, braced_in_path, people, repository_summary};
use crate::state::{Webhook, WebhookSubject};

/// A webhook.
pub(in crate::cloud) fn hook(render: Render<'_>, webhook: &Webhook) -> Value {
    let api = &render.addresses.api_url;
    let (subject_type, subject, collection) = match webhook.subject {
        WebhookSubject::Repository(id) => {
            let subject = render
                .tables
                .repository(id)
                .map_or(Value::Null, |repository| {
                    repository_summary(render, repository)
                });
            (
                "repository",
                subject,
                format!("repositories/{}", render.tables.full_name(id)),
            )
        }
        WebhookSubject::Space(id) => match render.tables.space(id) {
            Some(space) => (
                "workspace",
                people::workspace_summary(render, space),
                format!("workspaces/{}", space.key),
            ),
            None => ("workspace", Value::Null, String::new()),
        },
    };
    json!({
        "type": "webhook_subscription",
        "uuid": braced(webhook.uuid),
        "description": webhook.name,
        "url": webhook.url,
        "active": webhook.active,
        "skip_cert_verification": !webhook.verify_tls,
        "events": webhook.events,
        "created_at": webhook.created_at.to_string(),
        "subject_type": subject_type,
        "subject": subject,
        "links": { "self": { "href": format!("{api}/{collection}/hooks/{}", braced_in_path(webhook.uuid)) } },
        "source": Value::Null,
        "read_only": false,
        "history_enabled": false,
        "secret_set": webhook.secret.is_some(),
    })
}
