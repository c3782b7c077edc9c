//! Every message that people read, in one snapshot a crate, so that a reviewer sees them beside one another and a change
//! of words is never a by-product: `crates/xtask/messages/CRATE.snap`.
//!
//! Messages are found in the source (strings of code, texts of templates and of scripts), because a list that is kept by
//! hand lacks the one that was added yesterday. A place that is filled later stands as its name: `{host}`. After a
//! deliberate change: `INSTA_UPDATE=always cargo test -p xtask messages`, and read the difference aloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::tidy::source;
use crate::tidy::text::{literals, masked, without_tests};

/// Crates whose words only developers read.
const FOR_DEVELOPERS: &[&str] = &["pipewright-bench", "pipewright-simulator", "xtask"];

/// Files whose strings are words of others: what git, ssh and the system say, and what is written for programs.
const WORDS_OF_OTHERS: &[&str] = &[
    "pipewright-git/src/classify.rs",
    "pipewright-git/src/ssh/check.rs",
    "pipewright-git/src/checkout.rs",
    "pipewright-server/src/web/check_html.rs",
    "pipewright-server/src/pages/samples",
    "pipewright-store/src/polls.rs",
    "/testing",
    "/interleavings.rs",
];

/// What stands before a string that is for developers, or for a database.
const NOT_READ_BEHIND: &[&str] = &[
    "expect(",
    "panic!(",
    "unreachable!(",
    "assert!(",
    "#[doc = ",
    "reason = ",
    "query(",
    "query_as(",
    "query_scalar(",
];

/// First words of statements.
const STATEMENTS: &[&str] = &[
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "WITH", "PRAGMA", "BEGIN", "AND",
    "FROM", "WHERE", "ORDER", "EXPLAIN", "VACUUM", "ON", "SET",
];

/// Tags that do not end a line of text.
const INSIDE_A_LINE: &[&str] = &[
    "a", "abbr", "b", "code", "em", "i", "kbd", "span", "strong", "time",
];

/// Attributes that are read, or read out.
const READ_ATTRIBUTES: &[&str] = &["title=\"", "aria-label=\"", "placeholder=\"", "alt=\""];

#[test]
fn every_message_stands_in_a_snapshot() {
    let root = crate::workspace();
    let mut crates: BTreeMap<String, String> = BTreeMap::new();
    for (path, messages) in read(&root) {
        let name = path.split('/').nth(1).expect("a crate").to_owned();
        let text = crates.entry(name).or_default();
        let short = path.splitn(3, '/').nth(2).expect("a file of a crate");
        writeln!(text, "## {short}").expect("a string takes everything");
        for message in messages {
            writeln!(text, "{message}").expect("a string takes everything");
        }
        text.push('\n');
    }
    assert!(
        crates.len() >= 7,
        "crates with messages: {:?}",
        crates.keys()
    );
    insta::with_settings!({ snapshot_path => "../messages", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, text) in crates {
            insta::assert_snapshot!(name, text);
        }
    });
}

/// The messages of every file that has some, each once, in their order.
fn read(root: &Path) -> Vec<(String, Vec<String>)> {
    let mut files = Vec::new();
    let sources = source::read_all(root).expect("the sources");
    let only_tests: BTreeSet<String> = sources.iter().flat_map(test_modules).collect();
    for file in sources {
        let is_production = file.path.split('/').nth(2) == Some("src") && !file.is_test();
        if is_production && is_for_people(&file.path) && !only_tests.contains(&file.path) {
            files.push((file.path, in_code(&file.text)));
        }
    }
    let mut folders = vec![root.join("crates/pipewright-server")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let end = path.extension().and_then(|end| end.to_str());
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(end @ ("html" | "js")) = end else {
                continue;
            };
            let name = path.strip_prefix(root).expect("below the root");
            let name = name.to_string_lossy().replace('\\', "/");
            let text = std::fs::read_to_string(&path).expect("a text");
            let messages = if end == "html" {
                in_page(&text)
            } else {
                in_script(&text)
            };
            files.push((name, messages));
        }
    }
    files.retain(|(_, messages)| !messages.is_empty());
    files.sort();
    for (_, messages) in &mut files {
        let mut seen = BTreeSet::new();
        messages.retain(|message| seen.insert(message.clone()));
    }
    files
}

/// The files of the modules that only tests have: `#[cfg(test)] mod rows;` in `db/mod.rs` is `db/rows.rs`.
fn test_modules(file: &source::SourceFile) -> Vec<String> {
    let folder = file
        .path
        .strip_suffix("/mod.rs")
        .or_else(|| file.path.strip_suffix("/lib.rs"))
        .or_else(|| file.path.strip_suffix(".rs"))
        .unwrap_or_default();
    let (_, modules) = without_tests(&masked(&file.text));
    modules
        .iter()
        .map(|name| format!("{folder}/{name}.rs"))
        .collect()
}

fn is_for_people(path: &str) -> bool {
    !FOR_DEVELOPERS
        .iter()
        .any(|name| path.starts_with(&format!("crates/{name}/")))
        && !WORDS_OF_OTHERS.iter().any(|part| path.contains(part))
}

/// Strings of production code that are sentences or parts of one.
fn in_code(text: &str) -> Vec<String> {
    // A line that holds nothing but a string is blank here, and must not be taken for one that only tests have.
    let code: Vec<String> = masked(text)
        .lines()
        .map(|line| {
            if line.trim().is_empty() {
                "_".to_owned()
            } else {
                line.to_owned()
            }
        })
        .collect();
    let production: Vec<bool> = without_tests(&code.join("\n"))
        .0
        .lines()
        .map(|line| !line.is_empty())
        .collect();
    literals(text)
        .into_iter()
        .filter(|literal| production.get(literal.line).copied().unwrap_or(false))
        .filter(|literal| {
            let before = literal.before.trim_end_matches([' ', '\n']);
            !NOT_READ_BEHIND
                .iter()
                .any(|end| before.ends_with(end.trim_end()))
        })
        .map(|literal| unfolded(&literal.text))
        .filter(|text| is_message(text))
        .collect()
}

/// Texts of a template: what stands between tags, and the attributes that are read.
fn in_page(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut attributes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '<']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let close = match rest.get(..2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ if rest.starts_with('<') => ">",
            _ => {
                plain.push('{');
                rest = &rest[1..];
                continue;
            }
        };
        // A tag may hold what a template puts in, with a `>` of its own.
        let end = if close == ">" {
            tag_end(rest)
        } else {
            rest.find(close).map(|end| end + close.len())
        };
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        match close {
            "}}" => {
                let inside = piece.trim_matches(['{', '}', '-', ' ']);
                write!(plain, "{{{inside}}}").expect("a string takes everything");
            }
            "%}" => plain.push_str(" / "),
            ">" => {
                let name: String = piece
                    .trim_start_matches(['<', '/'])
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                plain.push_str(if INSIDE_A_LINE.contains(&name.as_str()) {
                    ""
                } else {
                    "\n\n"
                });
                for attribute in READ_ATTRIBUTES {
                    if let Some((_, value)) = piece.split_once(attribute)
                        && let Some((value, _)) = value.split_once('"')
                    {
                        attributes.push(format!("{attribute}{value}\""));
                    }
                }
            }
            _ => {}
        }
    }
    plain.push_str(rest);
    let texts = plain.split("\n\n").map(|text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").trim_matches(['/', ' ']).to_owned()
    });
    texts
        .chain(attributes)
        .filter(|text| has_words(text))
        .collect()
}

/// The length of a tag with what a template puts into it.
fn tag_end(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let next = at + text[at..].find(['{', '>'])?;
        if text[next..].starts_with('>') {
            return Some(next + 1);
        }
        let close = match text.get(next..next + 2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            _ => {
                at = next + 1;
                continue;
            }
        };
        at = next + text[next..].find(close)? + close.len();
    }
}

/// Strings of a script that are sentences.
fn in_script(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        let mut rest = line;
        while let Some(at) = rest.find(['"', '`', '\'']) {
            let quote = &rest[at..=at];
            let Some((inside, after)) = rest[at + 1..].split_once(quote) else {
                break;
            };
            found.push(inside.to_owned());
            rest = after;
        }
    }
    found.retain(|text| has_words(text) && !text.contains(['<', '=', ';']));
    found
}

/// A string with its line breaks undone, as the compiler reads it.
fn unfolded(text: &str) -> String {
    let mut unfolded = String::new();
    let mut lines = text.split("\\\n");
    unfolded.push_str(lines.next().unwrap_or_default());
    for line in lines {
        unfolded.push_str(line.trim_start());
    }
    unfolded
}

/// True for a text that has words of people: no statement, no address, no command.
fn is_message(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    has_words(text) && !STATEMENTS.contains(&first) && !text.contains("$1")
}

/// Two blanks at least, and two words.
fn has_words(text: &str) -> bool {
    let words = text
        .split_whitespace()
        .filter(|word| {
            let word = word.trim_matches(|character: char| !character.is_alphanumeric());
            word.len() > 1 && word.chars().all(char::is_alphabetic)
        })
        .count();
    text.matches(' ').count() >= 2 && words >= 2
}

#[test]
fn messages_are_told_from_other_strings() {
    let code = r#"
        #[error("the host {host} is not known; \
                 check its name")]
        fn f() { g("SELECT a FROM b WHERE c", "two words").expect("never is seen here"); }
        #[cfg(test)]
        mod tests {
            fn t() { h("only a test says this"); }
        }
        const LAST: &str = "this is read by people"; // "and this is not read"
    "#;
    assert_eq!(
        in_code(code),
        [
            "the host {host} is not known; check its name",
            "this is read by people"
        ]
    );
    assert_eq!(
        in_page(
            "<p class=\"{% if a > 1 %}x{% endif %}\">Ask <b>one</b> of {{ names }}.</p><button title=\"what it is for\">Run</button>"
        ),
        ["Ask one of {names}.", "title=\"what it is for\""]
    );
    assert_eq!(
        in_script("say('the connection is lost'); a = \"b c d = 3\";"),
        ["the connection is lost"]
    );
}
