//! Appending to a log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use pipewright_core::Timestamp;
use pipewright_core::ids::AttemptId;

use super::{COMMAND_MARK, LINES_PER_ENTRY, LogStore, index_path, times};
use crate::files::{parent, sync_directory};

/// How large a log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSize {
    /// Bytes of its file: where the next ones belong.
    pub stored: u64,
    /// Bytes that were printed, which is all but the marks of commands: the length of the raw log, and `attempts.log_bytes`.
    pub printed: u64,
    /// Whole lines.
    pub lines: u64,
}

/// An open log. Blocking: call it where blocking is allowed.
#[derive(Debug)]
pub struct LogAppender {
    log: File,
    index: File,
    times: File,
    directory: PathBuf,
    size: LogSize,
    /// Whether the last line has no end yet.
    is_open: bool,
    /// When what is appended next came.
    at: Option<Timestamp>,
}

impl LogStore {
    /// Opens an attempt's log to append to it; what is there stays, and its index is made again where it is not whole.
    pub fn writer(&self, attempt: AttemptId) -> io::Result<LogAppender> {
        let path = self.path(attempt);
        let open = || {
            OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)
        };
        let mut log = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(directory) = path.parent() {
                    std::fs::create_dir_all(directory)?;
                }
                open()?
            }
            opened => opened?,
        };
        let index = OpenOptions::new()
            .append(true)
            .create(true)
            .open(index_path(&path))?;
        let times = OpenOptions::new()
            .append(true)
            .create(true)
            .open(times::path(&path))?;
        let mut writer = LogAppender {
            log: log.try_clone()?,
            index,
            times,
            directory: parent(&path).to_owned(),
            size: LogSize::default(),
            is_open: false,
            at: None,
        };
        if log.metadata()?.len() > 0 {
            writer.index.set_len(0)?;
            let mut buffer = vec![0; 256 * 1024];
            log.seek(SeekFrom::Start(0))?;
            loop {
                let read = log.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                writer.count(&buffer[..read])?;
            }
        }
        Ok(writer)
    }
}

impl LogAppender {
    /// Appends bytes whose first stands at `offset`. Bytes that are there already are skipped, so a repeated call after a
    /// lost answer does no harm; a gap is refused.
    pub fn append_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset > self.size.stored {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "log has {} bytes, the next are for {offset}",
                    self.size.stored
                ),
            ));
        }
        let skip = usize::try_from(self.size.stored - offset).unwrap_or(usize::MAX);
        match bytes.get(skip..) {
            Some(new) if !new.is_empty() => {
                self.log.write_all(new)?;
                self.note(new)?;
                self.count(new)
            }
            _ => Ok(()),
        }
    }

    /// Says when the bytes that are appended from now on came.
    pub const fn stamp(&mut self, at: Timestamp) {
        self.at = Some(at);
    }

    /// Notes when the first line that begins in these bytes came.
    fn note(&mut self, new: &[u8]) -> io::Result<()> {
        let Some(at) = self.at else { return Ok(()) };
        let begins = if self.is_open {
            let begins_here = memchr_newline(new).is_some_and(|end| end + 1 < new.len());
            begins_here.then_some(self.size.lines + 1)
        } else {
            Some(self.size.lines)
        };
        match begins {
            Some(line) => self.times.write_all(&times::entry(line, at)),
            None => Ok(()),
        }
    }

    /// Has what was appended survive the power going. Called once, before the attempt's end is stored: the index need not last,
    /// it can be made again.
    pub fn make_last(&self) -> io::Result<()> {
        self.log.sync_all()?;
        sync_directory(&self.directory)?;
        // The directory itself may be new.
        sync_directory(parent(&self.directory))
    }

    /// How large the log is.
    pub const fn size(&self) -> LogSize {
        self.size
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut at = 0;
        while let Some(end) = memchr_newline(&bytes[at..]) {
            at += end + 1;
            self.size.lines += 1;
            if self.size.lines.is_multiple_of(LINES_PER_ENTRY) {
                entries.extend_from_slice(&(self.size.stored + at as u64).to_le_bytes());
            }
        }
        let marks = memchr::memchr_iter(COMMAND_MARK, bytes).count();
        self.size.stored += bytes.len() as u64;
        self.size.printed += (bytes.len() - marks) as u64;
        self.is_open = bytes.last().is_some_and(|last| *last != b'\n');
        if entries.is_empty() {
            Ok(())
        } else {
            self.index.write_all(&entries)
        }
    }
}

fn memchr_newline(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}
