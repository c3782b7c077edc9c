//! Tells followers, such as pages that show a build live, that a build moved. Only a hint: a follower that lags behind
//! reads the database again.

use pipewright_core::ids::{AccountId, BuildId};
use tokio::sync::broadcast;

/// How many pieces of news a slow follower may lag behind before it misses some.
const NEWS: usize = 1024;

/// A build moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildNews {
    /// Its account.
    pub account: AccountId,
    /// The build.
    pub build: BuildId,
}

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct News(broadcast::Sender<BuildNews>);

impl News {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(NEWS).0)
    }

    /// Hears of every build that moves from now on. A follower that lagged is told so, and should look again.
    pub fn follow(&self) -> broadcast::Receiver<BuildNews> {
        self.0.subscribe()
    }

    /// Tells everybody who follows.
    pub(crate) fn tell(&self, news: BuildNews) {
        // Nobody follows: nobody need be told.
        let _ = self.0.send(news);
    }
}
