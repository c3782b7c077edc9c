//! Reading the dotenv form: `NAME=value`, `export` in front, `#` comments, quotes. A value is data: nothing in it is
//! expanded.
//!
//! The env file of a run on a laptop and the variables that a step hands to later ones are both written so. What a bare
//! `NAME` means is for the caller to say.

use std::iter::Peekable;
use std::str::Chars;

/// One variable of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The 1-based line it begins on.
    pub line: usize,
    /// Letters, digits and `_`, no digit first; never empty.
    pub name: String,
    /// Its value, without a zero byte; `None` for a bare name without `=`.
    pub value: Option<String>,
    /// What stands behind the value, with its `#`.
    pub comment: String,
}

/// The text is not of this form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct DotenvError {
    /// 1-based.
    pub line: usize,
    /// What is wrong, and what to write.
    pub reason: &'static str,
}

/// Reads the text, in its order; a name may come more than once.
pub fn parse(text: &str) -> Result<Vec<Entry>, DotenvError> {
    let mut reader = Reader {
        rest: text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .chars()
            .peekable(),
        line: 1,
    };
    let mut entries = Vec::new();
    while let Some(character) = reader.rest.peek().copied() {
        match character {
            '\n' | ' ' | '\t' | '\r' => {
                reader.next();
            }
            '#' => {
                reader.rest_of_line();
            }
            _ => entries.push(reader.variable()?),
        }
    }
    Ok(entries)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn wrong(&self, reason: &'static str) -> DotenvError {
        DotenvError {
            line: self.line,
            reason,
        }
    }

    /// Up to the end of the line, which is read too.
    fn rest_of_line(&mut self) -> String {
        let mut text = String::new();
        while let Some(character) = self.next() {
            if character == '\n' {
                break;
            }
            text.push(character);
        }
        text.trim_end_matches('\r').to_owned()
    }

    fn variable(&mut self) -> Result<Entry, DotenvError> {
        let line = self.line;
        let mut name = self.name();
        if name == "export" && matches!(self.rest.peek(), Some(' ' | '\t')) {
            self.blanks();
            name = self.name();
        }
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.wrong("a variable begins with a letter or `_`; write NAME=value"));
        }
        self.blanks();
        let (value, comment) = match self.rest.peek() {
            Some('=') => {
                self.next();
                self.blanks();
                let (value, comment) = self.value()?;
                (Some(value), comment)
            }
            None | Some('\n' | '\r' | '#') => (None, self.rest_of_line()),
            Some(_) => {
                return Err(self.wrong(
                    "after the name comes `=`, and the name holds only letters, digits and `_`",
                ));
            }
        };
        if value.as_deref().is_some_and(|value| value.contains('\0')) {
            return Err(DotenvError {
                line,
                reason: "the value holds a zero byte, which no process can be given",
            });
        }
        Ok(Entry {
            line,
            name,
            value,
            comment,
        })
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self
            .rest
            .next_if(|character| character.is_ascii_alphanumeric() || *character == '_')
        {
            name.push(character);
        }
        name
    }

    fn blanks(&mut self) {
        while self
            .rest
            .next_if(|character| matches!(character, ' ' | '\t'))
            .is_some()
        {}
    }

    /// The value and the comment behind it; the line is read to its end.
    fn value(&mut self) -> Result<(String, String), DotenvError> {
        let Some(quote) = self
            .rest
            .next_if(|character| matches!(character, '"' | '\''))
        else {
            let line = self.rest_of_line();
            // Without quotes a comment begins at a `#` behind a blank.
            let comment = line.char_indices().find(|(at, character)| {
                *character == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t']))
            });
            let (value, comment) = comment.map_or((line.as_str(), ""), |(at, _)| line.split_at(at));
            return Ok((value.trim_end().to_owned(), comment.to_owned()));
        };
        let begun = self.line;
        let mut value = String::new();
        loop {
            match self.next() {
                None => {
                    return Err(DotenvError {
                        line: begun,
                        reason: "the quote that opens the value is not closed",
                    });
                }
                Some(character) if character == quote => break,
                Some('\\') if quote == '"' => match self.next() {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(escaped @ ('"' | '\\' | '$' | '`')) => value.push(escaped),
                    Some(other) => value.extend(['\\', other]),
                    None => {}
                },
                Some(character) => value.push(character),
            }
        }
        let line = self.line;
        let comment = self.rest_of_line();
        match comment.trim() {
            rest if rest.is_empty() || rest.starts_with('#') => Ok((value, comment)),
            _ => Err(DotenvError {
                line,
                reason: "something follows the closing quote; put the whole value into quotes",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_usual_forms_are_read() {
        let text = "\u{feff}# comment\nA=1\r\nexport B = two words  # comment\nC='$x \"y\" \\n' # plain\nD=\"a\\nb \\\"c\\\" \\$d\"\nE=\nF=a#b\n\nG=\"x\ny\"\nH\nA=again";
        let expected = [
            (2, "A", Some("1")),
            (3, "B", Some("two words")),
            (4, "C", Some("$x \"y\" \\n")),
            (5, "D", Some("a\nb \"c\" $d")),
            (6, "E", Some("")),
            (7, "F", Some("a#b")),
            (9, "G", Some("x\ny")),
            (11, "H", None),
            (12, "A", Some("again")),
        ];
        let read = parse(text).expect("the form");
        assert_eq!(
            read.iter()
                .map(|entry| (entry.line, entry.name.as_str(), entry.value.as_deref()))
                .collect::<Vec<_>>(),
            expected
        );
        assert_eq!(read[2].comment.trim(), "# plain");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [
            ("A=1\n1B=2", 2),
            ("A-B=1", 1),
            ("\n\nA='x\ny", 3),
            ("A='x' y", 1),
            ("=x", 1),
            ("\nA=x\0", 2),
            ("A b", 1),
        ] {
            let error = parse(text).expect_err("a mistake");
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
    }
}
