//! Putting caches into a step's directories before its script.

use std::io;
use std::os::unix::fs::PermissionsExt as _;

use pipewright_core::plan::StepPlan;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::key::version;
use super::path::{CachePath, resolve};
use super::store::CacheStore;
use crate::archive::{ArchiveError, ArchiveLimits, blocking, size, unpack};
use crate::executor::StepDirectories;
use crate::log::LogWriter;

/// A cache that can be saved when the step has passed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyCache {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) path: CachePath,
}

/// What became of one cache.
enum Restored {
    /// It was there: bytes of its file.
    Whole(u64),
    None,
}

/// Restores the caches of a step, and answers those that may be saved after it. Says in the log what it did.
pub async fn restore(
    store: &CacheStore,
    scope: &str,
    plan: &StepPlan,
    directories: &StepDirectories,
    limits: ArchiveLimits,
    log: &mut LogWriter,
) -> Vec<ReadyCache> {
    let mut ready = Vec::new();
    for cache in &plan.caches {
        let name = &cache.name;
        if cache.path.is_empty() {
            log.line(&format!("Cache {name} is not used: it holds layers of images, and the host executor has none.")).await;
            continue;
        }
        let path = match resolve(&cache.path, directories) {
            Ok(path) => path,
            Err(why) => {
                log.line(&format!(
                    "Cache {name} ({}) is not used: {why}.",
                    cache.path
                ))
                .await;
                continue;
            }
        };
        let (root, keyed) = (directories.build.clone(), cache.clone());
        let version = match blocking(move |cancel| version(&root, &keyed, cancel)).await {
            Ok(Some(version)) => version,
            Ok(None) => {
                log.line(&format!(
                    "Cache {name} is not used: no file matches its key ({}).",
                    cache.key_files.join(", ")
                ))
                .await;
                continue;
            }
            Err(error) => {
                log.line(&format!(
                    "Cache {name} is not used: its key cannot be made: {error}."
                ))
                .await;
                continue;
            }
        };
        let one = ReadyCache {
            name: name.clone(),
            version,
            path,
        };
        let begin = Instant::now();
        match restore_one(store, scope, &one, limits).await {
            Ok(Restored::Whole(bytes)) => {
                log.line(&format!(
                    "Restored cache {name} ({}) in {:.1} s",
                    size(bytes),
                    begin.elapsed().as_secs_f64()
                ))
                .await;
            }
            Ok(Restored::None) => log.line(&format!("Cache {name} does not exist yet.")).await,
            Err(error) => {
                log.line(&format!(
                    "Cache {name} cannot be restored, and the step continues without it: {error}."
                ))
                .await;
            }
        }
        ready.push(one);
    }
    ready
}

async fn restore_one(
    store: &CacheStore,
    scope: &str,
    cache: &ReadyCache,
    limits: ArchiveLimits,
) -> Result<Restored, ArchiveError> {
    let (store, scope, cache) = (store.clone(), scope.to_owned(), cache.clone());
    blocking(move |cancel| {
        let opened = store
            .reader(&scope, &cache.name, &cache.version)
            .map_err(ArchiveError::Stream)?;
        let Some((file, bytes)) = opened else {
            return Ok(Restored::None);
        };
        let target = make_room(&cache.path)?;
        let unpacked = unpack(io::BufReader::new(&file), &target, limits, cancel);
        if let Err(error) = &unpacked {
            // Half a cache is worse than none.
            let _ = std::fs::remove_dir_all(&target);
            // One that can never be restored would only keep a good one from being saved. What cannot be removed dies.
            if error.is_of_archive() {
                let _ = store.discard(&file, &scope, &cache.name, &cache.version);
            }
        }
        unpacked.map(|_| Restored::Whole(bytes))
    })
    .await
}

/// Makes the cache's directory, empty: what is in the way is replaced, links too.
fn make_room(path: &CachePath) -> Result<std::path::PathBuf, ArchiveError> {
    let mut full = path.base.clone();
    let parts: Vec<_> = path.relative.components().collect();
    for (index, part) in parts.iter().enumerate() {
        full.push(part);
        let is_last = index + 1 == parts.len();
        let failed = |action| {
            let path = full.clone();
            move |source| ArchiveError::File {
                action,
                path,
                source,
            }
        };
        match full.symlink_metadata() {
            Ok(about) if about.is_dir() && !is_last => continue,
            Ok(about) if about.is_dir() => {
                std::fs::remove_dir_all(&full).map_err(failed("replace"))?;
            }
            Ok(_) => std::fs::remove_file(&full).map_err(failed("replace"))?,
            Err(_) => {}
        }
        std::fs::create_dir(&full).map_err(failed("make"))?;
        // As any tool would make it, whatever the rights of the server's own files.
        std::fs::set_permissions(&full, std::fs::Permissions::from_mode(0o755))
            .map_err(failed("set the rights of"))?;
    }
    Ok(full)
}
