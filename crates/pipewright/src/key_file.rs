//! The file of the key that seals secrets: how it is read, made, held against the database, and put in place.
//!
//! What would make stored secrets unreadable stops the start: a key that is missing beside a filled database, an empty or a
//! wrong one. A key that others can read is refused too, because whoever read it once can open every later backup.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pipewright_core::Timestamp;
use pipewright_store::files::write_durably;
use pipewright_store::sealed::{self, SealedError};
use pipewright_store::{Db, StoreError, Vault, VaultKey, VaultKeyError};

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// It is not there, and what is stored was sealed with it.
    #[error(
        "the key file {0} is missing, and this database holds secrets that were sealed with its key; put the file back from the copy that was kept apart from the data, or set secrets.key_file to where it is"
    )]
    Missing(PathBuf),
    /// It holds nothing.
    #[error(
        "the key file {0} is empty; put the key back from the copy that was kept apart from the data. If this installation was never used, remove the file, and a new key is made"
    )]
    Empty(PathBuf),
    /// Others can read it.
    #[error(
        "the key file {path} can be read by other users (mode {mode:o}); run `chmod 600 {path}`, and if somebody may have read it, `pipewright key rotate`"
    )]
    Loose {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds something else.
    #[error("the key file {0}: {1}")]
    NotAKey(PathBuf, VaultKeyError),
    /// It cannot be read.
    #[error(
        "the key file {path} cannot be read: {source}; set secrets.key_file to a file that this user may read"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error(
        "the key file {path} cannot be made: {source}; set secrets.key_file to a place that this user may write"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is another database's.
    #[error("the key file {0}: {1}")]
    Wrong(PathBuf, SealedError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the key; `None` where there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<VaultKey>, KeyFileError> {
    let unreadable = |source| KeyFileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source)),
    };
    let mode = path.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Loose {
            path: path.to_owned(),
            mode,
        });
    }
    if text.trim().is_empty() {
        return Err(KeyFileError::Empty(path.to_owned()));
    }
    text.parse()
        .map(Some)
        .map_err(|error| KeyFileError::NotAKey(path.to_owned(), error))
}

/// Writes a key, for this user only, so that after a crash the file holds a whole key or is as it was.
pub(crate) fn write(path: &Path, key: &VaultKey) -> Result<(), KeyFileError> {
    let text = format!("{}\n", key.to_text().expose());
    write_durably(path, text.as_bytes()).map_err(|source| KeyFileError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

/// The key that a change of the key has made and not put in place yet.
pub(crate) fn next_to(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    PathBuf::from(next)
}

/// The vault of this database, with the key of this file: read, or made where the database holds nothing sealed. A change of
/// the key that was interrupted after the database took the new one is brought to its end.
pub(crate) async fn open(path: &Path, db: &Db, now: Timestamp) -> Result<Vault, KeyFileError> {
    let key = match read(path)? {
        Some(key) => key,
        None if sealed::is_key_needed(db).await? => {
            return Err(KeyFileError::Missing(path.to_owned()));
        }
        None => {
            let key = VaultKey::generate();
            write(path, &key)?;
            tracing::info!(path = %path.display(), "made a new key for stored secrets; keep a copy apart from the data: without it they cannot be read");
            key
        }
    };
    let vault = Vault::new(&key);
    match sealed::check(db, &vault, now).await {
        Ok(()) => Ok(vault),
        Err(SealedError::Store(error)) => Err(error.into()),
        Err(wrong) => match finish_change(path, db, now).await? {
            Some(vault) => Ok(vault),
            None => Err(KeyFileError::Wrong(path.to_owned(), wrong)),
        },
    }
}

/// Puts the next key in place if it is the one that the database was sealed with.
async fn finish_change(
    path: &Path,
    db: &Db,
    now: Timestamp,
) -> Result<Option<Vault>, KeyFileError> {
    let next = next_to(path);
    let Some(key) = read(&next)? else {
        return Ok(None);
    };
    let vault = Vault::new(&key);
    match sealed::check(db, &vault, now).await {
        Ok(()) => {
            put_in_place(path)?;
            tracing::info!(path = %path.display(), "the change of the key that was interrupted is complete");
            Ok(Some(vault))
        }
        Err(SealedError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Makes the next key the key.
pub(crate) fn put_in_place(path: &Path) -> Result<(), KeyFileError> {
    std::fs::rename(next_to(path), path)
        .and_then(|()| {
            pipewright_store::files::sync_directory(pipewright_store::files::parent(path))
        })
        .map_err(|source| KeyFileError::Unwritable {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use pipewright_core::{Secret, Timestamp};
    use pipewright_store::{Database, Db, DbOptions, Vault, VaultKey, sealed, settings};

    use super::{KeyFileError, next_to, open, read, write};

    struct Place {
        directory: tempfile::TempDir,
        db: Db,
    }

    impl Place {
        async fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let database = Database::Sqlite(directory.path().join("test.db"));
            let db = Db::open(&DbOptions {
                database,
                connections: 1,
            })
            .await
            .expect("opens");
            Self { directory, db }
        }

        fn key(&self) -> PathBuf {
            self.directory.path().join("secret.key")
        }

        async fn open(&self) -> Result<Vault, KeyFileError> {
            open(&self.key(), &self.db, Timestamp::from_seconds(1)).await
        }
    }

    #[tokio::test]
    async fn a_key_is_made_once_and_missed_afterwards() {
        let place = Place::new().await;
        place.open().await.expect("makes a key");
        let mode = place.key().metadata().expect("is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let kept = std::fs::read_to_string(place.key()).expect("reads");
        place.open().await.expect("reads the key");
        assert_eq!(std::fs::read_to_string(place.key()).expect("reads"), kept);

        std::fs::remove_file(place.key()).expect("goes");
        let refused = place.open().await.expect_err("is missing");
        assert!(matches!(refused, KeyFileError::Missing(_)), "{refused}");
        assert!(!place.key().exists(), "no other key is made");

        write(&place.key(), &VaultKey::generate()).expect("writes");
        let refused = place.open().await.expect_err("is another one");
        assert!(matches!(refused, KeyFileError::Wrong(..)), "{refused}");

        std::fs::write(place.key(), "").expect("writes");
        let refused = place.open().await.expect_err("is empty");
        assert!(matches!(refused, KeyFileError::Empty(_)), "{refused}");

        std::fs::write(place.key(), kept).expect("writes");
        place.open().await.expect("is the key again");
        let loose = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(place.key(), loose).expect("allowed");
        let refused = place.open().await.expect_err("can be read by a group");
        let text = refused.to_string();
        assert!(text.contains("chmod 600") && text.contains("640"), "{text}");
    }

    #[tokio::test]
    async fn an_interrupted_change_of_the_key_is_completed() {
        let place = Place::new().await;
        let old = place.open().await.expect("makes a key");
        let key = VaultKey::generate();
        write(&next_to(&place.key()), &key).expect("writes");
        // Interrupted before the database took it: the old key stays.
        place.open().await.expect("the old key");
        let mut tx = place.db.begin().await.expect("begins");
        let new = Vault::new(&key);
        sealed::seal_all_anew(&mut tx, &old, &new)
            .await
            .expect("seals");
        let name = sealed::purpose::CLOUD_CONSUMER;
        let consumer = new.seal(&Secret::new("{}"), name);
        settings::put(
            &mut tx,
            name,
            consumer.as_bytes(),
            Timestamp::from_seconds(2),
        )
        .await
        .expect("puts");
        tx.commit().await.expect("commits");
        // Interrupted after it: the next start ends it.
        place.open().await.expect("the new key");
        assert!(!next_to(&place.key()).exists());
        let kept = read(&place.key()).expect("reads").expect("is there");
        let all = sealed::open_all(&place.db, &Vault::new(&kept))
            .await
            .expect("reads");
        assert_eq!((all.opened, all.refused.len()), (2, 0));
    }
}
