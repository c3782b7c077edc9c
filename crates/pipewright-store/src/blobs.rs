//! Contents of artifacts: files beside the logs, never rows.
//!
//! A content is written under a temporary name, flushed to the disk and renamed, so that a file of its right name is
//! always whole. The row that speaks of it is written later, with the end of its attempt: what no row speaks of after a
//! while is an orphan, which [`BlobStore::older_than`] finds.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use pipewright_core::ids::ArtifactId;

use crate::files::sync_directory;

/// Where contents are kept.
#[derive(Debug, Clone)]
pub struct BlobStore {
    directory: PathBuf,
    /// Whose name is flushed to the disk, of the 256 directories.
    lasting: Arc<[AtomicBool; 256]>,
}

/// A content that is being written. Dropped before [`BlobWriter::finish`], it is removed.
#[derive(Debug)]
pub struct BlobWriter {
    file: File,
    temporary: Option<PathBuf>,
    target: PathBuf,
    bytes: u64,
}

impl BlobStore {
    /// Keeps contents under this directory; it is made where it is not there.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory)?;
        if let Some(parent) = directory
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_directory(parent)?;
        }
        Ok(Self {
            directory,
            lasting: Arc::new([const { AtomicBool::new(false) }; 256]),
        })
    }

    /// Spread over 256 directories by the id's last byte, which is random.
    fn path(&self, id: ArtifactId) -> PathBuf {
        let name = id.to_string();
        self.directory.join(&name[name.len() - 2..]).join(name)
    }

    /// A name in a directory lasts only where the directory's own does. One that is there may have been made a moment ago, by
    /// another writer or before a crash, so each is flushed once a process. True where it was flushed now.
    fn make_last(&self, id: ArtifactId) -> io::Result<bool> {
        let last = id.as_uuid().as_bytes().last().copied().unwrap_or_default();
        let Some(is_lasting) = self.lasting.get(usize::from(last)) else {
            return Ok(false);
        };
        if is_lasting.load(Ordering::Acquire) {
            return Ok(false);
        }
        sync_directory(&self.directory)?;
        is_lasting.store(true, Ordering::Release);
        Ok(true)
    }

    /// Begins a content. One of the same id is replaced when it is finished.
    pub fn writer(&self, id: ArtifactId) -> io::Result<BlobWriter> {
        let target = self.path(id);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
            self.make_last(id)?;
        }
        // A name of its own: a writer that was given up may not be gone yet.
        let temporary = target.with_extension(format!("{}.part", uuid::Uuid::now_v7().simple()));
        let file = File::create_new(&temporary)?;
        Ok(BlobWriter {
            file,
            temporary: Some(temporary),
            target,
            bytes: 0,
        })
    }

    /// Opens a content.
    pub fn reader(&self, id: ArtifactId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Removes a content; nothing happens where there is none.
    pub fn remove(&self, id: ArtifactId) -> io::Result<()> {
        match std::fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The contents that were written before this moment. What was begun before it and never finished is removed at once.
    pub fn older_than(&self, moment: SystemTime) -> io::Result<Vec<ArtifactId>> {
        let mut old = Vec::new();
        for directory in std::fs::read_dir(&self.directory)?.flatten() {
            let Ok(entries) = std::fs::read_dir(directory.path()) else {
                continue;
            };
            for entry in entries.flatten() {
                let is_old = entry
                    .metadata()
                    .and_then(|about| about.modified())
                    .is_ok_and(|modified| modified < moment);
                if !is_old {
                    continue;
                }
                match entry.file_name().to_str().map(str::parse::<ArtifactId>) {
                    Some(Ok(id)) => old.push(id),
                    _ if entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extension == "part") =>
                    {
                        // What cannot be removed is tried again.
                        let _ = std::fs::remove_file(entry.path());
                    }
                    _ => {}
                }
            }
        }
        Ok(old)
    }
}

impl BlobWriter {
    /// Makes the content last under its name. Answers its bytes.
    pub fn finish(mut self) -> io::Result<u64> {
        self.file.sync_all()?;
        if let Some(temporary) = self.temporary.take() {
            std::fs::rename(&temporary, &self.target)?;
        }
        if let Some(parent) = self.target.parent() {
            sync_directory(parent)?;
        }
        Ok(self.bytes)
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // The sweep finds what stays.
            let _ = std::fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::{Duration, SystemTime};

    use pipewright_core::ids::ArtifactId;

    use super::BlobStore;

    fn store() -> (tempfile::TempDir, BlobStore) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = BlobStore::open(directory.path()).expect("a place");
        (directory, store)
    }

    fn content(store: &BlobStore, id: ArtifactId) -> Option<String> {
        let mut text = String::new();
        store
            .reader(id)
            .ok()?
            .read_to_string(&mut text)
            .expect("reads");
        Some(text)
    }

    #[test]
    fn a_content_is_there_whole_or_not_at_all() {
        let (directory, store) = store();
        let id = ArtifactId::new();
        let mut first = store.writer(id).expect("begins");
        first.write_all(b"first").expect("writes");
        assert_eq!(content(&store, id), None, "not before it is finished");
        assert_eq!(first.finish().expect("finishes"), 5);
        assert_eq!(content(&store, id).as_deref(), Some("first"));
        let mut again = store.writer(id).expect("begins again");
        again.write_all(b"sec").expect("writes");
        drop(again);
        assert_eq!(
            content(&store, id).as_deref(),
            Some("first"),
            "what is given up changes nothing"
        );
        let files = |directory: &std::path::Path| {
            std::fs::read_dir(directory)
                .expect("a directory")
                .flatten()
                .count()
        };
        let place = std::fs::read_dir(directory.path())
            .expect("a directory")
            .flatten()
            .next()
            .expect("one")
            .path();
        assert_eq!(files(&place), 1, "and leaves nothing");
        store.remove(id).expect("removes");
        store.remove(id).expect("removes what is not there");
        assert_eq!(content(&store, id), None);
    }

    #[test]
    fn a_directory_is_flushed_before_the_first_content_in_it_lasts() {
        let (directory, store) = store();
        let id = ArtifactId::new();
        drop(store.writer(id).expect("begins"));
        assert!(!store.make_last(id).expect("flushes"), "the writer did it");
        let again = BlobStore::open(directory.path()).expect("a place");
        assert!(
            again.make_last(id).expect("flushes"),
            "another process does not know"
        );
        assert!(
            !again.clone().make_last(id).expect("flushes"),
            "once is enough"
        );
    }

    #[test]
    fn old_contents_are_listed_and_abandoned_ones_removed() {
        let (directory, store) = store();
        let id = ArtifactId::new();
        store
            .writer(id)
            .expect("begins")
            .finish()
            .expect("finishes");
        // A process that was killed removes nothing.
        std::mem::forget(store.writer(ArtifactId::new()).expect("begins"));
        let later = SystemTime::now() + Duration::from_secs(60);
        assert!(
            store
                .older_than(SystemTime::now() - Duration::from_secs(60))
                .expect("looks")
                .is_empty()
        );
        assert_eq!(store.older_than(later).expect("looks"), [id]);
        let left = std::fs::read_dir(directory.path())
            .expect("a directory")
            .flatten();
        let left: usize = left
            .map(|place| {
                std::fs::read_dir(place.path())
                    .expect("a directory")
                    .count()
            })
            .sum();
        assert_eq!(left, 1, "only what was finished");
    }
}
