//! Draws problems for a terminal or a log, with the lines of the file they are about.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Span};

/// Draws the problems as plain text, one after another, each with its lines of `source`.
pub fn render_text(diagnostics: &[Diagnostic], file_name: &str, source: &str) -> String {
    render(diagnostics, file_name, source, &Renderer::plain())
}

/// As [`render_text`], with ANSI colours.
pub fn render_coloured(diagnostics: &[Diagnostic], file_name: &str, source: &str) -> String {
    render(diagnostics, file_name, source, &Renderer::styled())
}

/// `2 errors, 1 warning`, or `no problems`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
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
    if words.is_empty() { "no problems".to_owned() } else { words.join(", ") }
}

fn render(diagnostics: &[Diagnostic], file_name: &str, source: &str, renderer: &Renderer) -> String {
    let lines = Lines::of(source);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Unsupported => Level::ERROR.with_name("unsupported"),
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(&*diagnostic.message).id(&*diagnostic.code));
        let mut primary =
            lines.excerpt(diagnostic.primary, file_name).annotation(lines.inside(diagnostic.primary), AnnotationKind::Primary, "");
        let mut elsewhere = Vec::new();
        for label in &diagnostic.labels {
            let place = lines.inside(label.span);
            if primary.holds(&place) {
                primary = primary.annotation(place, AnnotationKind::Context, &label.text);
            } else {
                elsewhere.push(lines.excerpt(label.span, file_name).annotation(place, AnnotationKind::Context, &label.text));
            }
        }
        group = group.element(primary.snippet);
        for excerpt in elsewhere {
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
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(index, _)| index + 1)).collect();
        Self { source, starts }
    }

    /// The lines around a place: only these are given to the renderer, whose cost grows with the text.
    fn excerpt(&self, span: Span, file_name: &'a str) -> Excerpt<'a> {
        let place = self.inside(span);
        let first = self.starts.partition_point(|start| *start <= place.start).saturating_sub(2);
        let last = (first + 3).min(self.starts.len());
        let from = self.starts[first];
        let to = self.starts.get(last).copied().unwrap_or(self.source.len()).max(place.end);
        let text = self.source.get(from..to).unwrap_or("");
        let snippet = Snippet::source(text).line_start(first + 1).path(file_name);
        Excerpt { snippet, range: from..to }
    }

    /// The place, on character boundaries of this source whatever was handed in, and on one line where it is long.
    fn inside(&self, span: Span) -> Range<usize> {
        let mut start = span.start.min(self.source.len());
        while !self.source.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        let line_end = self.source[start..end].find('\n').map_or(end, |offset| start + offset);
        start..line_end.max(start)
    }
}

/// A few lines and the places marked in them.
struct Excerpt<'a> {
    snippet: Snippet<'a, annotate_snippets::Annotation<'a>>,
    range: Range<usize>,
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
