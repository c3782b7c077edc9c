//! The file that holds the variables that a repository has on Bitbucket, for a run on a laptop.
//!
//! The usual dotenv form: `NAME=value`, `export` in front, `#` comments, quotes. A value is data: nothing in it is
//! expanded. A bare `NAME` takes the value of that variable in this shell. A variable whose name or value looks like a
//! secret is secured, which means masked in the log; `# secured` and `# plain` behind a value say otherwise.

use pipewright_core::Secret;
use pipewright_core::dotenv::{self, DotenvError};

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

impl EnvFile {
    /// Everything, in the order of the file; later ones win.
    pub(super) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.variables
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.expose().to_owned()))
    }

    /// The variables that may be shown, for templates of the pipeline file.
    pub(super) fn plain(&self) -> impl Iterator<Item = (String, String)> {
        let plain = self.variables.iter().filter(|variable| !variable.secured);
        plain.map(|variable| (variable.name.clone(), variable.value.expose().to_owned()))
    }

    /// Values that must not appear in the log.
    pub(super) fn secured(&self) -> Vec<Secret> {
        self.variables
            .iter()
            .filter(|variable| variable.secured)
            .map(|variable| variable.value.clone())
            .collect()
    }

    /// What was read, without any value; `None` where the file gives nothing.
    pub(super) fn summary(&self) -> Option<String> {
        let secured: Vec<&str> = self
            .variables
            .iter()
            .filter(|variable| variable.secured)
            .map(|variable| variable.name.as_str())
            .collect();
        let mut words = Vec::new();
        if !self.variables.is_empty() {
            let count = self.variables.len();
            let masked = if secured.is_empty() {
                "none masked".to_owned()
            } else {
                format!("masked: {}", secured.join(", "))
            };
            words.push(format!(
                "{count} {}, {masked}",
                if count == 1 { "variable" } else { "variables" }
            ));
        }
        if !self.missing.is_empty() {
            words.push(format!(
                "not set in this shell: {}",
                self.missing.join(", ")
            ));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// Reads the text; `inherited` knows this shell's variables.
pub(super) fn parse(
    text: &str,
    inherited: &dyn Fn(&str) -> Option<String>,
) -> Result<EnvFile, DotenvError> {
    let mut file = EnvFile::default();
    for entry in dotenv::parse(text)? {
        let Some(value) = entry.value.or_else(|| inherited(&entry.name)) else {
            file.missing.push(entry.name);
            continue;
        };
        if value.contains('\0') {
            return Err(DotenvError {
                line: entry.line,
                reason: "the value holds a zero byte, which no process can be given",
            });
        }
        let secured = match entry.comment.trim().trim_start_matches('#').trim() {
            "secured" => true,
            "plain" => false,
            _ => looks_secret(&entry.name, &value),
        };
        file.variables.retain(|other| other.name != entry.name);
        file.variables.push(Variable {
            name: entry.name,
            value: Secret::new(value),
            secured,
        });
    }
    Ok(file)
}

/// A guess from the outside: names as people give them to secrets, private keys, and addresses with a password.
fn looks_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let named = upper.split('_').any(|part| SECRET_WORDS.contains(&part));
    let address = value
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?']).next())
        .and_then(|authority| authority.rsplit_once('@'));
    named
        || value.contains("PRIVATE KEY-----")
        || address.is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::{EnvFile, parse};

    fn read(text: &str) -> EnvFile {
        parse(text, &|name| {
            (name == "HOME").then(|| "/home/mia".to_owned())
        })
        .expect("an env file")
    }

    fn values(text: &str) -> Vec<(String, String)> {
        read(text).variables().collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_usual_forms_are_read() {
        let text = "\u{feff}# comment\nA=1\r\nexport B = two words  # comment\nC='$x \"y\" \\n' # plain\nD=\"a\\nb \\\"c\\\" \\$d\"\nE=\nF=a#b\n\nG=\"x\ny\"\nA=again";
        let expected = [
            ("B", "two words"),
            ("C", "$x \"y\" \\n"),
            ("D", "a\nb \"c\" $d"),
            ("E", ""),
            ("F", "a#b"),
            ("G", "x\ny"),
            ("A", "again"),
        ];
        assert_eq!(values(text), pairs(&expected));
    }

    #[test]
    fn a_bare_name_is_taken_from_the_shell() {
        let file = read("HOME\nNOT_THERE\n");
        assert_eq!(
            file.variables().collect::<Vec<_>>(),
            pairs(&[("HOME", "/home/mia")])
        );
        assert_eq!(
            file.summary().as_deref(),
            Some("1 variable, none masked; not set in this shell: NOT_THERE")
        );
    }

    #[test]
    fn what_looks_secret_is_secured_unless_said() {
        let text = "GREETING=hello\nAPI_TOKEN=t0k3n\nMONKEY=ape\nPUBLIC_KEY=abc # plain\nNOTE=psst # secured\nDATABASE_URL=postgres://app:pw@db/x\nSITE_URL=https://me@site/\nCERT=\"-----BEGIN PRIVATE KEY-----\"\n";
        let file = read(text);
        let secured: Vec<_> = file
            .variables
            .iter()
            .filter(|variable| variable.secured)
            .map(|variable| variable.name.as_str())
            .collect();
        assert_eq!(secured, ["API_TOKEN", "NOTE", "DATABASE_URL", "CERT"]);
        assert_eq!(file.plain().count(), 4);
        let shown = format!("{file:?} {:?}", file.summary());
        assert!(
            !shown.contains("t0k3n") && !shown.contains("psst"),
            "{shown}"
        );
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [
            ("A=1\n1B=2", 2),
            ("A-B=1", 1),
            ("\n\nA='x\ny", 3),
            ("A='x' y", 1),
            ("=x", 1),
        ] {
            let error = parse(text, &|_| None).expect_err("a mistake");
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
    }
}
