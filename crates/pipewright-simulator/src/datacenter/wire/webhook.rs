//! Webhook registrations.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::render::Render;
use crate::{
    datacenter::moment::Moment,
    state::{Webhook, WebhookSubject},
};

/// A registration. The secret comes back in clear to every administrator.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::datacenter) struct WireWebhook {
    id: u64,
    name: String,
    created_date: Moment,
    updated_date: Moment,
    events: Vec<String>,
    configuration: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<WireCredentials>,
    url: String,
    active: bool,
    scope_type: &'static str,
    ssl_verification_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Value>,
}

/// Credentials without the password, which is write-only.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct WireCredentials {
    username: String,
}

impl Render<'_> {
    /// A registration, with its counters when they were asked for.
    pub(in crate::datacenter) fn webhook(
        &self,
        webhook: &Webhook,
        statistics: Option<Value>,
    ) -> WireWebhook {
        WireWebhook {
            id: webhook.id.0,
            name: webhook.name.clone(),
            created_date: self.moment(webhook.created_at),
            updated_date: self.moment(webhook.updated_at),
            events: webhook.events.clone(),
            configuration: webhook
                .secret
                .iter()
                .map(|secret| ("secret", secret.clone()))
                .collect(),
            credentials: webhook.credentials.as_ref().map(|held| WireCredentials {
                username: held.username.clone(),
            }),
            url: webhook.url.clone(),
            active: webhook.active,
            scope_type: match webhook.subject {
                WebhookSubject::Repository(_) => "repository",
                WebhookSubject::Space(_) => "project",
            },
            ssl_verification_required: webhook.verify_tls,
            statistics,
        }
    }
}
