//! The files of caches on this machine.
//!
//! `<scope>/<name>/<version>.tar.zst`, written beside and renamed, so that a file of its right name is always whole. When
//! it was made is its time of modification, when it was last used its time of access, which is set by hand. Whoever reads
//! one goes on reading it while it is replaced or removed.

use std::fs::{File, FileTimes};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use pipewright_core::Timestamp;
use sha2::{Digest as _, Sha256};

/// How long a cache lives, from when it was made (bitbucket-pipelines-yml.md §5.6).
pub(super) const LIFE: Duration = Duration::from_secs(7 * 86_400);

/// How old a file must be that somebody began to write and never finished.
const ABANDONED: Duration = Duration::from_secs(86_400);

/// What a name of a directory is made of.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The longest name of a directory, in bytes. What is longer is cut, and told apart by a hash.
const NAME_BYTES: usize = 200;

const ENDING: &str = ".tar.zst";

/// Where caches are kept, and how much.
#[derive(Debug, Clone)]
pub struct CacheStore {
    directory: PathBuf,
    /// Bytes altogether; what was not used for the longest time goes first.
    limit: u64,
    /// The wall clock, to tell what lives.
    now: fn() -> Timestamp,
}

/// A cache that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCache {
    /// Its name.
    pub name: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// When it was made.
    pub made_at: SystemTime,
    /// When it was last restored, or made.
    pub used_at: SystemTime,
    path: PathBuf,
}

impl CacheStore {
    /// Keeps caches under this directory, which need not exist, at most so many bytes altogether.
    pub fn new(directory: impl Into<PathBuf>, limit: u64, now: fn() -> Timestamp) -> Self {
        Self {
            directory: directory.into(),
            limit,
            now,
        }
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            + Duration::from_micros(u64::try_from((self.now)().as_micros()).unwrap_or_default())
    }

    fn lives(&self, made_at: SystemTime) -> bool {
        // A clock that was set back makes a cache younger, not immortal: its file has the time of its making.
        self.now().duration_since(made_at).unwrap_or_default() < LIFE
    }

    /// Opens a cache that lives, and notes that it was used. Blocking.
    pub(super) fn reader(
        &self,
        scope: &str,
        name: &str,
        version: &str,
    ) -> io::Result<Option<(File, u64)>> {
        let path = self.path(scope, name, version);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let about = file.metadata()?;
        if !self.lives(about.modified()?) {
            return Ok(None);
        }
        // Only the order of eviction suffers where it cannot be noted.
        let _ = file.set_times(FileTimes::new().set_accessed(self.now()));
        Ok(Some((file, about.len())))
    }

    /// Removes a cache that was opened and is of no use, unless another has taken its place. Blocking.
    pub(super) fn discard(
        &self,
        opened: &File,
        scope: &str,
        name: &str,
        version: &str,
    ) -> io::Result<()> {
        let path = self.path(scope, name, version);
        let (mine, there) = (opened.metadata()?, path.metadata()?);
        if (mine.dev(), mine.ino()) == (there.dev(), there.ino()) {
            remove(&path)
        } else {
            Ok(())
        }
    }

    /// True where a cache lives. Blocking.
    pub(super) fn has(&self, scope: &str, name: &str, version: &str) -> bool {
        let about = self.path(scope, name, version).metadata();
        about
            .and_then(|about| about.modified())
            .is_ok_and(|made_at| self.lives(made_at))
    }

    /// Begins a cache: a file to write into, to be given to [`CacheStore::finish`]. Removed when it is dropped. Blocking.
    pub(super) fn begin(&self, scope: &str, name: &str) -> io::Result<tempfile::NamedTempFile> {
        let directory = self.directory.join(plain(scope)).join(plain(name));
        std::fs::create_dir_all(&directory)?;
        // What steps leave there is for nobody else of this machine.
        std::fs::set_permissions(&self.directory, std::fs::Permissions::from_mode(0o700))?;
        tempfile::Builder::new()
            .prefix(".part-")
            .tempfile_in(directory)
    }

    /// Gives a cache its name, and makes room for it. Blocking.
    pub(super) fn finish(
        &self,
        file: tempfile::NamedTempFile,
        scope: &str,
        name: &str,
        version: &str,
    ) -> io::Result<()> {
        file.as_file().sync_all()?;
        file.persist(self.path(scope, name, version))
            .map_err(|error| error.error)?;
        self.evict();
        Ok(())
    }

    /// The living caches of a scope, by name. Blocking.
    pub fn list(&self, scope: &str) -> Vec<KeptCache> {
        let mut kept = self.of_scope(&self.directory.join(plain(scope)));
        kept.retain(|cache| self.lives(cache.made_at));
        kept.sort_by(|one, other| {
            one.name
                .cmp(&other.name)
                .then(other.made_at.cmp(&one.made_at))
        });
        kept
    }

    /// Removes all caches of a scope. Answers how many there were. Blocking.
    pub fn clear(&self, scope: &str) -> io::Result<usize> {
        let kept = self.of_scope(&self.directory.join(plain(scope)));
        for cache in &kept {
            remove(&cache.path)?;
        }
        Ok(kept.len())
    }

    /// Removes what died, what was abandoned, and what was not used for the longest time while there is more than the limit.
    /// What cannot be removed is tried again the next time. Blocking.
    pub fn evict(&self) {
        let Ok(scopes) = std::fs::read_dir(&self.directory) else {
            return;
        };
        let mut kept: Vec<KeptCache> = scopes
            .flatten()
            .flat_map(|scope| self.of_scope(&scope.path()))
            .collect();
        kept.retain(|cache| self.lives(cache.made_at) || remove(&cache.path).is_err());
        kept.sort_by_key(|cache| cache.used_at);
        let mut total: u64 = kept.iter().map(|cache| cache.bytes).sum();
        for cache in kept {
            if total <= self.limit {
                break;
            }
            if remove(&cache.path).is_ok() {
                tracing::info!(
                    name = cache.name,
                    bytes = cache.bytes,
                    "removed the cache that was not used for the longest time"
                );
                total -= cache.bytes;
            }
        }
    }

    /// The caches of a scope's directory; what was abandoned there is removed on the way.
    fn of_scope(&self, directory: &Path) -> Vec<KeptCache> {
        let Ok(names) = std::fs::read_dir(directory) else {
            return Vec::new();
        };
        let mut kept = Vec::new();
        for place in names.flatten() {
            let name = percent_decode_str(&place.file_name().to_string_lossy())
                .decode_utf8_lossy()
                .into_owned();
            let Ok(entries) = std::fs::read_dir(place.path()) else {
                continue;
            };
            for entry in entries.flatten() {
                let Ok(about) = entry.metadata() else {
                    continue;
                };
                let Ok(made_at) = about.modified() else {
                    continue;
                };
                if !entry.file_name().to_string_lossy().ends_with(ENDING) {
                    if self.now().duration_since(made_at).unwrap_or_default() > ABANDONED {
                        // Tried again the next time.
                        let _ = remove(&entry.path());
                    }
                    continue;
                }
                let used_at = about.accessed().unwrap_or(made_at).max(made_at);
                kept.push(KeptCache {
                    name: name.clone(),
                    bytes: about.len(),
                    made_at,
                    used_at,
                    path: entry.path(),
                });
            }
        }
        kept
    }

    fn path(&self, scope: &str, name: &str, version: &str) -> PathBuf {
        self.directory
            .join(plain(scope))
            .join(plain(name))
            .join(format!("{version}{ENDING}"))
    }
}

fn plain(name: &str) -> String {
    let mut plain = utf8_percent_encode(name, PLAIN).to_string();
    if plain.len() > NAME_BYTES {
        let hash: String = Sha256::digest(name.as_bytes())
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        plain.truncate(NAME_BYTES - hash.len());
        plain.push_str(&hash);
    }
    plain
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::io::{Read as _, Write as _};
    use std::time::{Duration, SystemTime};

    use pipewright_core::Timestamp;

    use super::{CacheStore, LIFE};

    fn now() -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970");
        Timestamp::from_micros(since.as_micros() as i64)
    }

    fn keep(store: &CacheStore, name: &str, version: &str, bytes: usize) {
        let mut file = store.begin("app", name).expect("begins");
        file.write_all(&vec![b'x'; bytes]).expect("writes");
        store.finish(file, "app", name, version).expect("finishes");
    }

    fn names(store: &CacheStore) -> Vec<String> {
        store
            .list("app")
            .into_iter()
            .map(|cache| cache.name)
            .collect()
    }

    #[test]
    fn caches_are_kept_by_scope_name_and_version() {
        let place = tempfile::tempdir().expect("a directory");
        let store = CacheStore::new(place.path().join("caches"), 1 << 20, now);
        assert!(store.list("app").is_empty() && !store.has("app", "node", "v1"));
        keep(&store, "node", "v1", 10);
        keep(&store, "../etc: ü", "v1", 20);
        assert!(
            store.has("app", "node", "v1")
                && !store.has("app", "node", "v2")
                && !store.has("other", "node", "v1")
        );
        assert_eq!(names(&store), ["../etc: ü", "node"]);
        assert_eq!(
            std::fs::read_dir(place.path())
                .expect("a directory")
                .count(),
            1,
            "names do not leave the directory"
        );
        let (mut file, bytes) = store
            .reader("app", "node", "v1")
            .expect("opens")
            .expect("is there");
        assert_eq!(store.clear("app").expect("clears"), 2);
        assert!(
            names(&store).is_empty() && store.reader("app", "node", "v1").expect("opens").is_none()
        );
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .expect("whoever reads it goes on");
        assert_eq!(content.len() as u64, bytes);
    }

    #[test]
    fn long_names_are_told_apart() {
        let place = tempfile::tempdir().expect("a directory");
        let store = CacheStore::new(place.path(), 1 << 20, now);
        keep(&store, &"ü".repeat(500), "v", 1);
        assert!(
            store.has("app", &"ü".repeat(500), "v") && !store.has("app", &"ü".repeat(501), "v")
        );
    }

    #[test]
    fn what_was_begun_and_dropped_leaves_nothing() {
        let place = tempfile::tempdir().expect("a directory");
        let store = CacheStore::new(place.path(), 1 << 20, now);
        drop(store.begin("app", "node").expect("begins"));
        assert!(names(&store).is_empty());
        assert_eq!(
            std::fs::read_dir(place.path().join("app/node"))
                .expect("a directory")
                .count(),
            0
        );
    }

    #[test]
    fn a_cache_dies_after_a_week_and_the_longest_unused_makes_room() {
        let place = tempfile::tempdir().expect("a directory");
        let store = CacheStore::new(place.path(), 250, now);
        let age = |name: &str, made: Duration, used: Duration| {
            let file = std::fs::File::open(place.path().join(format!("app/{name}/v.tar.zst")))
                .expect("is there");
            let now = SystemTime::now();
            file.set_times(
                FileTimes::new()
                    .set_modified(now - made)
                    .set_accessed(now - used),
            )
            .expect("sets");
        };
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        keep(&store, "old", "v", 100);
        age("old", LIFE + hours(1), hours(0));
        assert!(
            !store.has("app", "old", "v")
                && store.reader("app", "old", "v").expect("opens").is_none()
                && names(&store).is_empty()
        );
        keep(&store, "one", "v", 100);
        assert!(
            !place.path().join("app/old/v.tar.zst").exists(),
            "what died is removed"
        );
        keep(&store, "two", "v", 100);
        age("one", hours(9), hours(1));
        age("two", hours(8), hours(5));
        keep(&store, "three", "v", 100);
        assert_eq!(
            names(&store),
            ["one", "three"],
            "two was not used for the longest time"
        );
    }
}
