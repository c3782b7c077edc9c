//! Everything that happened, as text: what a failed expectation prints.

use std::fmt::Write as _;

use pipewright_store::deliveries::DeliveryFilter;
use pipewright_store::{attempts, decisions, deliveries, statuses};

use super::server::TestServer;

impl TestServer {
    /// Deliveries with their decisions, builds with their attempts and statuses, and what Bitbucket sent.
    pub async fn history(&self) -> String {
        let mut text = String::from("what Bitbucket sent:\n");
        // Writing to a String cannot fail.
        for sent in self
            .bitbucket()
            .deliveries(self.repository())
            .unwrap_or_default()
        {
            let _ = writeln!(
                text,
                "  {} {:?} {:?}",
                sent.event_key,
                sent.state,
                sent.attempts.last().map(|attempt| &attempt.outcome)
            );
        }
        text.push_str("deliveries:\n");
        let listed = deliveries::list(
            &self.app.db,
            self.account(),
            &DeliveryFilter::default(),
            100,
        )
        .await
        .unwrap_or_default();
        for delivery in listed.iter().rev() {
            let (state, origin) = (delivery.state.as_str(), delivery.origin.as_str());
            let _ = writeln!(
                text,
                "  {} {origin} {state} tries {} {:?}",
                delivery.event_key, delivery.tries, delivery.message
            );
            for made in decisions::of_delivery(&self.app.db, self.account(), delivery.id)
                .await
                .unwrap_or_default()
            {
                let _ = writeln!(
                    text,
                    "    {:?}: {} ({})",
                    made.ref_name, made.sentence, made.reason
                );
            }
        }
        text.push_str("builds:\n");
        for build in self.builds().await {
            let (state, trigger) = (build.state.as_str(), build.trigger.as_str());
            let commit = build.commit.short();
            let _ = writeln!(
                text,
                "  #{} {state} {trigger} {} {commit} {:?}",
                build.number, build.ref_name, build.state_message
            );
            for attempt in attempts::of_build(&self.app.db, build.id)
                .await
                .unwrap_or_default()
            {
                let (state, outcome) = (
                    attempt.state.as_str(),
                    attempt
                        .outcome
                        .map(pipewright_core::build::AttemptOutcome::as_str),
                );
                let _ = writeln!(
                    text,
                    "    attempt {} {state} {outcome:?} {:?} {:?}",
                    attempt.number, attempt.exit_code, attempt.message
                );
            }
            for status in statuses::of_build(&self.app.db, build.id)
                .await
                .unwrap_or_default()
            {
                let sent = if status.sent_at.is_some() {
                    "sent"
                } else {
                    "not sent"
                };
                let _ = writeln!(
                    text,
                    "    status {} {sent}, tries {}, {:?}",
                    status.state.as_str(),
                    status.tries,
                    status.error
                );
            }
        }
        text
    }
}
