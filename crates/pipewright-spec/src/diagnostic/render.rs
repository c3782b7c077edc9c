//! Draws problems for a terminal or a log, with the lines of the file they are about.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity, Span};

/// Lines that have more bytes together are not drawn whole.
const LONG: usize = 4000;

/// How many bytes are drawn before and after a place in a long line, and of the place itself.
const AROUND: usize = 120;

/// A file's name and its text, decoded.
#[derive(Debug, Clone, Copy)]
pub struct FileText<'a> {
    /// As it is shown, and as [`Diagnostic::file`] has it.
    pub name: &'a str,
    /// The text that the places count in.
    pub text: &'a str,
}

/// Draws the problems as plain text, one after another, each with its lines of `source`. Those of other files are only
/// named with their place; see [`render_text_of`].
pub fn render_text(diagnostics: &[Diagnostic], file_name: &str, source: &str) -> String {
    render_text_of(
        diagnostics,
        FileText {
            name: file_name,
            text: source,
        },
        &[],
    )
}

/// As [`render_text`], with ANSI colours.
pub fn render_coloured(diagnostics: &[Diagnostic], file_name: &str, source: &str) -> String {
    render_coloured_of(
        diagnostics,
        FileText {
            name: file_name,
            text: source,
        },
        &[],
    )
}

/// As [`render_text`], with the texts of files that were imported.
pub fn render_text_of(
    diagnostics: &[Diagnostic],
    file: FileText<'_>,
    imported: &[FileText<'_>],
) -> String {
    render(diagnostics, file, imported, &Renderer::plain())
}

/// As [`render_text_of`], with ANSI colours.
pub fn render_coloured_of(
    diagnostics: &[Diagnostic],
    file: FileText<'_>,
    imported: &[FileText<'_>],
) -> String {
    render(diagnostics, file, imported, &Renderer::styled())
}

/// `2 errors, 1 warning`, or `no problems`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let words: Vec<String> = [
        (Severity::Error, "error", "errors"),
        (Severity::Unsupported, "not supported", "not supported"),
        (Severity::Warning, "warning", "warnings"),
    ]
    .into_iter()
    .map(|(severity, one, many)| (count(severity), one, many))
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    if words.is_empty() {
        "no problems".to_owned()
    } else {
        words.join(", ")
    }
}

fn render(
    diagnostics: &[Diagnostic],
    file: FileText<'_>,
    imported: &[FileText<'_>],
    renderer: &Renderer,
) -> String {
    let own = Lines::of(file.text);
    let others: Vec<(&str, Lines<'_>)> = imported
        .iter()
        .map(|other| (other.name, Lines::of(other.text)))
        .collect();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Unsupported => Level::ERROR.with_name("unsupported"),
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(
            level
                .primary_title(&*diagnostic.message)
                .id(&*diagnostic.code),
        );
        let text = diagnostic
            .file
            .as_deref()
            .map_or(Some((file.name, &own)), |name| {
                others
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map(|(name, lines)| (*name, lines))
            });
        let Some((file_name, lines)) = text else {
            // The text of another file is not at hand.
            let (name, at) = (
                diagnostic.file.as_deref().unwrap_or_default(),
                diagnostic.primary,
            );
            group = group.element(
                Origin::path(name)
                    .line(at.line as usize)
                    .char_column(at.column as usize),
            );
            if let Some(help) = &diagnostic.help {
                group = group.element(Level::HELP.message(&**help));
            }
            out.push_str(&renderer.render(&[group]));
            out.push_str("\n\n");
            continue;
        };
        let mut primary = lines.excerpt(diagnostic.primary, file_name).annotation(
            lines.inside(diagnostic.primary),
            AnnotationKind::Primary,
            "",
        );
        let mut elsewhere = Vec::new();
        for label in &diagnostic.labels {
            let place = lines.inside(label.span);
            if primary.holds(&place) {
                primary = primary.annotation(place, AnnotationKind::Context, &label.text);
            } else {
                elsewhere.push(lines.excerpt(label.span, file_name).annotation(
                    place,
                    AnnotationKind::Context,
                    &label.text,
                ));
            }
        }
        for excerpt in std::iter::once(primary).chain(elsewhere) {
            if let Some(origin) = excerpt.origin {
                group = group.element(origin);
            }
            group = group.element(excerpt.snippet);
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(&**help));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    out
}

/// Where the lines of a source begin.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(source: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(source.match_indices('\n').map(|(index, _)| index + 1))
            .collect();
        Self { source, starts }
    }

    /// The lines around a place: only these are given to the renderer, whose cost grows with the text. Of a very long
    /// line it is given the part around the place, with the position told apart.
    fn excerpt(&self, span: Span, file_name: &'a str) -> Excerpt<'a> {
        let place = self.inside(span);
        let line = self.starts.partition_point(|start| *start <= place.start);
        let first = line.saturating_sub(2);
        let from = self.starts[first];
        let to = self
            .starts
            .get(first + 3)
            .copied()
            .unwrap_or(self.source.len())
            .max(place.end);
        if to - from > LONG {
            let start = self.starts[line.saturating_sub(1)].max(place.start.saturating_sub(AROUND));
            let rest = &self.source[place.end..];
            let end = place.end + rest.find('\n').unwrap_or(rest.len()).min(AROUND);
            let range = self.boundary(start)..self.boundary(end).max(place.end);
            let origin = Origin::path(file_name)
                .line(span.line as usize)
                .char_column(span.column as usize);
            let snippet = Snippet::source(&self.source[range.clone()]).line_start(line);
            return Excerpt {
                snippet,
                range,
                origin: Some(origin),
            };
        }
        let snippet = Snippet::source(&self.source[from..to])
            .line_start(first + 1)
            .path(file_name);
        Excerpt {
            snippet,
            range: from..to,
            origin: None,
        }
    }

    /// The place, on character boundaries of this source whatever was handed in, on one line and not longer than shown.
    fn inside(&self, span: Span) -> Range<usize> {
        let start = self.boundary(span.start);
        let end = self.boundary(span.end.min(start + AROUND)).max(start);
        let line_end = self.source[start..end]
            .find('\n')
            .map_or(end, |offset| start + offset);
        start..line_end
    }

    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.source.len());
        while !self.source.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

/// A few lines and the places marked in them.
struct Excerpt<'a> {
    snippet: Snippet<'a, annotate_snippets::Annotation<'a>>,
    range: Range<usize>,
    /// The position, where the snippet does not begin at a line's beginning.
    origin: Option<Origin<'a>>,
}

impl<'a> Excerpt<'a> {
    fn holds(&self, place: &Range<usize>) -> bool {
        self.range.start <= place.start && place.end <= self.range.end
    }

    /// Marks a place of the whole source that this excerpt holds.
    fn annotation(mut self, place: Range<usize>, kind: AnnotationKind, text: &'a str) -> Self {
        let start = place.start.saturating_sub(self.range.start);
        let end = place.end.saturating_sub(self.range.start).max(start);
        let mut annotation = kind.span(start..end);
        if !text.is_empty() {
            annotation = annotation.label(text);
        }
        self.snippet = self.snippet.annotation(annotation);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::render_text;
    use crate::diagnostic::{Code, Diagnostic, Severity, Span};

    #[test]
    fn a_long_line_is_drawn_around_the_place() {
        let source = format!(
            "a: b\nc: {{{}nmae: x{}}}\n",
            "é: 1, ".repeat(5000),
            ", y: 2".repeat(5000)
        );
        let start = source.find("nmae").expect("the place");
        let span = Span {
            line: 2,
            column: 30_005,
            start,
            end: start + 4,
        };
        let problem = Diagnostic::new(Severity::Warning, Code::UnknownKey, "wrong", span)
            .with_label(
                Span {
                    line: 1,
                    column: 1,
                    start: 0,
                    end: 1,
                },
                "here",
            );
        let text = render_text(&[problem], "f.yml", &source);
        assert!(
            text.contains("f.yml:2:30005") && text.contains("nmae: x") && text.contains("a: b"),
            "{text}"
        );
        assert!(text.len() < 2000, "{} bytes", text.len());
    }

    #[test]
    fn places_of_another_text_are_drawn_without_panic() {
        let span = Span {
            line: 9,
            column: 9,
            start: 1,
            end: 900,
        };
        let problem = Diagnostic::new(Severity::Error, Code::Syntax, "wrong", span).with_label(
            Span {
                start: 700,
                end: 2,
                ..span
            },
            "there",
        );
        for source in ["", "é", "a\nb", "\n"] {
            assert!(render_text(std::slice::from_ref(&problem), "f", source).contains("wrong"));
        }
    }
}
