//! Problems in a pipeline file, as data: one value is drawn in the terminal, shown on the build page and given by the
//! API, so that all three say the same.

mod code;
mod collect;
mod nearest;
mod render;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

pub use code::Code;
pub(crate) use collect::Collected;
pub use nearest::nearest;
pub use render::{
    FileText, render_coloured, render_coloured_of, render_text, render_text_of, summary,
};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot run: a build of it is invalid.
    Error,
    /// Legal, but what this installation cannot do; ignoring it would give a wrong build, so it is refused.
    Unsupported,
    /// The file runs; this part of it is ignored, or read in the one way it can be meant.
    Warning,
}

impl Severity {
    /// The word shown and kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Unsupported => "unsupported",
            Self::Warning => "warning",
        }
    }

    /// True where the pipeline must not run.
    pub const fn is_fatal(self) -> bool {
        matches!(self, Self::Error | Self::Unsupported)
    }
}

/// A place in the file's text (without byte-order mark).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// The first byte, from 0.
    pub start: usize,
    /// The byte after the last; at least `start`.
    pub end: usize,
}

/// A second place that belongs to a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What it has to do with the problem: "first given here", "used here".
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name to search for: `PW0101`. See [`Code`].
    pub code: Cow<'static, str>,
    /// What is wrong: a lower-case fragment that names the thing.
    pub message: String,
    /// The file it is in, where that is not the one that was asked about: the source of an import, `shared:main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where.
    pub primary: Span,
    /// Other places that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The property: `pipelines.default[0].step.script[2]`; empty for the file as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

impl Diagnostic {
    /// True where the pipeline must not run.
    pub const fn is_fatal(&self) -> bool {
        self.severity.is_fatal()
    }

    pub(crate) fn new(
        severity: Severity,
        code: Code,
        message: impl Into<String>,
        primary: Span,
    ) -> Self {
        Self {
            severity,
            code: Cow::Borrowed(code.as_str()),
            message: message.into(),
            file: None,
            primary,
            labels: Vec::new(),
            help: None,
            path: String::new(),
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    pub(crate) fn in_file(mut self, name: &str) -> Self {
        self.file.get_or_insert_with(|| name.to_owned());
        self
    }

    pub(crate) fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

/// Text from a file, for a message: in backticks, on one line, control characters visible, at most 60 characters.
pub(crate) const fn shown(text: &str) -> Shown<'_> {
    Shown(text)
}

/// See [`shown`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('`')?;
        for (count, character) in self.0.chars().enumerate() {
            if count == 60 {
                f.write_char('…')?;
                break;
            }
            // Control characters, and those that turn the direction of the text around them.
            if character.is_control()
                || matches!(character, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        f.write_char('`')
    }
}

/// `` `a`, `b` or `c` ``; of many words the first few.
pub(crate) fn alternatives(words: &[&str]) -> String {
    const FEW: usize = 9;
    if words.len() > FEW {
        let first: Vec<String> = words
            .iter()
            .take(FEW - 1)
            .map(|word| format!("`{word}`"))
            .collect();
        return format!(
            "{} and {} more",
            first.join(", "),
            words.len() - first.len()
        );
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{alternatives, shown};

    #[test]
    fn hostile_text_is_shown_harmless() {
        assert_eq!(shown("a\u{1b}[31mb\n").to_string(), "`a\\u{1b}[31mb\\n`");
        assert_eq!(shown("a\u{202e}b").to_string(), "`a\\u{202e}b`");
        assert_eq!(shown(&"x".repeat(100)).to_string().chars().count(), 63);
    }

    #[test]
    fn words_are_listed_as_people_do() {
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(alternatives(&["a"]), "`a`");
    }
}
