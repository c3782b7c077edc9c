//! The directory that holds everything of an installation: made, private, and used by one process at a time.
//!
//! It is taken before the database is opened and before anything is given up for dead. The lock is the kernel's (`flock`) on a
//! file in the directory: it goes with the process however that ends, is not inherited by the programs that it starts, and
//! is the same for every path that leads to the directory.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The lock's name in the directory.
const LOCK: &str = "lock";

/// The pause between two looks at a lock that another has.
const PAUSE: Duration = Duration::from_millis(20);

/// What may be read of the holder's own words.
const HOLDER_BYTES: u64 = 512;

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    /// There is a file of this name, or above it.
    #[error(
        "the data directory {0} is not a directory, or a part of its path is not; set data.directory to a directory, or to a path that does not exist yet"
    )]
    NotADirectory(PathBuf),
    /// It is not there and cannot be made.
    #[error(
        "the data directory {path} cannot be made: {source}; set data.directory to a place that this user may write"
    )]
    Make {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It belongs to somebody else.
    #[error(
        "the data directory {path} belongs to user {owner}, and this process runs as user {user}, who may not write it; run Pipewright as its owner, or change the owner: chown -R {user} {path}"
    )]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our user's number.
        user: u32,
    },
    /// Nothing can be written there.
    #[error(
        "the data directory {0} is on a read-only file system; mount it for writing, or set data.directory to another place"
    )]
    ReadOnly(PathBuf),
    /// The file system has no space or no inode left.
    #[error(
        "the data directory {0} is on a full file system; make space (see `df` and `df -i`), then start again"
    )]
    Full(PathBuf),
    /// Another process uses it.
    #[error(
        "another Pipewright ({holder}) uses the data directory {path}; stop it first, or set data.directory to a directory of its own"
    )]
    Taken {
        /// The directory.
        path: PathBuf,
        /// What the other one wrote about itself.
        holder: String,
    },
    /// Something else.
    #[error(
        "the data directory {path} cannot be used: {source}; set data.directory to a place on a local file system"
    )]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A data directory that this process has for itself until the value is dropped, or the process ends.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    /// What in it others could read until now.
    tightened: Vec<PathBuf>,
    /// What others can read and this user may not change.
    loose: Vec<PathBuf>,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory where it is not there, takes it, and takes away what others may do with it and with what stands
    /// in it directly. A process that ends at this moment is waited for, `patience` at most.
    pub async fn take(path: &Path, patience: Duration) -> Result<Self, DataDirectoryError> {
        let wrong = |source: io::Error| judge(path, source);
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        match made {
            Ok(()) => {}
            Err(source)
                if matches!(
                    source.kind(),
                    ErrorKind::AlreadyExists | ErrorKind::NotADirectory
                ) =>
            {
                return Err(DataDirectoryError::NotADirectory(path.to_owned()));
            }
            Err(source) => {
                return Err(match judge(path, source) {
                    DataDirectoryError::Unusable { path, source }
                    | DataDirectoryError::Make { path, source } => {
                        DataDirectoryError::Make { path, source }
                    }
                    told => told,
                });
            }
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(wrong)?;
        wait_for(&mut lock, path, patience).await?;
        let about = format!("process {} on {}\n", std::process::id(), host());
        lock.write_all(about.as_bytes())
            .and_then(|()| lock.set_len(about.len() as u64))
            .map_err(wrong)?;
        let mut directory = Self {
            path: path.to_owned(),
            tightened: Vec::new(),
            loose: Vec::new(),
            _lock: lock,
        };
        directory.tighten().map_err(wrong)?;
        Ok(directory)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What others could read until it was taken; they no longer can.
    pub fn tightened(&self) -> &[PathBuf] {
        &self.tightened
    }

    /// What others can read and what this user cannot change, because it belongs to somebody else.
    pub fn loose(&self) -> &[PathBuf] {
        &self.loose
    }

    /// Nobody but this user enters the directory; what stands in it directly is private too, should the directory be opened by
    /// hand one day. Keys are judged where they are read: taking the rights away would hide that somebody may have read one.
    fn tighten(&mut self) -> io::Result<()> {
        let mut seen = vec![self.path.clone()];
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "key") {
                seen.push(path);
            }
        }
        for path in seen {
            let Ok(about) = path.symlink_metadata() else {
                continue;
            };
            let mode = about.permissions().mode();
            let others = mode & 0o077;
            if about.is_symlink() || others == 0 {
                continue;
            }
            match std::fs::set_permissions(&path, Permissions::from_mode(mode & 0o700)) {
                Ok(()) => self.tightened.push(path),
                Err(_) => self.loose.push(path),
            }
        }
        Ok(())
    }
}

/// Takes the lock, and waits for a holder who may be about to end.
async fn wait_for(
    lock: &mut File,
    path: &Path,
    patience: Duration,
) -> Result<(), DataDirectoryError> {
    let deadline = Instant::now() + patience;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = lock
                    .rewind()
                    .and_then(|()| lock.take(HOLDER_BYTES).read_to_string(&mut holder));
                let holder = holder.trim();
                return Err(DataDirectoryError::Taken {
                    path: path.to_owned(),
                    holder: match read {
                        Ok(_) if !holder.is_empty() => holder.to_owned(),
                        _ => "a process of unknown number".to_owned(),
                    },
                });
            }
            Err(TryLockError::Error(source)) => return Err(judge(path, source)),
        }
    }
}

/// What a failure in the directory means for whoever runs the server.
fn judge(path: &Path, source: io::Error) -> DataDirectoryError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::ReadOnlyFilesystem => DataDirectoryError::ReadOnly(path),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DataDirectoryError::Full(path),
        ErrorKind::PermissionDenied => match path.metadata() {
            Ok(about) => DataDirectoryError::NotOurs {
                path,
                owner: about.uid(),
                user: rustix::process::geteuid().as_raw(),
            },
            Err(_) => DataDirectoryError::Make { path, source },
        },
        _ => DataDirectoryError::Unusable { path, source },
    }
}

fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::Duration;

    use super::{DataDirectory, DataDirectoryError};

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("is there").permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn it_is_made_private_and_taken_once_by_whatever_path() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("deep/data");
        let first = DataDirectory::take(&path, Duration::ZERO)
            .await
            .expect("is free");
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("lock")), 0o600);
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        for way in [path.clone(), link, path.join("../data")] {
            let refused = DataDirectory::take(&way, Duration::from_millis(30))
                .await
                .expect_err("is taken");
            let text = refused.to_string();
            let us = format!("process {} on ", std::process::id());
            assert!(
                matches!(refused, DataDirectoryError::Taken { .. }) && text.contains(&us),
                "{text}"
            );
        }
        drop(first);
        DataDirectory::take(&path, Duration::ZERO)
            .await
            .expect("is free again");
    }

    #[tokio::test]
    async fn a_holder_who_ends_is_waited_for() {
        let place = tempfile::tempdir().expect("a directory");
        let first = DataDirectory::take(place.path(), Duration::ZERO)
            .await
            .expect("is free");
        let waits = DataDirectory::take(place.path(), Duration::from_secs(20));
        let ends = async { drop(first) };
        let (second, ()) = tokio::join!(waits, ends);
        second.expect("is free in the end");
    }

    #[tokio::test]
    async fn what_others_could_read_is_tightened_and_told_but_keys_are_left_to_their_reader() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("data");
        std::fs::create_dir_all(path.join("logs")).expect("a directory");
        for file in ["pipewright.db", "secret.key"] {
            std::fs::write(path.join(file), "x").expect("a file");
            std::fs::set_permissions(path.join(file), std::fs::Permissions::from_mode(0o644))
                .expect("allowed");
        }
        for directory in [path.clone(), path.join("logs")] {
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))
                .expect("allowed");
        }
        let taken = DataDirectory::take(&path, Duration::ZERO)
            .await
            .expect("is free");
        let modes = ["", "logs", "pipewright.db", "secret.key"].map(|name| mode(&path.join(name)));
        assert_eq!(modes, [0o700, 0o700, 0o600, 0o644]);
        assert_eq!(taken.tightened().len(), 3, "{:?}", taken.tightened());
        assert!(taken.loose().is_empty());
    }

    #[tokio::test]
    async fn a_file_in_its_place_is_told() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("data");
        std::fs::write(&file, "x").expect("a file");
        for path in [file.clone(), file.join("below")] {
            let refused = DataDirectory::take(&path, Duration::ZERO)
                .await
                .expect_err("is a file");
            assert!(
                matches!(refused, DataDirectoryError::NotADirectory(_)),
                "{refused}"
            );
        }
    }
}
