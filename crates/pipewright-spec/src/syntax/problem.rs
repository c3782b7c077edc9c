//! Says in our own words why a text is not YAML, or too much of it, and what to write instead.
//!
//! The reader stops at its first problem and names the place where it noticed, which for some mistakes is far from
//! where they were made; those are looked for in the text.

use serde_saphyr::Error;

use super::node::Node;
use super::source::Source;
use crate::diagnostic::{Code, Diagnostic, Severity, Span, shown};
use crate::limits;

/// The problem for an error of the reader; `Ok(None)` where the text is only empty.
pub(super) fn explain(source: &Source, error: &Error) -> Result<Option<Node>, Box<Diagnostic>> {
    let mut error = error.without_snippet();
    while let Error::AliasError { error: inner, .. } = error {
        error = inner.without_snippet();
    }
    let at = place(source, error);
    Err(Box::new(match error {
        Error::Eof { .. } => return Ok(None),
        Error::MultipleDocuments { .. } => Diagnostic::new(
            Severity::Error,
            Code::SeveralDocuments,
            "the file holds more than one YAML document",
            at,
        )
        .with_help("remove the line `---` and what does not belong to the pipeline file"),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_complex(error, at),
        Error::RecursiveReferencesRequireWeakTypes { .. } => Diagnostic::new(
            Severity::Error,
            Code::TooComplex,
            "an alias is used inside the value it stands for",
            at,
        )
        .with_help("move the anchor to a value that does not contain the alias"),
        _ => not_yaml(source, error, at),
    }))
}

fn place(source: &Source, error: &Error) -> Span {
    let Some(location) = error.location() else {
        return source.span(0, 0);
    };
    let start = location.span().byte_offset().map_or_else(
        || {
            let line = u32::try_from(location.line()).unwrap_or(1);
            let column = usize::try_from(location.column())
                .unwrap_or(1)
                .saturating_sub(1);
            let text = source.line_text(line);
            let offset = text
                .char_indices()
                .nth(column)
                .map_or(text.len(), |(offset, _)| offset);
            source.line_start(line) + offset as u32
        },
        |offset| u32::try_from(offset).unwrap_or(u32::MAX),
    );
    let line = source.line(start.min(source.text.len() as u32));
    let line_end = source.line_start(line) + source.line_text(line).len() as u32;
    source.span(start, line_end.clamp(start, start.saturating_add(1)))
}

fn too_complex(error: &Error, at: Span) -> Diagnostic {
    let text = error.to_string().to_lowercase();
    let what = if ["depth", "recursion", "nesting"]
        .iter()
        .any(|word| text.contains(word))
    {
        format!(
            "lists, mappings or aliases nest deeper than {} levels",
            limits::MAX_DEPTH
        )
    } else {
        format!(
            "the file holds more than {} values, those that aliases repeat counted each time",
            limits::MAX_VALUES
        )
    };
    Diagnostic::new(Severity::Error, Code::TooComplex, what, at)
        .with_help("split the file, or repeat less with aliases")
}

fn not_yaml(source: &Source, error: &Error, at: Span) -> Diagnostic {
    if let Some(marker) = conflict_marker(source) {
        return marker;
    }
    if let Some(alias) = asterisks(source, at) {
        return alias;
    }
    if let Error::UnknownAnchor { .. } = error {
        let rest = source.text.get(at.start..).unwrap_or("");
        let end = rest
            .find([' ', '\n', '\r', ',', ']', '}'])
            .unwrap_or(rest.len());
        let span = source.span(at.start as u32, (at.start + end) as u32);
        return Diagnostic::new(
            Severity::Error,
            Code::UnknownAnchor,
            format!(
                "no anchor for the alias {} is defined before it",
                shown(&rest[..end])
            ),
            span,
        )
        .with_help(
            "define it first with `&name`, or put the text in quotes if it is not an alias",
        );
    }
    if let Some(tab) = tab(source, at) {
        return tab;
    }
    let reason = reason(&error.to_string());
    if reason.contains("recursion limit") || reason.contains("nesting") {
        return too_complex(error, at);
    }
    Diagnostic::new(
        Severity::Error,
        Code::Syntax,
        format!("this is not YAML: {reason}"),
        at,
    )
    .with_help(help(source, at))
}

/// The reader's words without its place, which is shown by ours; those that name its inner states in plain ones.
fn reason(text: &str) -> String {
    const PLAIN: &[(&str, &str)] = &[
        (
            "while parsing a block mapping, did not find expected key",
            "a key of the mapping above is expected here",
        ),
        (
            "while parsing a block collection, did not find expected '-' indicator",
            "an item of the list above, with `- `, is expected here",
        ),
        (
            "mapping values are not allowed in this context",
            "a second colon stands on this line",
        ),
        (
            "while parsing a node, did not find expected node content",
            "a value is expected here",
        ),
        (
            "while parsing a flow mapping, did not find expected",
            "a `,` or the closing `}` is expected here",
        ),
        (
            "while parsing a flow sequence, expected",
            "a `,` or the closing `]` is expected here",
        ),
        (
            "while scanning an anchor or alias",
            "the name of an anchor or alias is expected here",
        ),
        (
            "block sequence entries are not allowed in this context",
            "an item of a list cannot begin here",
        ),
        (
            "simple key expected ':'",
            "a colon is missing after this key",
        ),
        (
            "unexpected EOF while parsing a",
            "the file ends inside brackets or a mapping",
        ),
        ("unexpected eof", "the file ends too early"),
    ];
    let line = text.lines().next().unwrap_or("").trim();
    let line = line.strip_prefix("error:").unwrap_or(line).trim();
    let end = [" at line ", " at byte ", " at char "]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min()
        .unwrap_or(line.len());
    // A tag may hold an escaped NUL, which nothing that is stored may.
    let line: String = line[..end]
        .chars()
        .take(200)
        .map(|character| {
            if character == '\0' {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect();
    PLAIN
        .iter()
        .find(|(theirs, _)| line.starts_with(theirs))
        .map_or(line, |(_, ours)| (*ours).to_owned())
}

/// Git's marks begin a line; the reader often fails later, where the two versions no longer fit together.
fn conflict_marker(source: &Source) -> Option<Diagnostic> {
    (1..=source.lines()).find_map(|line| {
        let text = source.line_text(line);
        let is_marker = ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| text.starts_with(mark)) || text == "=======";
        let start = source.line_start(line);
        is_marker.then(|| {
            let span = source.span(start, start + text.len() as u32);
            Diagnostic::new(Severity::Error, Code::ConflictMarker, "this is not YAML: a merge conflict was committed unresolved", span)
                .with_help("keep one of the two versions and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`")
        })
    })
}

/// `*****` is read as an alias whose name is asterisks: a masked secret, or a bullet list pasted in.
fn asterisks(source: &Source, at: Span) -> Option<Diagnostic> {
    let from = source.line_start(at.line.saturating_sub(1).max(1)) as usize;
    let text = source.text.get(from..)?;
    let start = from
        + text
            .lines()
            .take(3)
            .collect::<Vec<_>>()
            .join("\n")
            .find("**")
            .filter(|offset| text.get(..*offset).is_some())?;
    let line = source.line(start as u32);
    let before = source
        .line_text(line)
        .get(..start - source.line_start(line) as usize)?;
    if !before.trim_start_matches([' ', '-']).is_empty() && !before.trim_end().ends_with(':') {
        return None;
    }
    let length = source.text[start..]
        .bytes()
        .take_while(|byte| *byte == b'*')
        .count();
    let span = source.span(start as u32, (start + length) as u32);
    let message =
        "this is not YAML: a value that begins with `*` is an alias, and this one names no anchor";
    Some(
        Diagnostic::new(Severity::Error, Code::UnknownAnchor, message, span)
            .with_help("put the text in quotes, or write the real value in its place"),
    )
}

fn tab(source: &Source, at: Span) -> Option<Diagnostic> {
    let first = at.line.saturating_sub(1).max(1);
    (first..=at.line).rev().find_map(|line| {
        let text = source.line_text(line);
        let indent = text.len() - text.trim_start_matches([' ', '\t', '-']).len();
        let offset = text[..indent].find('\t')?;
        let start = source.line_start(line) + offset as u32;
        let problem = Diagnostic::new(
            Severity::Error,
            Code::Tab,
            "YAML does not allow tabs for indentation",
            source.span(start, start + 1),
        );
        Some(problem.with_help("indent with spaces only; most editors can convert tabs"))
    })
}

/// What the line looks like it was meant to be.
fn help(source: &Source, at: Span) -> &'static str {
    let text = source.line_text(at.line).trim_start();
    let item = text.trim_start_matches("- ").trim_start();
    let value = item
        .split_once(": ")
        .map_or(item, |(_, value)| value.trim_start());
    if value.starts_with(['@', '`', '%']) {
        return "put text that begins with `@`, `%` or a backtick in quotes";
    }
    if value.starts_with('"') || value.starts_with('\'') {
        return "a quoted text ends at its second quote: put the whole text in the other kind of quotes, or write it as a block with `|`";
    }
    if item.matches(": ").count() > 1 {
        return "put text that contains a colon and a space in quotes";
    }
    if value.starts_with(['{', '[', '&', '!', '|', '>']) {
        return "put text that begins with `{`, `[`, `&`, `!`, `|` or `>` in quotes";
    }
    "check the indentation: items of a list begin in the same column, and what belongs to a key is indented below it"
}
