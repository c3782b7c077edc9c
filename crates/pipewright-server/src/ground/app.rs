//! What every part of the server is handed: the database, the clock, the configuration and a few shared things.

use std::ops::Deref;
use std::sync::Arc;

use pipewright_runner::caches::CacheStore;
use pipewright_store::blobs::BlobStore;
use pipewright_store::logs::LogStore;
use pipewright_store::{Db, Vault};

use super::clock::Clock;
use super::config::ServerConfig;
use crate::live::Live;

/// The server's shared parts. Each field is itself cheap to share; nothing here is what "is running now": that is in the
/// database.
#[derive(Debug)]
pub struct AppParts {
    /// The database.
    pub db: Db,
    /// Seals and opens secrets.
    pub vault: Vault,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The checked configuration.
    pub config: ServerConfig,
    /// Logs of attempts.
    pub logs: LogStore,
    /// Caches of the embedded runner.
    pub caches: CacheStore,
    /// Contents of artifacts.
    pub blobs: BlobStore,
    /// Talks HTTP to Bitbucket.
    pub http: pipewright_bitbucket::Http,
    /// Mirrors of repositories, and with them the `git` and `ssh` programs.
    pub mirrors: pipewright_git::MirrorStore,
}

/// A handle to [`AppParts`]; the state of every handler and task.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parts: AppParts,
    live: Live,
}

impl App {
    /// Shares the parts.
    pub fn new(parts: AppParts) -> Self {
        Self(Arc::new(Shared {
            parts,
            live: Live::new(),
        }))
    }

    /// What lives in this process alone.
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }
}

impl Deref for App {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0.parts
    }
}
