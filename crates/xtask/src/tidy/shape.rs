//! Every file says what it is for and holds one idea.

use super::Finding;
use super::source::SourceFile;

/// Above this many production lines a file must stand in [`LONG`].
const LINES_WITHOUT_A_REASON: usize = 560;

/// The same for files of tests, which are mostly tables.
const TEST_LINES_WITHOUT_A_REASON: usize = 720;

/// Above this many no reason is good enough.
const LINES_AT_MOST: usize = 1000;

/// Longer files, each with why it is one idea.
const LONG: &[(&str, &str)] = &[(
    "crates/pipewright-spec/src/model/checker.rs",
    "one small method for each shape a value may have; they read best side by side",
)];

/// Checks docs and sizes.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let mut find = |line, sentence: String| {
            findings.push(Finding {
                path: source.path.clone(),
                line,
                sentence,
            });
        };
        if !source.text.starts_with("//!") && !source.path.ends_with("build.rs") {
            find(1, "the file does not open with `//!`: say what it is for, what holds in it, and what is not here".to_owned());
        }
        let lines = source.production_lines().count();
        let limit = if source.is_test() {
            TEST_LINES_WITHOUT_A_REASON
        } else {
            LINES_WITHOUT_A_REASON
        };
        let reason = LONG.iter().find(|(path, _)| *path == source.path);
        if lines > LINES_AT_MOST {
            find(
                0,
                format!("{lines} lines hide more than one idea; split it by verb"),
            );
        } else if lines > limit && reason.is_none() {
            find(
                0,
                format!(
                    "{lines} lines: split it by verb, or give its reason in the table of long files"
                ),
            );
        } else if lines <= limit && reason.is_some() {
            find(
                0,
                "the file is short now; take it out of the table of long files".to_owned(),
            );
        }
    }
    findings
}
