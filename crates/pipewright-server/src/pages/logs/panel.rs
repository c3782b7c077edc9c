//! The log as the build page shows it: a window of lines that reads without a script, and what the script needs to show
//! any other.

use pipewright_core::ids::AttemptId;
use pipewright_store::logs::{self, Matches};

use super::{matches, window};
use crate::app::App;
use crate::web::PageError;

/// A log of at most this many lines is put into the page whole.
const WHOLE: u64 = 1000;

/// How many lines of a longer one are.
const PART: u64 = 600;

/// Which part of a log is asked for.
#[derive(Debug, Clone, Default)]
pub(in crate::pages) struct LogRequest {
    /// The attempt.
    pub(in crate::pages) attempt: Option<AttemptId>,
    /// The line to show, from 1.
    pub(in crate::pages) line: Option<u64>,
    /// The line to begin the window with, from 1.
    pub(in crate::pages) at: Option<u64>,
    /// Text to look for: the first line that has it from `line` on, or else the first of all.
    pub(in crate::pages) find: String,
    /// Whether to show the end where no line is asked for.
    pub(in crate::pages) from_end: bool,
}

/// A line as the page shows it.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownLine {
    /// From 1.
    pub(in crate::pages) number: u64,
    /// Safe HTML.
    pub(in crate::pages) html: String,
    pub(in crate::pages) is_command: bool,
    /// Whether it is the line that was asked for or found.
    pub(in crate::pages) is_hit: bool,
}

/// The log's part of the page.
#[derive(Debug, Clone)]
pub(in crate::pages) struct LogPanel {
    pub(in crate::pages) lines: Vec<ShownLine>,
    /// How many lines the log has.
    pub(in crate::pages) total: u64,
    /// Where the window before this one begins, from 1.
    pub(in crate::pages) earlier: Option<u64>,
    /// Where the window behind this one begins, from 1.
    pub(in crate::pages) later: Option<u64>,
    /// The line asked for or found, from 1.
    pub(in crate::pages) hit: Option<u64>,
    /// The text that was looked for.
    pub(in crate::pages) find: String,
    /// What was found of it, where it was looked for.
    pub(in crate::pages) matches: Option<ShownMatches>,
}

/// Lines that contain what was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) struct ShownMatches {
    /// How many there are.
    pub(in crate::pages) count: u64,
    /// Which of them is shown, from 1; 0 where there is none.
    pub(in crate::pages) at: usize,
    /// The line of the one before, from 1; the last one's where the first is shown.
    pub(in crate::pages) previous: u64,
    /// The line of the one behind it, from 1; the first one's where the last is shown.
    pub(in crate::pages) next: u64,
}

/// Which of the lines is shown, counted from `from`, and which are next to it.
fn around(matches: &Matches, from: u64) -> (Option<u64>, ShownMatches) {
    let lines = &matches.lines;
    let at = lines.iter().position(|line| *line >= from).unwrap_or(0);
    let number = |index: usize| lines.get(index).map_or(0, |line| line + 1);
    let last = lines.len().saturating_sub(1);
    let shown = ShownMatches {
        count: matches.count,
        at: if lines.is_empty() { 0 } else { at + 1 },
        previous: number(at.checked_sub(1).unwrap_or(last)),
        next: number(if at == last { 0 } else { at + 1 }),
    };
    (lines.get(at).copied(), shown)
}

impl LogPanel {
    /// Reads the part of the log that was asked for.
    pub(in crate::pages) async fn read(
        app: &App,
        attempt: AttemptId,
        request: &LogRequest,
    ) -> Result<Self, PageError> {
        let store = app.logs.clone();
        let (find, from) = (
            request.find.clone(),
            request.line.unwrap_or(1).saturating_sub(1),
        );
        let looked = tokio::task::spawn_blocking(move || {
            let extent = logs::extent(&store, attempt)?;
            let found = if find.is_empty() {
                None
            } else {
                Some(logs::matches(&store, attempt, &find, matches::MOST)?)
            };
            Ok::<_, std::io::Error>((extent.lines, found))
        });
        let (total, matches) = looked.await.map_err(PageError::internal)??;
        let (found, matches) = match matches {
            Some(matches) => {
                let (found, shown) = around(&matches, from);
                (found, Some(shown))
            }
            None => (None, None),
        };
        let hit = found
            .or(request.line.map(|line| line.saturating_sub(1)))
            .filter(|line| *line < total);
        let (first, count) = if total <= WHOLE {
            (0, total)
        } else {
            let last_start = total - PART;
            let start = match (request.at, hit) {
                (Some(at), _) => at.saturating_sub(1),
                (None, Some(hit)) => hit.saturating_sub(PART / 3),
                (None, None) if request.from_end => last_start,
                (None, None) => 0,
            };
            (start.min(last_start), PART)
        };
        let read = window::read(
            &app.logs,
            attempt,
            first,
            usize::try_from(count).unwrap_or(0),
        )
        .await?;
        let end = first + read.lines.len() as u64;
        let lines = read
            .lines
            .into_iter()
            .zip(first..)
            .map(|((html, is_command), index)| ShownLine {
                number: index + 1,
                html,
                is_command,
                is_hit: hit == Some(index),
            });
        Ok(Self {
            lines: lines.collect(),
            total: read.total,
            earlier: (first > 0).then(|| first.saturating_sub(PART) + 1),
            later: (end < read.total).then_some(end + 1),
            hit: hit.map(|line| line + 1),
            find: request.find.clone(),
            matches,
        })
    }
}

#[cfg(test)]
mod tests {
    use pipewright_store::logs::Matches;

    use super::around;

    #[test]
    fn matches_are_gone_through_around_the_end() {
        let matches = Matches {
            count: 3,
            lines: vec![3, 703, 1403],
        };
        for (from, found, at, previous, next) in [
            (0, 3, 1, 1404, 704),
            (3, 3, 1, 1404, 704),
            (4, 703, 2, 4, 1404),
            (1403, 1403, 3, 704, 4),
            (1404, 3, 1, 1404, 704),
        ] {
            let (line, shown) = around(&matches, from);
            assert_eq!(line, Some(found), "from {from}");
            assert_eq!(
                (shown.at, shown.previous, shown.next, shown.count),
                (at, previous, next, 3),
                "from {from}"
            );
        }
        let (line, shown) = around(&Matches::default(), 5);
        assert_eq!((line, shown.at, shown.count), (None, 0, 0));
    }
}
