//! Saving caches after a step that passed.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::restore::ReadyCache;
use super::store::CacheStore;
use crate::archive::{
    ArchiveError, ArchiveLimits, Cancel, Entry, blocking, pack, size, stays_inside,
};
use crate::log::LogWriter;

/// What became of one cache.
enum Saved {
    /// It was written: bytes of its file, and how many links were left out.
    Whole(u64, usize),
    /// One of this name and version lives.
    Known,
    /// There is nothing to save.
    Nothing,
}

/// Saves the caches that do not live yet. Says in the log what it did.
pub async fn save(
    store: &CacheStore,
    scope: &str,
    ready: &[ReadyCache],
    limits: ArchiveLimits,
    log: &mut LogWriter,
) {
    for cache in ready {
        let begin = Instant::now();
        let name = &cache.name;
        match save_one(store, scope, cache, limits).await {
            Ok(Saved::Whole(bytes, links)) => {
                let left_out = match links {
                    0 => String::new(),
                    1 => ", without 1 link that leads out of it".to_owned(),
                    _ => format!(", without {links} links that lead out of it"),
                };
                log.line(&format!(
                    "Saved cache {name} ({}){left_out} in {:.1} s",
                    size(bytes),
                    begin.elapsed().as_secs_f64()
                ))
                .await;
            }
            Ok(Saved::Known) => {
                log.line(&format!(
                    "Cache {name} is kept already, so it is not saved again."
                ))
                .await;
            }
            Ok(Saved::Nothing) => {
                log.line(&format!(
                    "Cache {name} is not saved: its directory is missing or empty."
                ))
                .await;
            }
            Err(error) => {
                log.line(&format!("Cache {name} is not saved: {error}."))
                    .await;
            }
        }
    }
}

async fn save_one(
    store: &CacheStore,
    scope: &str,
    cache: &ReadyCache,
    limits: ArchiveLimits,
) -> Result<Saved, ArchiveError> {
    let (store, scope, cache) = (store.clone(), scope.to_owned(), cache.clone());
    blocking(move |cancel| {
        if store.has(&scope, &cache.name, &cache.version) {
            return Ok(Saved::Known);
        }
        if !cache.path.is_real_directory() {
            return Ok(Saved::Nothing);
        }
        let root = cache.path.full();
        let mut contents = Contents {
            root: &root,
            entries: Vec::new(),
            links_out: 0,
            limit: limits.entries,
            cancel,
        };
        contents.directory(Path::new(""))?;
        if contents.entries.is_empty() {
            return Ok(Saved::Nothing);
        }
        let (entries, links_out) = (contents.entries, contents.links_out);
        let mut file = store
            .begin(&scope, &cache.name)
            .map_err(ArchiveError::Stream)?;
        let totals = pack(
            &root,
            &entries,
            BufWriter::new(file.as_file_mut()),
            limits,
            cancel,
        )?;
        store
            .finish(file, &scope, &cache.name, &cache.version)
            .map_err(ArchiveError::Stream)?;
        Ok(Saved::Whole(totals.archive_bytes, links_out))
    })
    .await
}

/// Everything in a directory, found without following a link.
struct Contents<'a> {
    root: &'a Path,
    entries: Vec<Entry>,
    links_out: usize,
    limit: u64,
    cancel: &'a Cancel,
}

impl Contents<'_> {
    fn directory(&mut self, relative: &Path) -> Result<(), ArchiveError> {
        self.cancel.check()?;
        let full = self.root.join(relative);
        let found = std::fs::read_dir(&full).map_err(|source| ArchiveError::File {
            action: "read",
            path: full,
            source,
        })?;
        let mut children: Vec<(PathBuf, std::fs::FileType)> = found
            .flatten()
            .filter_map(|entry| Some((relative.join(entry.file_name()), entry.file_type().ok()?)))
            .collect();
        children.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (path, kind) in children {
            if self.entries.len() as u64 > self.limit {
                return Err(ArchiveError::TooMany(self.limit));
            }
            if kind.is_dir() {
                self.entries.push(Entry::Directory(path.clone()));
                self.directory(&path)?;
            } else if kind.is_file() {
                self.entries.push(Entry::File(path));
            } else if kind.is_symlink() {
                match link(self.root, &path) {
                    Ok(target) if stays_inside(&path, &target) => {
                        self.entries.push(Entry::Link(path, target));
                    }
                    _ => self.links_out += 1,
                }
            }
        }
        Ok(())
    }
}

fn link(root: &Path, path: &Path) -> io::Result<PathBuf> {
    std::fs::read_link(root.join(path))
}
