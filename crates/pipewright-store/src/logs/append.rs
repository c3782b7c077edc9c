//! Appending to a log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use pipewright_core::ids::AttemptId;

use super::{LINES_PER_ENTRY, LogStore, index_path};

/// An open log. Blocking: call it where blocking is allowed.
#[derive(Debug)]
pub struct LogWriter {
    log: File,
    index: File,
    bytes: u64,
    lines: u64,
}

impl LogStore {
    /// Opens an attempt's log to append to it; what is there stays, and its index is made again where it is not whole.
    pub fn writer(&self, attempt: AttemptId) -> io::Result<LogWriter> {
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
        let mut writer = LogWriter {
            log: log.try_clone()?,
            index,
            bytes: 0,
            lines: 0,
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

impl LogWriter {
    /// Appends bytes whose first stands at `offset`. Bytes that are there already are skipped, so a repeated call after a
    /// lost answer does no harm; a gap is refused.
    pub fn append_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset > self.bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("log has {} bytes, the next are for {offset}", self.bytes),
            ));
        }
        let skip = usize::try_from(self.bytes - offset).unwrap_or(usize::MAX);
        match bytes.get(skip..) {
            Some(new) if !new.is_empty() => {
                self.log.write_all(new)?;
                self.count(new)
            }
            _ => Ok(()),
        }
    }

    /// Bytes in the log.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whole lines in the log.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut at = 0;
        while let Some(end) = memchr_newline(&bytes[at..]) {
            at += end + 1;
            self.lines += 1;
            if self.lines.is_multiple_of(LINES_PER_ENTRY) {
                entries.extend_from_slice(&(self.bytes + at as u64).to_le_bytes());
            }
        }
        self.bytes += bytes.len() as u64;
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
