//! The file that holds the variables that a repository has on Bitbucket, for a run on a laptop.
//!
//! The usual dotenv form: `NAME=value`, `export` in front, `#` comments, quotes. A value is data: nothing in it is
//! expanded. A bare `NAME` takes the value of that variable in this shell. A variable whose name or value looks like a
//! secret is secured, which means masked in the log; `# secured` and `# plain` behind a value say otherwise.

use std::iter::Peekable;
use std::str::Chars;

use pipewright_core::Secret;

/// Parts of names (between `_`) that make a variable secured.
const SECRET_WORDS: [&str; 19] = [
    "APIKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PEM",
    "PIN",
    "PRIVATE",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
];

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct EnvFile {
    variables: Vec<Variable>,
    /// Bare names that this shell does not have.
    missing: Vec<String>,
}

#[derive(Debug)]
struct Variable {
    name: String,
    value: Secret,
    secured: bool,
}

/// The file cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct EnvFileError {
    /// 1-based.
    line: usize,
    reason: &'static str,
}

impl EnvFile {
    /// Everything, in the order of the file; later ones win.
    pub(super) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.variables.iter().map(|variable| (variable.name.clone(), variable.value.expose().to_owned()))
    }

    /// The variables that may be shown, for templates of the pipeline file.
    pub(super) fn plain(&self) -> impl Iterator<Item = (String, String)> {
        let plain = self.variables.iter().filter(|variable| !variable.secured);
        plain.map(|variable| (variable.name.clone(), variable.value.expose().to_owned()))
    }

    /// Values that must not appear in the log.
    pub(super) fn secured(&self) -> Vec<Secret> {
        self.variables.iter().filter(|variable| variable.secured).map(|variable| variable.value.clone()).collect()
    }

    /// What was read, without any value; `None` where the file gives nothing.
    pub(super) fn summary(&self) -> Option<String> {
        let secured: Vec<&str> = self.variables.iter().filter(|variable| variable.secured).map(|variable| variable.name.as_str()).collect();
        let mut words = Vec::new();
        if !self.variables.is_empty() {
            let count = self.variables.len();
            let masked = if secured.is_empty() { "none masked".to_owned() } else { format!("masked: {}", secured.join(", ")) };
            words.push(format!("{count} {}, {masked}", if count == 1 { "variable" } else { "variables" }));
        }
        if !self.missing.is_empty() {
            words.push(format!("not set in this shell: {}", self.missing.join(", ")));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Reads the text; `inherited` knows this shell's variables.
pub(super) fn parse(text: &str, inherited: &dyn Fn(&str) -> Option<String>) -> Result<EnvFile, EnvFileError> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable(), line: 1 };
    let mut file = EnvFile::default();
    while let Some(character) = reader.rest.peek().copied() {
        match character {
            '\n' | ' ' | '\t' | '\r' => {
                reader.next();
            }
            '#' => {
                reader.rest_of_line();
            }
            _ => reader.variable(&mut file, inherited)?,
        }
    }
    Ok(file)
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

    fn wrong(&self, reason: &'static str) -> EnvFileError {
        EnvFileError { line: self.line, reason }
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

    fn variable(&mut self, file: &mut EnvFile, inherited: &dyn Fn(&str) -> Option<String>) -> Result<(), EnvFileError> {
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
                self.value()?
            }
            None | Some('\n' | '\r' | '#') => {
                let comment = self.rest_of_line();
                let Some(value) = inherited(&name) else {
                    file.missing.push(name);
                    return Ok(());
                };
                (value, comment)
            }
            Some(_) => return Err(self.wrong("after the name comes `=`, and the name holds only letters, digits and `_`")),
        };
        if value.contains('\0') {
            return Err(self.wrong("the value holds a zero byte, which no process can be given"));
        }
        let secured = match comment.trim().trim_start_matches('#').trim() {
            "secured" => true,
            "plain" => false,
            _ => looks_secret(&name, &value),
        };
        file.variables.retain(|other| other.name != name);
        file.variables.push(Variable { name, value: Secret::new(value), secured });
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self.rest.next_if(|character| character.is_ascii_alphanumeric() || *character == '_') {
            name.push(character);
        }
        name
    }

    fn blanks(&mut self) {
        while self.rest.next_if(|character| matches!(character, ' ' | '\t')).is_some() {}
    }

    /// The value and the comment behind it; the line is read to its end.
    fn value(&mut self) -> Result<(String, String), EnvFileError> {
        let Some(quote) = self.rest.next_if(|character| matches!(character, '"' | '\'')) else {
            let line = self.rest_of_line();
            // Without quotes a comment begins at a `#` behind a blank.
            let comment = line.char_indices().find(|(at, character)| *character == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t'])));
            let (value, comment) = comment.map_or((line.as_str(), ""), |(at, _)| line.split_at(at));
            return Ok((value.trim_end().to_owned(), comment.to_owned()));
        };
        let begun = self.line;
        let mut value = String::new();
        loop {
            match self.next() {
                None => return Err(EnvFileError { line: begun, reason: "the quote that opens the value is not closed" }),
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
            _ => Err(EnvFileError { line, reason: "something follows the closing quote; put the whole value into quotes" }),
        }
    }
}

/// A guess from the outside: names as people give them to secrets, private keys, and addresses with a password.
fn looks_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let named = upper.split('_').any(|part| SECRET_WORDS.contains(&part));
    let address =
        value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?']).next()).and_then(|authority| authority.rsplit_once('@'));
    named || value.contains("PRIVATE KEY-----") || address.is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::{EnvFile, parse};

    fn read(text: &str) -> EnvFile {
        parse(text, &|name| (name == "HOME").then(|| "/home/mia".to_owned())).expect("an env file")
    }

    fn values(text: &str) -> Vec<(String, String)> {
        read(text).variables().collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_usual_forms_are_read() {
        let text = "\u{feff}# comment\nA=1\r\nexport B = two words  # comment\nC='$x \"y\" \\n' # plain\nD=\"a\\nb \\\"c\\\" \\$d\"\nE=\nF=a#b\n\nG=\"x\ny\"\nA=again";
        let expected =
            [("B", "two words"), ("C", "$x \"y\" \\n"), ("D", "a\nb \"c\" $d"), ("E", ""), ("F", "a#b"), ("G", "x\ny"), ("A", "again")];
        assert_eq!(values(text), pairs(&expected));
    }

    #[test]
    fn a_bare_name_is_taken_from_the_shell() {
        let file = read("HOME\nNOT_THERE\n");
        assert_eq!(file.variables().collect::<Vec<_>>(), pairs(&[("HOME", "/home/mia")]));
        assert_eq!(file.summary().as_deref(), Some("1 variable, none masked; not set in this shell: NOT_THERE"));
    }

    #[test]
    fn what_looks_secret_is_secured_unless_said() {
        let text = "GREETING=hello\nAPI_TOKEN=t0k3n\nMONKEY=ape\nPUBLIC_KEY=abc # plain\nNOTE=psst # secured\nDATABASE_URL=postgres://app:pw@db/x\nSITE_URL=https://me@site/\nCERT=\"-----BEGIN PRIVATE KEY-----\"\n";
        let file = read(text);
        let secured: Vec<_> = file.variables.iter().filter(|variable| variable.secured).map(|variable| variable.name.as_str()).collect();
        assert_eq!(secured, ["API_TOKEN", "NOTE", "DATABASE_URL", "CERT"]);
        assert_eq!(file.plain().count(), 4);
        let shown = format!("{file:?} {:?}", file.summary());
        assert!(!shown.contains("t0k3n") && !shown.contains("psst"), "{shown}");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [("A=1\n1B=2", 2), ("A-B=1", 1), ("\n\nA='x\ny", 3), ("A='x' y", 1), ("=x", 1)] {
            let error = parse(text, &|_| None).expect_err("a mistake");
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
    }
}
