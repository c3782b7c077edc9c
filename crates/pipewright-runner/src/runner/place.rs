//! The runner's own directory: locked by one process, swept of what a crashed one left.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

use crate::executor::HostExecutor;
use crate::keeper::{Following, KeptAttempt, KeptFolder};

/// A locked data directory. Dropping it gives the lock back.
#[derive(Debug)]
pub(super) struct Place {
    attempts: PathBuf,
    kept: PathBuf,
    _lock: File,
}

/// Why there is no place.
#[derive(Debug)]
pub(super) enum PlaceError {
    InUse,
    File { action: String, source: io::Error },
}

impl Place {
    /// Locks the directory, finds the attempts whose keepers outlived an earlier runner, and ends the processes and removes
    /// the files of all others that it left.
    pub(super) fn take(data_dir: &Path) -> Result<(Self, Vec<Found>), PlaceError> {
        let wrong = |action: &str, path: &Path| {
            let action = format!("{action} {}", path.display());
            move |source| PlaceError::File { action, source }
        };
        let attempts = data_dir.join("attempts");
        std::fs::create_dir_all(&attempts).map_err(wrong("make", &attempts))?;
        std::fs::set_permissions(&attempts, std::fs::Permissions::from_mode(0o700))
            .map_err(wrong("protect", &attempts))?;
        spread(&attempts);
        let kept = data_dir.join("kept");
        std::fs::create_dir_all(&kept).map_err(wrong("make", &kept))?;
        std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o700))
            .map_err(wrong("protect", &kept))?;
        let lock_file = data_dir.join("runner.lock");
        let lock = File::create(&lock_file).map_err(wrong("open", &lock_file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlaceError::InUse),
            Err(TryLockError::Error(source)) => return Err(wrong("lock", &lock_file)(source)),
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&kept)
            .map_err(wrong("read", &kept))?
            .flatten()
        {
            match Found::of(&entry.path()) {
                Some(attempt) => found.push(attempt),
                // Its scripts never began, or ended with the keeper itself.
                None => remove(&entry.path()),
            }
        }
        for entry in std::fs::read_dir(&attempts)
            .map_err(wrong("read", &attempts))?
            .flatten()
        {
            let mark = entry.file_name().to_string_lossy().into_owned();
            if found.iter().any(|found| found.mark == mark) {
                continue;
            }
            let ended = HostExecutor::end_left_over(&mark);
            tracing::info!(mark, ended, "removing what an earlier runner left behind");
            remove(&entry.path());
        }
        let place = Self {
            attempts,
            kept,
            _lock: lock,
        };
        Ok((place, found))
    }

    /// Where the attempt of this mark has its directories.
    pub(super) fn of(&self, mark: &str) -> PathBuf {
        self.attempts.join(mark)
    }

    /// Where the attempt of this mark has what outlives its runner.
    pub(super) fn kept(&self, mark: &str) -> PathBuf {
        self.kept.join(mark)
    }
}

/// An attempt that an earlier runner left to its keeper.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) mark: String,
    pub(super) kept: KeptAttempt,
    pub(super) following: Following,
}

impl Found {
    /// What there is in a folder; a keeper whose attempt cannot be read (by another version of this program) is ended.
    fn of(path: &Path) -> Option<Self> {
        let folder = KeptFolder::at(path.to_owned());
        let following = Following::find(folder.clone())?;
        let kept = match folder.attempt() {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, folder = %path.display(), "an attempt that an earlier runner left cannot be read, and is ended");
                following.end_now();
                return None;
            }
        };
        Some(Self {
            mark: path.file_name()?.to_string_lossy().into_owned(),
            kept,
            following,
        })
    }
}

/// Asks ext4 to begin each attempt's directory in another part of the disk (`chattr +T`). Where files were just removed ext4
/// passes over their inodes one by one for some minutes, so that a checkout beside many removed ones takes five times as
/// long. Other file systems refuse, and need no such help.
fn spread(directory: &Path) {
    let asked = File::open(directory).and_then(|directory| {
        let flags = ioctl_getflags(&directory)?;
        Ok(ioctl_setflags(&directory, flags | IFlags::TOPDIR)?)
    });
    if let Err(error) = asked {
        tracing::debug!(%error, directory = %directory.display(), "the file system does not spread directories");
    }
}

/// Removes a directory, also where a script took away our rights inside it. Blocks. What cannot be removed stays, with a
/// warning in the log; a runner tries again at its next start.
pub fn remove(directory: &Path) {
    let removed = std::fs::remove_dir_all(directory).or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            open_up(directory);
            std::fs::remove_dir_all(directory)
        }
        // Something wrote while it was removed.
        io::ErrorKind::DirectoryNotEmpty => std::fs::remove_dir_all(directory),
        _ => Err(error),
    });
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, directory = %directory.display(), "cannot remove a workspace; it is tried again at the next start");
    }
}

/// Gives us all rights to the directories below; symbolic links are not followed.
fn open_up(directory: &Path) {
    let _ = std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700));
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
