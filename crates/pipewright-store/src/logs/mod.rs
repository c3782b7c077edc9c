//! Logs of attempts: bytes appended to files, never rows. The database holds only their lengths.
//!
//! A log is one file, and beside it an index with the offset of every 256th line, so that any window of lines opens
//! with one seek however long the log is. The index is made while bytes are appended and can be made again from the log.

mod append;
mod read;
mod times;

use std::path::{Path, PathBuf};

use pipewright_core::ids::AttemptId;

pub use append::{LogAppender, LogSize};
pub use read::{LogExtent, LogWindow, Matches, extent, matches, read_bytes, read_lines};
pub use times::{Commands, commands, times};

/// What the runner puts before a command, at the beginning of a line: where commands begin is seen by it. It was not printed,
/// and is left out wherever a log is shown.
pub const COMMAND_MARK: u8 = 0x1d;

/// Every how many lines the index has an entry.
pub(crate) const LINES_PER_ENTRY: u64 = 256;

/// Where logs are kept.
#[derive(Debug, Clone)]
pub struct LogStore {
    directory: PathBuf,
}

impl LogStore {
    /// Keeps logs under this directory; it is made where it is not there.
    pub fn open(directory: impl Into<PathBuf>) -> std::io::Result<Self> {
        let directory = directory.into();
        std::fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// The file of an attempt's log. Spread over 256 directories by the id's last byte, which is random.
    pub(crate) fn path(&self, attempt: AttemptId) -> PathBuf {
        let name = attempt.to_string();
        self.directory
            .join(&name[name.len() - 2..])
            .join(format!("{name}.log"))
    }

    /// Removes an attempt's log; nothing happens where there is none.
    pub fn remove(&self, attempt: AttemptId) -> std::io::Result<()> {
        let log = self.path(attempt);
        for path in [index_path(&log), times::path(&log), log] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(crate) fn index_path(log: &Path) -> PathBuf {
    log.with_extension("idx")
}
