//! Collects problems while a file is read: each one once, and not without end.
//!
//! A step that twenty pipelines use by alias has its mistake once in the text, so it is reported once, at the place
//! where it is written.

use std::collections::HashSet;

use super::{Code, Diagnostic, Severity, Span};
use crate::limits::MAX_DIAGNOSTICS;

#[derive(Debug, Default)]
pub(crate) struct Collected {
    list: Vec<Diagnostic>,
    seen: HashSet<(&'static str, usize, String)>,
    left_out: usize,
    left_out_fatal: bool,
}

impl Collected {
    /// Adds a problem unless the same one is known. `code` and the place identify it, `message` tells apart two
    /// problems of one kind at one place.
    pub(crate) fn push(&mut self, code: Code, diagnostic: Diagnostic) {
        if self.seen.len() >= MAX_DIAGNOSTICS {
            self.left_out += 1;
            self.left_out_fatal |= diagnostic.is_fatal();
            return;
        }
        if self.seen.insert((
            code.as_str(),
            diagnostic.primary.start,
            diagnostic.message.clone(),
        )) {
            self.list.push(diagnostic);
        }
    }

    /// True while another problem would be kept; saves the cost of describing one that would not.
    pub(crate) fn has_room(&self) -> bool {
        self.seen.len() < MAX_DIAGNOSTICS
    }

    /// Counts a problem that is not described any more.
    pub(crate) fn skip(&mut self, severity: Severity) {
        self.left_out += 1;
        self.left_out_fatal |= severity.is_fatal();
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.left_out_fatal || self.list.iter().any(Diagnostic::is_fatal)
    }

    /// The problems in the order of the text.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by_key(|diagnostic| (diagnostic.primary.start, diagnostic.severity));
        if self.left_out > 0 {
            let at = self.list.last().map_or(
                Span {
                    line: 1,
                    column: 1,
                    start: 0,
                    end: 0,
                },
                |last| last.primary,
            );
            let severity = if self.left_out_fatal {
                Severity::Error
            } else {
                Severity::Warning
            };
            let message = format!(
                "{} more problems are not listed; fix these first",
                self.left_out
            );
            self.list
                .push(Diagnostic::new(severity, Code::TooMany, message, at));
        }
        self.list
    }
}
