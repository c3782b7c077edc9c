//! Tells followers, such as pages that show a build live, that something moved. Only a hint: a follower that lags behind
//! reads the database again.

use pipewright_core::ids::{AccountId, BuildId, DeliveryId};
use tokio::sync::broadcast;

/// How many pieces of news a slow follower may lag behind before it misses some.
const NEWS: usize = 1024;

/// What moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsItem {
    /// A build was made, moved, began a script, or one of its statuses was sent or given up.
    Build {
        /// Its account.
        account: AccountId,
        /// The build.
        build: BuildId,
    },
    /// A delivery was stored, decided or failed.
    Delivery {
        /// Its account.
        account: AccountId,
        /// The delivery.
        delivery: DeliveryId,
    },
}

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct News(broadcast::Sender<NewsItem>);

impl News {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(NEWS).0)
    }

    /// Hears of everything that moves from now on. A follower that lagged is told so, and should look again.
    pub fn follow(&self) -> broadcast::Receiver<NewsItem> {
        self.0.subscribe()
    }

    /// Tells everybody who follows.
    pub(crate) fn tell(&self, news: NewsItem) {
        // Nobody follows: nobody need be told.
        let _ = self.0.send(news);
    }
}
