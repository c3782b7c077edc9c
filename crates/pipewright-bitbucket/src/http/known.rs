//! What was learnt of servers a moment ago, so that not every client asks for it again.
//!
//! A client lives for one piece of work, because its credential may be replaced; a server's capabilities change when it is
//! upgraded. Posting a status would otherwise be two requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use crate::lenient;

/// An upgrade is noticed after this time. Until then the old form of a status is used, which newer servers take as well.
const FRESH: Duration = Duration::from_mins(5);

/// How many servers are remembered; beyond, all are forgotten.
const MOST: usize = 1_000;

/// What a server can do with builds, in its own words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct BuildCapabilities {
    #[serde(deserialize_with = "lenient::each")]
    pub(crate) build_status: Vec<String>,
}

/// A server's build capabilities, once somebody asked.
pub(crate) type Cell = Arc<OnceCell<BuildCapabilities>>;

/// By base address. Shared by all clients of one [`crate::Http`].
#[derive(Debug, Default)]
pub(crate) struct KnownServers(Mutex<HashMap<Url, (Instant, Cell)>>);

impl KnownServers {
    /// The cell of this server.
    pub(crate) fn of(&self, base: &Url) -> Cell {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, cell)) = servers.get(base)
            && since.elapsed() < FRESH
        {
            return Arc::clone(cell);
        }
        if servers.len() >= MOST {
            servers.clear();
        }
        let cell = Cell::default();
        servers.insert(base.clone(), (Instant::now(), Arc::clone(&cell)));
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use url::Url;

    use super::KnownServers;

    #[test]
    fn clients_of_one_server_share_and_others_do_not() {
        let servers = KnownServers::default();
        let [one, two] = ["https://one.example/", "https://two.example/"]
            .map(|url| Url::parse(url).expect("a URL"));
        let first = servers.of(&one);
        assert!(Arc::ptr_eq(&first, &servers.of(&one)));
        assert!(!Arc::ptr_eq(&first, &servers.of(&two)));
    }
}
