//! When lines of a log came, and where its commands begin.
//!
//! Beside a log lies a file of moments: for the first line that began in each piece that was appended, its number and when
//! the piece came. Commands are found by their mark in the log itself. Both are for people: a log without them reads as
//! well.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pipewright_core::Timestamp;
use pipewright_core::ids::AttemptId;

use super::{COMMAND_MARK, LogStore};

/// Bytes of one moment: the line's number and microseconds since 1970, both little-endian.
const ENTRY: u64 = 16;

/// At most so many commands are told of.
const MOST_COMMANDS: usize = 5000;

/// Where a log's moments are kept.
pub(super) fn path(log: &Path) -> PathBuf {
    log.with_extension("times")
}

/// One moment as it is kept.
pub(super) fn entry(line: u64, at: Timestamp) -> [u8; ENTRY as usize] {
    let mut entry = [0; ENTRY as usize];
    entry[..8].copy_from_slice(&line.to_le_bytes());
    entry[8..].copy_from_slice(&at.as_micros().to_le_bytes());
    entry
}

/// The moments that tell when `count` lines from line `first` (from 0) came: pairs of a line and a moment, which holds until
/// the next pair. Empty for a log without them. Blocking.
pub fn times(
    store: &LogStore,
    attempt: AttemptId,
    first: u64,
    count: u64,
) -> io::Result<Vec<(u64, Timestamp)>> {
    let Some(moments) = Moments::open(store, attempt)? else {
        return Ok(Vec::new());
    };
    let mut index = moments.at_or_before(first)?;
    let mut found = Vec::new();
    while index < moments.count {
        let (line, at) = moments.read(index)?;
        if line >= first.saturating_add(count) {
            break;
        }
        found.push((line, at));
        index += 1;
    }
    Ok(found)
}

/// The commands of a log, in order: the line of each (from 0) and when it came, and when the log's last piece came. Reads
/// the log once. Blocking.
pub fn commands(store: &LogStore, attempt: AttemptId) -> io::Result<Commands> {
    let mut log = match File::open(store.path(attempt)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Commands::default()),
        opened => opened?,
    };
    let moments = Moments::open(store, attempt)?;
    let at = |line: u64| -> io::Result<Option<Timestamp>> {
        match &moments {
            Some(moments) if moments.count > 0 => {
                let (noted, at) = moments.read(moments.at_or_before(line)?)?;
                Ok((noted <= line).then_some(at))
            }
            _ => Ok(None),
        }
    };
    let mut found = Commands::default();
    let mut buffer = vec![0; 256 * 1024];
    let (mut line, mut before) = (0_u64, b'\n');
    'log: loop {
        let read = log.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let mut counted = 0;
        for place in memchr::memchr_iter(COMMAND_MARK, &buffer[..read]) {
            line += memchr::memchr_iter(b'\n', &buffer[counted..place]).count() as u64;
            counted = place;
            let previous = place.checked_sub(1).map_or(before, |place| buffer[place]);
            if previous == b'\n' {
                if found.begun.len() == MOST_COMMANDS {
                    break 'log;
                }
                found.begun.push((line, at(line)?));
            }
        }
        line += memchr::memchr_iter(b'\n', &buffer[counted..read]).count() as u64;
        before = buffer[read - 1];
    }
    if let Some(moments) = moments.filter(|moments| moments.count > 0) {
        found.last_at = Some(moments.read(moments.count - 1)?.1);
    }
    Ok(found)
}

/// What is known of a log's commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// The line of each (from 0), and when it came, where that was noted.
    pub begun: Vec<(u64, Option<Timestamp>)>,
    /// When the last piece of the log came.
    pub last_at: Option<Timestamp>,
}

/// A log's moments, read where they lie.
struct Moments {
    file: File,
    count: u64,
}

impl Moments {
    fn open(store: &LogStore, attempt: AttemptId) -> io::Result<Option<Self>> {
        match File::open(path(&store.path(attempt))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let file = opened?;
                let count = file.metadata()?.len() / ENTRY;
                Ok(Some(Self { file, count }))
            }
        }
    }

    fn read(&self, index: u64) -> io::Result<(u64, Timestamp)> {
        let mut entry = [0; ENTRY as usize];
        self.file.read_exact_at(&mut entry, index * ENTRY)?;
        let (line, at) = entry.split_at(8);
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let at = i64::try_from(number(at)).unwrap_or(0);
        Ok((number(line), Timestamp::from_micros(at)))
    }

    /// The last one that was noted at or before a line; the first where none was.
    fn at_or_before(&self, line: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.read(middle)?.0 <= line {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::AttemptId;

    use super::{Commands, commands, times};
    use crate::logs::LogStore;

    #[test]
    fn lines_have_the_moment_at_which_their_piece_came_and_commands_are_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = LogStore::open(directory.path()).expect("a log store");
        let attempt = AttemptId::new();
        assert_eq!(times(&store, attempt, 0, 9).expect("reads"), []);
        let mut writer = store.writer(attempt).expect("a log");
        let at = Timestamp::from_seconds;
        for (second, text) in [
            (10, "Cloned.\n\u{1d}+ make\none\ntw"),
            (12, "o"),
            (14, "\nthree\n"),
            (16, "\u{1d}+ make test\nword \u{1d} word\n"),
        ] {
            writer.stamp(at(second));
            let offset = writer.size().stored;
            writer.append_at(offset, text.as_bytes()).expect("appends");
        }
        assert_eq!(
            times(&store, attempt, 0, 100).expect("reads"),
            [(0, at(10)), (4, at(14)), (5, at(16))],
            "the line that was only written on keeps its moment"
        );
        assert_eq!(times(&store, attempt, 3, 1).expect("reads"), [(0, at(10))]);
        assert_eq!(times(&store, attempt, 6, 9).expect("reads"), [(5, at(16))]);
        let expected = Commands {
            begun: vec![(1, Some(at(10))), (5, Some(at(16)))],
            last_at: Some(at(16)),
        };
        assert_eq!(commands(&store, attempt).expect("reads"), expected);
        drop(writer);
        // A restart goes on where the log was, and a repeated piece is noted once.
        let mut writer = store.writer(attempt).expect("opens again");
        writer.stamp(at(20));
        writer.append_at(0, b"Cloned.\n").expect("is there already");
        assert_eq!(times(&store, attempt, 0, 100).expect("reads").len(), 3);
        store.remove(attempt).expect("removes");
        assert_eq!(
            std::fs::read_dir(directory.path())
                .into_iter()
                .flatten()
                .flatten()
                .flat_map(|sub| std::fs::read_dir(sub.path()).into_iter().flatten())
                .count(),
            0,
            "nothing stays"
        );
    }
}
