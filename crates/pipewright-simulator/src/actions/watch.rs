//! Looking at what others did: statuses written, webhooks registered, deliveries sent.

use std::sync::Arc;
use std::time::Duration;

use super::ActionError;
use crate::installation::Installation;
use crate::state::{
    Actor, Delivery, EventKind, RepositoryEvent, StatusWrite, Webhook, WebhookId, WebhookSubject,
};

impl Installation {
    /// Every accepted status write on a commit of a repository, in order. Writes of Data Center's old resource, which
    /// knows no repository, are among them.
    pub fn statuses(
        &self,
        repository: &str,
        commit: &str,
    ) -> Result<Vec<StatusWrite>, ActionError> {
        let id = self.repository_id(repository)?;
        Ok(self.read(|tables| {
            let writes = tables.statuses.get(commit).into_iter().flatten();
            writes
                .filter(|write| write.repository.is_none_or(|repository| repository == id))
                .cloned()
                .collect()
        }))
    }

    /// Waits until the status with `key` on a commit (any key, when `None`) is in one of `states`; `None` when the time
    /// is over.
    pub async fn wait_for_status(
        &self,
        repository: &str,
        commit: &str,
        key: Option<&str>,
        states: &[&str],
        timeout: Duration,
    ) -> Option<StatusWrite> {
        let id = self.repository_id(repository).ok()?;
        self.wait_until(timeout, |tables| {
            let fits = |status: &&&StatusWrite| {
                status.repository.is_none_or(|repository| repository == id)
                    && key.is_none_or(|key| status.key == key)
                    && states.contains(&status.state.as_str())
            };
            tables
                .current_statuses(commit)
                .iter()
                .find(fits)
                .map(|status| (*status).clone())
        })
        .await
    }

    /// The webhooks of a repository, oldest first.
    pub fn webhooks(&self, repository: &str) -> Result<Vec<Webhook>, ActionError> {
        let subject = WebhookSubject::Repository(self.repository_id(repository)?);
        Ok(self.read(|tables| {
            tables
                .webhooks
                .values()
                .filter(|webhook| webhook.subject == subject)
                .cloned()
                .collect()
        }))
    }

    /// Registers a webhook without asking for permission, as a person does on the settings page.
    pub fn add_webhook(
        &self,
        repository: &str,
        url: &str,
        secret: Option<&str>,
        events: &[&str],
    ) -> Result<WebhookId, ActionError> {
        let subject = WebhookSubject::Repository(self.repository_id(repository)?);
        let now = self.clock().now();
        Ok(self.write(|tables| {
            let id = WebhookId(tables.next_id());
            let webhook = Webhook {
                id,
                uuid: crate::random::uuid(),
                subject,
                name: "simulator".to_owned(),
                url: url.to_owned(),
                secret: secret.map(str::to_owned),
                events: events.iter().map(|event| (*event).to_owned()).collect(),
                active: true,
                verify_tls: true,
                credentials: None,
                created_at: now,
                updated_at: now,
            };
            tables.webhooks.insert(id, webhook);
            id
        }))
    }

    /// Everything sent or kept from sending about a repository, oldest first.
    pub fn deliveries(&self, repository: &str) -> Result<Vec<Delivery>, ActionError> {
        let id = self.repository_id(repository)?;
        Ok(self.read(|tables| {
            tables
                .deliveries
                .values()
                .filter(|delivery| delivery.repository == Some(id))
                .cloned()
                .collect()
        }))
    }

    /// Sends a body made by the caller to the webhooks of a repository that listen to `event_key`.
    pub async fn send_raw_event(
        self: &Arc<Self>,
        repository: &str,
        event_key: &str,
        body: serde_json::Value,
    ) -> Result<(), ActionError> {
        let repository = self.repository_id(repository)?;
        let kind = EventKind::Raw {
            event_key: event_key.to_owned(),
            body,
        };
        self.raise(RepositoryEvent {
            repository,
            actor: Actor::Unknown,
            kind,
        })
        .await;
        Ok(())
    }
}
