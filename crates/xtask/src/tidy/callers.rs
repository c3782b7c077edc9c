//! Public items have a caller outside their file. The compiler says nothing of those in a library that nobody calls, so
//! they would stay for ever, each promising something that no test of the whole proves.
//!
//! Names are compared as words: an item that shares its name with another one is not found, and nothing else is.

use std::collections::BTreeSet;

use super::Finding;
use super::source::SourceFile;
use super::text::{masked, without_tests};

/// Crates whose items are for people and tests to use, or that are programs.
const NOT_READ: &[&str] = &["pipewright-simulator", "pipewright-bench", "xtask"];

/// Files that only tests use, by what their path holds.
const FOR_TESTS: &[&str] = &["/tests/", "/testing", "/tests.rs", "/samples", "/examples/"];

/// Items that only tests call, or nobody yet, each with why it stays.
const KEPT: &[(&str, &str)] = &[
    (
        "api_token_scopes",
        "the boxes to tick for an API token, for the page that will name them",
    ),
    (
        "close_key",
        "connections of a key that is taken back; its test is the contract with ssh",
    ),
    (
        "close_host",
        "connections of a host that is taken back; its test is the contract with ssh",
    ),
    (
        "close_all",
        "connections at the end; its test is the contract with ssh",
    ),
    (
        "render_text",
        "a diagnostic without colours, for whoever prints one",
    ),
    ("render_coloured", "a diagnostic as a terminal shows it"),
    ("with_sh", "tests run steps with another shell"),
    ("with_executor", "tests run attempts with another executor"),
    ("around", "tests lay a workspace around a directory"),
    ("ManualClock", "the clock of tests"),
    (
        "MAX_COMMITS",
        "the bounds of what is compared stand in tests by name",
    ),
    (
        "MAX_FILES",
        "the bounds of what is compared stand in tests by name",
    ),
    (
        "plan_with",
        "tests of whole files plan with capabilities of their own",
    ),
    (
        "unsupported_for",
        "tests of whole files ask what a runner could not do",
    ),
    (
        "runner_failed",
        "a loop's own end, which moves with the loops",
    ),
    (
        "check_connection",
        "the check of a connection without a user; its tests are the contract with the server",
    ),
    (
        "comes_to",
        "the story of the demonstration is read by its tests",
    ),
];

/// Looks for public items that no other file names.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let read: Vec<(&SourceFile, String)> = sources
        .iter()
        .filter(|source| !is_for_tests(&source.path))
        .map(|source| (source, without_tests(&masked(&source.text)).0))
        .collect();
    let named: Vec<BTreeSet<&str>> = read.iter().map(|(_, text)| words(text)).collect();
    let mut findings = Vec::new();
    for (index, (source, text)) in read.iter().enumerate() {
        if NOT_READ
            .iter()
            .any(|name| source.path.starts_with(&format!("crates/{name}/")))
        {
            continue;
        }
        for (line, name, is_type) in public_items(text) {
            let is_called = named
                .iter()
                .enumerate()
                .any(|(other, words)| other != index && words.contains(name));
            let is_held = is_type && in_own_signatures(text, name);
            if !is_called && !is_held && !KEPT.iter().any(|(kept, _)| *kept == name) {
                findings.push(Finding {
                    path: source.path.clone(),
                    line,
                    sentence: format!(
                        "nothing outside this file names `{name}`; take `pub` away, and it with it if nobody calls it"
                    ),
                });
            }
        }
    }
    findings
}

fn is_for_tests(path: &str) -> bool {
    FOR_TESTS.iter().any(|part| path.contains(part))
}

/// Names of functions, types and constants that are `pub`, with their lines; true for a type.
fn public_items(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let mut words = line.trim_start().strip_prefix("pub ")?.split_whitespace();
        let kind = words.find(|word| !matches!(*word, "async" | "const" | "unsafe"));
        let is_constant =
            line.contains("pub const ") && kind.is_some_and(|kind| kind.ends_with(':'));
        let kind = kind?;
        let name = match kind {
            "fn" | "struct" | "enum" | "trait" | "type" | "static" => words.next()?,
            constant if is_constant => constant,
            _ => return None,
        };
        let length =
            name.find(|character: char| !(character.is_alphanumeric() || character == '_'));
        let name = &name[..length.unwrap_or(name.len())];
        let is_type = matches!(kind, "struct" | "enum" | "trait" | "type");
        // A macro gives its items their names.
        (!name.is_empty()).then_some((index + 1, name, is_type))
    })
}

/// True where the file speaks of the type anywhere but where it is declared and given its methods: whoever calls what
/// takes or gives one holds it without naming it.
fn in_own_signatures(text: &str, name: &str) -> bool {
    let own = ["struct ", "enum ", "trait ", "type ", "impl "].map(|word| format!("{word}{name}"));
    text.lines()
        .filter(|line| !own.iter().any(|own| line.contains(own.as_str())))
        .any(|line| words(line).contains(name))
}

/// The words of a text without re-exports: passing a name on is no use of it.
fn words(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut is_export = false;
    for line in text.lines() {
        let start = line.trim_start();
        is_export |= start.starts_with("pub use ") || start.starts_with("pub(crate) use ");
        // Another name is a use: whoever calls it names that one.
        if !is_export || line.contains(" as ") {
            found.extend(
                line.split(|character: char| !(character.is_alphanumeric() || character == '_'))
                    .filter(|word| !word.is_empty()),
            );
        }
        is_export &= !line.contains(';');
    }
    found
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::source::SourceFile;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: format!("crates/pipewright-core/src/{path}"),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_planted_public_item_without_a_caller_is_found() {
        let sources = [
            file(
                "lib.rs",
                "pub use shop::{sell, steal};\nmod shop;\nmod street;\n",
            ),
            file(
                "shop.rs",
                "/// Sells.\npub fn sell() {}\npub async fn steal() {}\npub const PRICE: u32 = 3;\n",
            ),
            file("street.rs", "fn walk() { crate::sell() }\n"),
        ];
        let found: Vec<_> = check(&sources)
            .into_iter()
            .map(|finding| (finding.line, finding.sentence))
            .collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].1.contains("`steal`") && found[1].1.contains("`PRICE`"));
    }

    #[test]
    fn only_a_test_calls_it() {
        let sources = [
            file("shop.rs", "pub fn sell() {}\n"),
            file("tests.rs", "fn t() { sell() }\n"),
            file(
                "street.rs",
                "#[cfg(test)]\nmod tests {\n    fn t() { sell() }\n}\n",
            ),
        ];
        assert_eq!(check(&sources).len(), 1);
    }
}
