//! What is wrong with a pipeline file, with the lines it is about.

use pipewright_spec::Diagnostic;
use pipewright_store::builds::{self, Build};

use crate::app::App;
use crate::web::{MemberOf, PageError};

/// How many lines are shown before and behind the one a problem is on.
const AROUND: usize = 2;

/// The longest line that is shown, in characters.
const LONGEST: usize = 240;

/// A problem as the page shows it.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownDiagnostic {
    /// `bad` or `warn`.
    pub(in crate::pages) class: &'static str,
    /// The severity's own word, as the terminal and JSON have it.
    pub(in crate::pages) word: &'static str,
    /// The message as one text.
    pub(in crate::pages) text: String,
    pub(in crate::pages) message: Vec<Piece>,
    pub(in crate::pages) code: String,
    /// The file it is in, where that is not the one that the page shows: its lines are not at hand.
    pub(in crate::pages) file: Option<String>,
    pub(in crate::pages) line: u32,
    pub(in crate::pages) column: u32,
    pub(in crate::pages) path: String,
    pub(in crate::pages) help: Option<Vec<Piece>>,
    pub(in crate::pages) source: Vec<SourceLine>,
    /// Other places: line and what it has to do with it.
    pub(in crate::pages) labels: Vec<(u32, String)>,
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Piece {
    pub(in crate::pages) text: String,
    /// Whether it stood in backticks.
    pub(in crate::pages) is_code: bool,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct SourceLine {
    /// From 1.
    pub(in crate::pages) number: usize,
    pub(in crate::pages) before: String,
    /// What the problem is about; empty on other lines.
    pub(in crate::pages) marked: String,
    pub(in crate::pages) after: String,
}

/// The problems of a build's pipeline file, for its page.
pub(super) async fn of(
    app: &App,
    member: &MemberOf,
    build: &Build,
) -> Result<Vec<ShownDiagnostic>, PageError> {
    let found = read(build);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let file = builds::pipeline_file(&app.db, member.account.id, build.id)
        .await?
        .unwrap_or_default();
    Ok(shown_all(&found, &file))
}

/// The problems as they were kept with the build. Written by this server or an older one: what cannot be read is not
/// worth failing a page for.
pub(super) fn read(build: &Build) -> Vec<Diagnostic> {
    serde_json::from_value(build.diagnostics.clone()).unwrap_or_default()
}

/// The problems with their lines of the file.
pub(super) fn shown_all(found: &[Diagnostic], file: &[u8]) -> Vec<ShownDiagnostic> {
    let text = String::from_utf8_lossy(file);
    let lines: Vec<&str> = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .lines()
        .collect();
    found
        .iter()
        .map(|diagnostic| shown(diagnostic, &lines))
        .collect()
}

fn shown(diagnostic: &Diagnostic, lines: &[&str]) -> ShownDiagnostic {
    let class = if diagnostic.is_fatal() { "bad" } else { "warn" };
    let (line, column) = (diagnostic.primary.line, diagnostic.primary.column);
    let length = diagnostic
        .primary
        .end
        .saturating_sub(diagnostic.primary.start);
    ShownDiagnostic {
        class,
        word: diagnostic.severity.as_str(),
        source: if diagnostic.file.is_none() {
            excerpt(lines, line as usize, column as usize, length)
        } else {
            Vec::new()
        },
        message: pieces(&diagnostic.message),
        text: diagnostic.message.clone(),
        code: diagnostic.code.to_string(),
        line,
        column,
        path: diagnostic.path.clone(),
        file: diagnostic.file.clone(),
        help: diagnostic.help.as_deref().map(pieces),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| (label.span.line, label.text.clone()))
            .collect(),
    }
}

/// A sentence cut at its backticks. An odd one out is shown as it stands.
pub(in crate::pages) fn pieces(text: &str) -> Vec<Piece> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![Piece {
            text: text.to_owned(),
            is_code: false,
        }];
    }
    let piece = |(index, text): (usize, &&str)| Piece {
        text: (*text).to_owned(),
        is_code: index % 2 == 1,
    };
    parts
        .iter()
        .enumerate()
        .map(piece)
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

/// The lines around a place. `line` and `column` count from 1, the column in characters; `bytes` is the place's length.
fn excerpt(lines: &[&str], line: usize, column: usize, bytes: usize) -> Vec<SourceLine> {
    if line == 0 || line > lines.len() {
        return Vec::new();
    }
    let first = line.saturating_sub(AROUND).max(1);
    let last = (line + AROUND).min(lines.len());
    (first..=last)
        .map(|number| {
            let text: String = lines[number - 1].chars().take(LONGEST).collect();
            if number != line {
                return SourceLine {
                    number,
                    before: text,
                    marked: String::new(),
                    after: String::new(),
                };
            }
            let start = text
                .char_indices()
                .nth(column.saturating_sub(1))
                .map_or(text.len(), |(index, _)| index);
            let mut end = (start + bytes.max(1)).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            SourceLine {
                number,
                before: text[..start].to_owned(),
                marked: text[start..end].to_owned(),
                after: text[end..].to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{excerpt, pieces};

    #[test]
    fn what_stands_in_backticks_is_code() {
        let shown = |text| {
            pieces(text)
                .into_iter()
                .map(|piece| (piece.text, piece.is_code))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            shown("no `a` or `b`"),
            [("no ", false), ("a", true), (" or ", false), ("b", true)]
                .map(|(text, code)| (text.to_owned(), code))
        );
        assert_eq!(shown("an odd ` one"), [("an odd ` one".to_owned(), false)]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn a_place_is_shown_with_the_lines_around_it_whatever_it_says() {
        let lines = ["pipelines:", "  default:", "    - stäp:", "        name: x"];
        let shown = excerpt(&lines, 3, 7, 5);
        assert_eq!(shown.len(), 4);
        assert_eq!(
            (
                shown[2].before.as_str(),
                shown[2].marked.as_str(),
                shown[2].after.as_str()
            ),
            ("    - ", "stäp", ":")
        );
        assert!(shown.iter().filter(|line| !line.marked.is_empty()).count() == 1);
        for (line, column, bytes) in [
            (0, 0, 0),
            (9, 1, 1),
            (3, 99, 5),
            (3, 8, 0),
            (3, 1, usize::MAX / 2),
            (1, 9, 1),
        ] {
            excerpt(&lines, line, column, bytes);
        }
        assert!(excerpt(&[], 1, 1, 1).is_empty());
    }
}
