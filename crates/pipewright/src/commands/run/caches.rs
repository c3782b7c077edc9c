//! Where the caches of runs on a laptop are: in the person's own directory of caches, apart for each repository.

use std::path::PathBuf;

use pipewright_core::Timestamp;
use pipewright_runner::caches::CacheStore;
use pipewright_server::{Clock as _, SystemClock};

use super::variables::Defaults;
use super::workspace::Workspaces;

/// Bytes of the caches of all repositories.
const LIMIT: u64 = 10_000_000_000;

/// The caches of this repository: known by the URL of `origin`, so that all its checkouts share them, or by its place.
/// None where the person has no directory of caches.
pub(super) fn of(workspaces: &Workspaces, defaults: &Defaults) -> Option<(CacheStore, String)> {
    let directory = directory(
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from),
        std::env::home_dir(),
    )?;
    let top = || workspaces.repository().top().to_string_lossy().into_owned();
    let scope = defaults.url().map_or_else(top, str::to_owned);
    Some((CacheStore::new(directory, LIMIT, now), scope))
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// As the XDG base directories say: a relative path there does not count.
fn directory(caches: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let caches = caches
        .filter(|path| path.is_absolute())
        .or_else(|| home.map(|home| home.join(".cache")))?;
    Some(caches.join("pipewright").join("caches"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::directory;

    #[test]
    fn the_directory_is_the_persons_own() {
        let of = |caches: Option<&str>, home: Option<&str>| {
            directory(caches.map(PathBuf::from), home.map(PathBuf::from))
                .map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(
            of(Some("/x"), Some("/h")).as_deref(),
            Some("/x/pipewright/caches")
        );
        assert_eq!(
            of(None, Some("/h")).as_deref(),
            Some("/h/.cache/pipewright/caches")
        );
        assert_eq!(
            of(Some("relative"), Some("/h")).as_deref(),
            Some("/h/.cache/pipewright/caches")
        );
        assert_eq!(of(None, None), None);
    }
}
