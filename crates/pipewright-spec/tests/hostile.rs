//! Files made to hurt: no panic, an explained refusal, and little work. Time is not measured here (a busy machine would
//! make that a matter of luck) but work is: the limits bound it, so each test checks that the limit was hit or that the
//! result is small.

#[path = "common/promises.rs"]
mod promises;

use pipewright_spec::{Parsed, limits};
use promises::keeps_its_promises;
use proptest::prelude::*;

fn codes(parsed: &Parsed) -> Vec<&str> {
    parsed
        .diagnostics
        .iter()
        .map(|problem| &*problem.code)
        .collect()
}

fn refused_with(text: &str, code: &str) {
    let parsed = keeps_its_promises("hostile.yml", text.as_bytes());
    assert!(parsed.pipeline_file.is_none(), "refused");
    assert_eq!(codes(&parsed), [code], "{:#?}", parsed.diagnostics);
}

/// One text a number, joined.
fn repeated(numbers: std::ops::Range<usize>, text: impl Fn(usize) -> String) -> String {
    numbers.map(text).collect::<Vec<_>>().concat()
}

#[test]
fn a_large_file_is_refused_unread() {
    let parsed = keeps_its_promises("large.yml", &vec![b'#'; limits::MAX_FILE_BYTES + 1]);
    assert_eq!(codes(&parsed), ["PW0001"]);
    assert!(parsed.source.is_empty());
    let parsed = keeps_its_promises("largest.yml", &vec![b'#'; limits::MAX_FILE_BYTES]);
    assert_eq!(codes(&parsed), ["PW0005"], "the largest allowed is read");
}

#[test]
fn billion_laughs() {
    let first = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    let text = first
        + &repeated(1..10, |level| {
            format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{}", level - 1); 10].join(", ")
            )
        });
    refused_with(&text, "PW0014");
}

#[test]
fn billion_laughs_by_merge() {
    let text = "a0: &a0 {k0: v}\n".to_owned()
        + &repeated(1..2000, |level| {
            format!("a{level}: &a{level} {{<<: *a{}, k{level}: v}}\n", level - 1)
        });
    refused_with(&text, "PW0014");
}

#[test]
fn ten_thousand_nested_aliases() {
    let text = "a0: &a0 [x]\n".to_owned()
        + &repeated(1..10_000, |level| {
            format!("a{level}: &a{level} [*a{}]\n", level - 1)
        });
    refused_with(&text, "PW0014");
}

#[test]
fn ten_thousand_aliases_of_one_anchor() {
    let text = format!(
        "a: &a [x, y]\nb: [{}]\npipelines: {{default: [{{step: {{script: [a]}}}}]}}\n",
        "*a, ".repeat(10_000)
    );
    let parsed = keeps_its_promises("aliases.yml", text.as_bytes());
    assert!(
        parsed.pipeline_file.is_some() || codes(&parsed) == ["PW0014"],
        "{:?}",
        codes(&parsed)
    );
}

/// As `tests/golden` has them, at every place where a line may end and for whole files.
#[test]
fn encodings_and_line_ends() {
    let text = "pipelines:\n  default:\n    - step:\n        script: [a]\n        nmae: x\n";
    let crlf = text.replace('\n', "\r\n");
    for same in [
        text.to_owned(),
        crlf.clone(),
        text.replace('\n', "\r"),
        format!("\u{feff}{crlf}"),
    ] {
        let parsed = keeps_its_promises("ends.yml", same.as_bytes());
        assert!(
            parsed.pipeline_file.is_some(),
            "{same:?}: {:?}",
            codes(&parsed)
        );
        let unknown = parsed
            .diagnostics
            .iter()
            .find(|problem| problem.code == "PW0101")
            .expect("the misspelt key");
        assert_eq!(
            (unknown.primary.line, unknown.primary.column),
            (5, 9),
            "{same:?}"
        );
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [
        [&b"\xff\xfe"[..], &little].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        little,
        big,
    ] {
        assert_eq!(codes(&keeps_its_promises("wide.yml", &bytes)), ["PW0002"]);
    }
    for tabbed in [
        text.replace("    ", "\t"),
        text.replace("  default", "\tdefault"),
        text.replace("nmae", "\tnmae"),
    ] {
        let parsed = keeps_its_promises("tabs.yml", tabbed.as_bytes());
        assert_eq!(codes(&parsed), ["PW0012"], "{tabbed:?}");
    }
}

#[test]
fn deep_nesting() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
        refused_with(&text, "PW0014");
    }
    let block: String = repeated(0..2000, |level| format!("{}k:\n", " ".repeat(level)));
    let parsed = keeps_its_promises(
        "block.yml",
        block
            .get(..limits::MAX_FILE_BYTES.min(block.len()))
            .unwrap_or("")
            .as_bytes(),
    );
    assert!(parsed.pipeline_file.is_none(), "{:?}", codes(&parsed));
}

#[test]
fn a_hundred_thousand_steps() {
    let text = format!(
        "pipelines:\n  default:\n{}",
        "    - step: {script: [a]}\n".repeat(35_000)
    );
    refused_with(
        text.get(..limits::MAX_FILE_BYTES - 30).unwrap_or(&text),
        "PW0014",
    );
    let text = format!(
        "pipelines:\n  default:\n{}",
        "    - step: {script: [a]}\n".repeat(101)
    );
    let parsed = keeps_its_promises("steps.yml", text.as_bytes());
    assert_eq!(codes(&parsed), ["PW0116"]);
}

#[test]
fn aliases_that_multiply_pipelines() {
    // 1,000 branches that share one pipeline: legal, and read whole or refused by its limit, never without end.
    let branches: String = repeated(0..1000, |index| format!("    b{index}: *p\n"));
    let text = format!(
        "definitions:\n  p: &p\n    - step: &s {{script: [a, b, c, d]}}\n    - step: *s\npipelines:\n  branches:\n{branches}"
    );
    let parsed = keeps_its_promises("branches.yml", text.as_bytes());
    assert!(parsed.pipeline_file.is_some(), "{:?}", codes(&parsed));
}

#[test]
fn thousands_of_mistakes_are_not_all_told() {
    let keys: String = repeated(0..5000, |index| format!("        unknwon{index}: x\n"));
    let text = format!("pipelines:\n  default:\n    - step:\n        script: [a]\n{keys}");
    let parsed = keeps_its_promises("mistakes.yml", text.as_bytes());
    assert_eq!(parsed.diagnostics.len(), limits::MAX_DIAGNOSTICS + 1);
    let last = parsed.diagnostics.last().expect("a last one");
    assert_eq!(
        (&*last.code, last.message.as_str()),
        (
            "PW0116",
            "4900 more problems are not listed; fix these first"
        )
    );
    assert!(!last.is_fatal(), "the ones left out are warnings");
}

#[test]
fn thousands_of_near_misses() {
    let services: String = repeated(0..5000, |index| {
        format!("    service-number-{index}: {{image: x}}\n")
    });
    let names: Vec<String> = (0..3000)
        .map(|index| format!("service-nmuber-{index}"))
        .collect();
    let text = format!(
        "definitions:\n  services:\n{services}pipelines:\n  default:\n    - step:\n        script: [a]\n        services: [{}]\n",
        names.join(", ")
    );
    let parsed = keeps_its_promises("near.yml", text.as_bytes());
    assert_eq!(parsed.diagnostics.len(), limits::MAX_DIAGNOSTICS + 1);
    assert!(
        parsed.diagnostics.last().expect("a last one").is_fatal(),
        "an error among those left out counts"
    );
}

#[test]
fn one_line_of_a_megabyte() {
    let text = format!(
        "pipelines: {{default: [{{step: {{script: [a], nmae: x, {}}}}}]}}",
        "k: &a v, ".repeat(9_000)
    );
    let parsed = keeps_its_promises("line.yml", text.as_bytes());
    assert!(!parsed.diagnostics.is_empty());
    let scalar = format!(
        "pipelines: {{default: [{{step: {{script: [\"{}\"]}}}}]}}",
        "é".repeat(500_000)
    );
    let parsed = keeps_its_promises("scalar.yml", scalar.as_bytes());
    assert!(parsed.diagnostics.is_empty(), "{:?}", codes(&parsed));
}

/// PostgreSQL refuses NUL in text, so a file that could bring it there would never be planned.
#[test]
fn no_escape_brings_nul_into_what_is_stored() {
    for text in [
        "pipelines: {default: [{step: {name: \"\\0\", script: [a]}}]}",
        "pipelines: {default: [{step: {script: [\"\\x00\"]}}]}",
        "pipelines: {default: [{step: {script: [a]}}], \"\\u0000\": {}}",
        "pipelines: {custom: {? \"a\\U00000000\" : [{step: {script: [a]}}]}}",
        "x: &x \"\\0\"\npipelines: {default: [{step: {name: *x, script: [a]}}]}",
    ] {
        let parsed = keeps_its_promises("nul.yml", text.as_bytes());
        assert!(
            codes(&parsed).contains(&"PW0004"),
            "{text}: {:?}",
            codes(&parsed)
        );
        assert!(
            parsed.pipeline_file.is_none_or(|file| file.is_invalid()),
            "{text}"
        );
    }
    for text in [
        "a: !%00 x",
        "a: !<%00> x",
        "a: !!binary AA==",
        "\"\\0",
        "a: *\"\\0\"",
    ] {
        keeps_its_promises("nul.yml", text.as_bytes());
    }
}

#[test]
fn bytes_that_are_no_text() {
    for bytes in [
        &b""[..],
        b"\xff\xfe",
        b"\xfe\xff\x00a",
        b"\xff\xfe\x00\x00",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\xef\xbb\xbfa: b",
        b"a: \xc3",
        b"\x80",
        b"%YAML 9.9\n---\na: b",
        b"!!binary a",
        b"a: !!binary \xe2\x98\x83",
        b"? ? ? ?",
        b"a: !!int x",
        b"a: !!float x",
        b"a: !!bool x",
        b"a: .nan\nb: .inf\nc: -.inf\nd: 1e999\ne: 99999999999999999999999999999999999999999999",
        b"<<: <<",
        b"<<: [<<, {<<: {a: b}}]",
        b"&a *a",
        b"a: &a *a",
        b"pipelines: !!map {default: !custom [step]}",
    ] {
        keeps_its_promises("bytes.yml", bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        keeps_its_promises("random.yml", &bytes);
    }

    /// Words of the language in any order reach deeper than bytes do.
    #[test]
    fn any_words(words in proptest::collection::vec(0_usize..WORDS.len(), 0..60)) {
        let text: String = words.into_iter().map(|index| WORDS[index]).collect();
        keeps_its_promises("words.yml", text.as_bytes());
    }
}

const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    ": ",
    "pipelines:",
    "default:",
    "branches:",
    "custom:",
    "step:",
    "parallel:",
    "stage:",
    "script:",
    "final:",
    "variables:",
    "name: ",
    "image: ",
    "<<: ",
    "&a ",
    "*a",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "#",
    "|\n",
    ">\n",
    "true",
    "1",
    "~",
    "é",
    "${{ X }}",
    "import: a:b:c",
    "condition:",
    "state: ",
    "size: 2x",
    "\t",
    "\r\n",
    "---",
    "!!str ",
    "definitions:",
    "services:",
    "caches:",
];
