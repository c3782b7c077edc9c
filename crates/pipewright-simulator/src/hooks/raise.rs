//! From an event to deliveries.

use std::sync::Arc;

use bytes::Bytes;

use super::rules::OutgoingEvent;
use crate::git::blocking;
use crate::installation::Installation;
use crate::state::RepositoryEvent;

impl Installation {
    /// Turns an event into deliveries to every webhook that listens. Returns when they are recorded and under way.
    pub(crate) async fn raise(self: &Arc<Self>, event: RepositoryEvent) {
        let listened = |tables: &crate::state::Tables| {
            tables
                .repository(event.repository)
                .is_some_and(|repository| !tables.webhooks_for(repository).is_empty())
        };
        if !self.read(listened) {
            return;
        }
        let repository = event.repository;
        let installation = Arc::clone(self);
        let outgoing = blocking(move || installation.rules().render(&installation, &event)).await;
        for OutgoingEvent { event_key, body } in outgoing {
            let body = Bytes::from(body.to_string());
            let webhooks = self.read(|tables| match tables.repository(repository) {
                Some(repository) => tables
                    .webhooks_for(repository)
                    .into_iter()
                    .cloned()
                    .collect::<Vec<_>>(),
                None => Vec::new(),
            });
            for webhook in webhooks
                .into_iter()
                .filter(|webhook| self.rules().listens(webhook, &event_key))
            {
                self.deliver(webhook, Some(repository), &event_key, body.clone());
            }
        }
    }
}
