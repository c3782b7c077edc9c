//! Reading windows of a log.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use pipewright_core::ids::AttemptId;

use super::{LINES_PER_ENTRY, LogStore, index_path};

/// The longest part of a line that is given, in bytes. The rest of a longer one is passed over, so that a log of one
/// endless line costs no more memory than any other.
const LONGEST_LINE: usize = 64 * 1024;

/// Some lines of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWindow {
    /// Number of the first line, from 0.
    pub first_line: u64,
    /// Offset of the first line's first byte.
    pub first_offset: u64,
    /// Offset behind the last byte given; a follower goes on from here.
    pub next_offset: u64,
    /// The lines without their line ends, each cut at [`LONGEST_LINE`].
    pub lines: Vec<Vec<u8>>,
    /// True where the last line has no end yet: it may still be written on.
    pub last_is_open: bool,
}

/// How long a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogExtent {
    /// Bytes.
    pub bytes: u64,
    /// Lines; one without an end counts.
    pub lines: u64,
}

/// Reads up to `count` lines from line `first` (from 0). An attempt without a log has no lines. Blocking.
pub fn read_lines(
    store: &LogStore,
    attempt: AttemptId,
    first: u64,
    count: usize,
) -> io::Result<LogWindow> {
    let path = store.path(attempt);
    let mut window = LogWindow {
        first_line: first,
        first_offset: 0,
        next_offset: 0,
        lines: Vec::new(),
        last_is_open: false,
    };
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
        if index.seek(SeekFrom::Start((entry - 1) * 8)).is_ok()
            && index.read_exact(&mut offset).is_ok()
        {
            window.next_offset = u64::from_le_bytes(offset);
            line = entry * LINES_PER_ENTRY;
        }
    }
    log.seek(SeekFrom::Start(window.next_offset))?;
    let mut reader = BufReader::with_capacity(64 * 1024, log);
    let mut text = Vec::new();
    while window.lines.len() < count {
        text.clear();
        let (read, ended) = read_line(&mut reader, &mut text)?;
        if read == 0 {
            break;
        }
        if line >= first {
            if window.lines.is_empty() {
                window.first_offset = window.next_offset;
            }
            window.lines.push(text.clone());
            window.last_is_open = !ended;
        }
        window.next_offset += read;
        line += 1;
    }
    if window.lines.is_empty() {
        window.first_offset = window.next_offset;
        window.first_line = line;
    }
    Ok(window)
}

/// Reads one line and passes over what is beyond [`LONGEST_LINE`]. Answers how many bytes it took, its end included, and
/// whether it had an end.
fn read_line(reader: &mut impl BufRead, text: &mut Vec<u8>) -> io::Result<(u64, bool)> {
    let mut taken = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((taken, false));
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = &buffer[..end.unwrap_or(buffer.len())];
        text.extend_from_slice(&part[..part.len().min(LONGEST_LINE.saturating_sub(text.len()))]);
        let used = part.len() + usize::from(end.is_some());
        taken += used as u64;
        reader.consume(used);
        if end.is_some() {
            return Ok((taken, true));
        }
    }
}

/// How long a log is now. Reads only what is behind the index's last entry. Blocking.
pub fn extent(store: &LogStore, attempt: AttemptId) -> io::Result<LogExtent> {
    let path = store.path(attempt);
    let mut log = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LogExtent::default()),
        opened => opened?,
    };
    let (mut offset, mut lines) = (0, 0);
    if let Ok(mut index) = File::open(index_path(&path)) {
        let entries = index.metadata()?.len() / 8;
        let mut last = [0; 8];
        if entries > 0
            && index.seek(SeekFrom::Start((entries - 1) * 8)).is_ok()
            && index.read_exact(&mut last).is_ok()
        {
            (offset, lines) = (u64::from_le_bytes(last), entries * LINES_PER_ENTRY);
        }
    }
    let mut bytes = log.seek(SeekFrom::Start(offset))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut ended = true;
    loop {
        let read = log.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
        ended = buffer[read - 1] == b'\n';
    }
    Ok(LogExtent {
        bytes,
        lines: lines + u64::from(!ended),
    })
}

/// The lines of a log that contain a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// How many there are.
    pub count: u64,
    /// The numbers of the first of them, from 0.
    pub lines: Vec<u64>,
}

/// The lines that contain the text, upper and lower case alike in ASCII, the first `limit` of them by number. Looks at the
/// first [`LONGEST_LINE`] bytes of each line. Reads the log once. Blocking.
pub fn matches(
    store: &LogStore,
    attempt: AttemptId,
    text: &str,
    limit: usize,
) -> io::Result<Matches> {
    let needle = text.to_ascii_lowercase();
    let finder = memchr::memmem::Finder::new(needle.as_bytes());
    let log = match File::open(store.path(attempt)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Matches::default()),
        opened => opened?,
    };
    let mut found = Matches::default();
    if needle.is_empty() {
        return Ok(found);
    }
    let mut reader = BufReader::with_capacity(256 * 1024, log);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let (read, _) = read_line(&mut reader, &mut line)?;
        if read == 0 {
            return Ok(found);
        }
        line.make_ascii_lowercase();
        if finder.find(&line).is_some() {
            found.count += 1;
            if found.lines.len() < limit {
                found.lines.push(number);
            }
        }
        number += 1;
    }
}

/// Reads up to `limit` bytes from `offset`; empty at or behind the end. Blocking.
pub fn read_bytes(
    store: &LogStore,
    attempt: AttemptId,
    offset: u64,
    limit: usize,
) -> io::Result<Vec<u8>> {
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

    use super::{LONGEST_LINE, LogExtent, extent, matches, read_bytes, read_lines};
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
        let text = (0..5000)
            .map(|line| format!("line {line}"))
            .collect::<Vec<_>>()
            .join("\n")
            + "\n";
        for chunk in text.as_bytes().chunks(777) {
            let at = writer.size().stored;
            writer.append_at(at, chunk).expect("appends");
        }
        assert_eq!(writer.size().lines, 5000);
        for first in [0, 1, 255, 256, 257, 511, 512, 4095, 4999] {
            let window = read_lines(&store, attempt, first, 2).expect("reads");
            assert_eq!(window.lines[0], format!("line {first}").as_bytes());
            assert!(
                text[usize::try_from(window.first_offset).expect("small")..]
                    .starts_with(&format!("line {first}\n"))
            );
        }
        assert!(
            read_lines(&store, attempt, 5000, 10)
                .expect("reads")
                .lines
                .is_empty()
        );
    }

    #[test]
    fn repeated_bytes_are_skipped_a_gap_is_refused_and_reopening_goes_on() {
        let (_directory, store) = store();
        let attempt = AttemptId::new();
        let mut writer = store.writer(attempt).expect("a log");
        writer.append_at(0, b"one\ntw").expect("appends");
        writer
            .append_at(0, b"one\ntw")
            .expect("a repetition is skipped");
        writer.append_at(4, b"two\n").expect("an overlap is cut");
        assert!(writer.append_at(99, b"x").is_err(), "a gap");
        writer
            .append_at(8, b"\x1d+ make\nmade")
            .expect("a command and its mark");
        let size = writer.size();
        assert_eq!((size.stored, size.printed, size.lines), (20, 19, 3));
        drop(writer);
        let writer = store.writer(attempt).expect("opens again");
        assert_eq!(writer.size(), size, "whoever opens it counts alike");
        assert_eq!(
            read_bytes(&store, attempt, 0, 100).expect("reads"),
            b"one\ntwo\n\x1d+ make\nmade"
        );
        store.remove(attempt).expect("removes");
        assert!(
            read_bytes(&store, attempt, 0, 100)
                .expect("reads")
                .is_empty()
        );
    }

    #[test]
    fn the_extent_counts_an_open_line_and_an_endless_one_is_cut() {
        let (_directory, store) = store();
        let attempt = AttemptId::new();
        assert_eq!(
            extent(&store, attempt).expect("reads"),
            LogExtent::default()
        );
        let mut writer = store.writer(attempt).expect("a log");
        let mut at = 0;
        let mut append = |bytes: &[u8]| {
            writer.append_at(at, bytes).expect("appends");
            at += bytes.len() as u64;
        };
        append(&b"x\n".repeat(1000));
        assert_eq!(
            extent(&store, attempt).expect("reads"),
            LogExtent {
                bytes: 2000,
                lines: 1000
            }
        );
        append(b"open");
        assert_eq!(
            extent(&store, attempt).expect("reads"),
            LogExtent {
                bytes: 2004,
                lines: 1001
            }
        );
        assert!(
            read_lines(&store, attempt, 1000, 5)
                .expect("reads")
                .last_is_open
        );
        append(&vec![b'y'; 3 * LONGEST_LINE]);
        append(b"\nlast\n");
        let window = read_lines(&store, attempt, 1000, 5).expect("reads");
        assert_eq!(
            window.lines.iter().map(Vec::len).collect::<Vec<_>>(),
            [LONGEST_LINE, 4]
        );
        assert!(!window.last_is_open);
        assert_eq!(
            window.next_offset,
            extent(&store, attempt).expect("reads").bytes
        );
    }

    #[test]
    fn lines_with_a_text_are_counted_whatever_its_case() {
        let (_directory, store) = store();
        let attempt = AttemptId::new();
        let matches = |text: &str| matches(&store, attempt, text, 2).expect("reads");
        assert_eq!(matches("x").count, 0);
        let mut writer = store.writer(attempt).expect("a log");
        let text: String = (0..2000)
            .map(|line| {
                format!(
                    "{} {line}\n",
                    if line % 700 == 3 { "Error" } else { "fine" }
                )
            })
            .collect();
        writer.append_at(0, text.as_bytes()).expect("appends");
        let found = matches("eRRor");
        assert_eq!((found.count, found.lines.as_slice()), (3, &[3, 703][..]));
        assert_eq!(matches("").count, 0);
    }
}
