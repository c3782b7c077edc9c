//! What the rest of this process is told once a transaction is committed.

use std::collections::HashSet;

use pipewright_core::ids::{AccountId, AttemptId, BuildId, IntegrationId, RepositoryId};

use super::app::App;
use crate::live::NewsItem;

/// Gathered while a transaction is written, told after its commit. Dropped with a transaction that is given up.
#[derive(Debug, Default)]
#[must_use = "the rest of the process must be told"]
pub(crate) struct Aftermath {
    builds: HashSet<(AccountId, BuildId)>,
    to_plan: HashSet<RepositoryId>,
    to_tell: HashSet<IntegrationId>,
    to_stop: Vec<AttemptId>,
    queued: bool,
}

impl Aftermath {
    /// A build was made or moved.
    pub(crate) fn moved(&mut self, account: AccountId, build: BuildId) {
        self.builds.insert((account, build));
    }

    /// A build of this repository waits for its plan.
    pub(crate) fn planned_for(&mut self, repository: RepositoryId) {
        self.to_plan.insert(repository);
    }

    /// A status waits to be sent.
    pub(crate) fn status_for(&mut self, integration: IntegrationId) {
        self.to_tell.insert(integration);
    }

    /// A running attempt is to stop.
    pub(crate) fn stop(&mut self, attempt: AttemptId) {
        self.to_stop.push(attempt);
    }

    /// An attempt can be claimed, or one that was held back may be now.
    pub(crate) fn attempt_queued(&mut self) {
        self.queued = true;
    }

    /// Tells everybody.
    pub(crate) fn announce(self, app: &App) {
        let live = app.live();
        if self.queued {
            app.live().attempts.ring();
        }
        for attempt in self.to_stop {
            live.stops.give(attempt);
        }
        for repository in self.to_plan {
            live.plan.give(repository);
        }
        for integration in self.to_tell {
            live.tell.give(integration);
        }
        for (account, build) in self.builds {
            live.news.tell(NewsItem::Build { account, build });
        }
    }
}
