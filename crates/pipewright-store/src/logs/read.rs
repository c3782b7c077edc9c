//! Reading windows of a log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use pipewright_core::ids::AttemptId;

use super::{LINES_PER_ENTRY, LogStore, index_path};

/// Some lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWindow {
    /// Number of the first line, from 0.
    pub first_line: u64,
    /// Offset of the first line's first byte.
    pub first_offset: u64,
    /// Offset behind the last byte given; a follower goes on from here.
    pub next_offset: u64,
    /// The lines without their line ends. The last may be one that is still being written.
    pub lines: Vec<Vec<u8>>,
}

/// Reads up to `count` lines from line `first` (from 0). An attempt without a log has no lines. Blocking.
pub fn read_lines(store: &LogStore, attempt: AttemptId, first: u64, count: usize) -> io::Result<LogWindow> {
    let path = store.path(attempt);
    let mut window = LogWindow { first_line: first, first_offset: 0, next_offset: 0, lines: Vec::new() };
    let mut log = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(window),
        opened => opened?,
    };
    let entry = first / LINES_PER_ENTRY;
    let mut line = 0;
    if entry > 0
        && let Ok(mut index) = File::open(index_path(&path))
    {
        let mut offset = [0; 8];
        if index.seek(SeekFrom::Start((entry - 1) * 8)).is_ok() && index.read_exact(&mut offset).is_ok() {
            window.next_offset = u64::from_le_bytes(offset);
            line = entry * LINES_PER_ENTRY;
        }
    }
    log.seek(SeekFrom::Start(window.next_offset))?;
    let mut reader = BufReader::with_capacity(64 * 1024, log);
    let mut text = Vec::new();
    while window.lines.len() < count {
        text.clear();
        let read = reader.read_until(b'\n', &mut text)?;
        if read == 0 {
            break;
        }
        if line >= first {
            if window.lines.is_empty() {
                window.first_offset = window.next_offset;
            }
            if text.last() == Some(&b'\n') {
                text.pop();
            }
            window.lines.push(text.clone());
        }
        window.next_offset += read as u64;
        line += 1;
    }
    if window.lines.is_empty() {
        window.first_offset = window.next_offset;
        window.first_line = line;
    }
    Ok(window)
}

/// Reads up to `limit` bytes from `offset`; empty at or behind the end. Blocking.
pub fn read_bytes(store: &LogStore, attempt: AttemptId, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
    let mut log = match File::open(store.path(attempt)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    log.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    log.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::AttemptId;

    use super::{read_bytes, read_lines};
    use crate::logs::LogStore;

    fn store() -> (tempfile::TempDir, LogStore) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = LogStore::open(directory.path()).expect("a log store");
        (directory, store)
    }

    #[test]
    fn any_window_of_a_long_log_reads_right() {
        let (_directory, store) = store();
        let attempt = AttemptId::new();
        let mut writer = store.writer(attempt).expect("a log");
        let text = (0..5000).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n") + "\n";
        for chunk in text.as_bytes().chunks(777) {
            let at = writer.bytes();
            writer.append_at(at, chunk).expect("appends");
        }
        assert_eq!(writer.lines(), 5000);
        for first in [0, 1, 255, 256, 257, 511, 512, 4095, 4999] {
            let window = read_lines(&store, attempt, first, 2).expect("reads");
            assert_eq!(window.lines[0], format!("line {first}").as_bytes());
            assert!(text[usize::try_from(window.first_offset).expect("small")..].starts_with(&format!("line {first}\n")));
        }
        assert!(read_lines(&store, attempt, 5000, 10).expect("reads").lines.is_empty());
    }

    #[test]
    fn repeated_bytes_are_skipped_a_gap_is_refused_and_reopening_goes_on() {
        let (_directory, store) = store();
        let attempt = AttemptId::new();
        let mut writer = store.writer(attempt).expect("a log");
        writer.append_at(0, b"one\ntw").expect("appends");
        writer.append_at(0, b"one\ntw").expect("a repetition is skipped");
        writer.append_at(4, b"two\n").expect("an overlap is cut");
        assert!(writer.append_at(99, b"x").is_err(), "a gap");
        drop(writer);
        let writer = store.writer(attempt).expect("opens again");
        assert_eq!((writer.bytes(), writer.lines()), (8, 2));
        assert_eq!(read_bytes(&store, attempt, 0, 100).expect("reads"), b"one\ntwo\n");
        store.remove(attempt).expect("removes");
        assert!(read_bytes(&store, attempt, 0, 100).expect("reads").is_empty());
    }
}
