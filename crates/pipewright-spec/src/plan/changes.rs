//! `condition.changesets` against the files that changed.

use pipewright_core::RefPattern;
use pipewright_core::plan::ChangesetCondition;

/// How many characters of a list of patterns, or of one name, a sentence holds.
const MOST: usize = 120;

/// Whether the step runs for these changed files (paths from the repository's root, with `/`), and why: a fragment. With
/// `includePaths` it runs if one file matches one of them; with `excludePaths` it is skipped if every file matches one of
/// those. Which files changed is the caller's: see `pipewright-runner`'s `git::changes`.
pub(super) fn changes_met(condition: &ChangesetCondition, files: &[String]) -> (bool, String) {
    let compiled = |patterns: &[String]| {
        patterns
            .iter()
            .filter_map(|text| text.parse::<RefPattern>().ok())
            .collect::<Vec<_>>()
    };
    let (included, excluded) = (
        compiled(&condition.include_paths),
        compiled(&condition.exclude_paths),
    );
    let matching = |patterns: &[RefPattern], file: &String| {
        patterns
            .iter()
            .find(|pattern| pattern.matches(file))
            .cloned()
    };
    if !included.is_empty() {
        let found = files
            .iter()
            .find_map(|file| Some((file, matching(&included, file)?)));
        return match found {
            Some((file, pattern)) => (true, format!("{} matches {pattern}", listed([file]))),
            None => (
                false,
                none_of(files.len(), &listed(&condition.include_paths)),
            ),
        };
    }
    if !excluded.is_empty() && !files.is_empty() {
        let excludes = listed(&condition.exclude_paths);
        return match (
            files
                .iter()
                .find(|file| matching(&excluded, file).is_none()),
            files.len(),
        ) {
            (Some(file), _) => (
                true,
                format!("{} does not match {excludes}", listed([file])),
            ),
            (None, 1) => (false, format!("the one changed file matches {excludes}")),
            (None, count) => (false, format!("all {count} changed files match {excludes}")),
        };
    }
    (true, "no path is named or no file changed".to_owned())
}

fn none_of(count: usize, patterns: &str) -> String {
    match count {
        0 => format!("no file changed, so none matches {patterns}"),
        1 => format!("the one changed file does not match {patterns}"),
        count => format!("none of the {count} changed files matches {patterns}"),
    }
}

/// Patterns or names one after another, cut to what fits a sentence; what is left of a name that is too long is its end.
fn listed<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let mut line = String::new();
    for (place, text) in texts.into_iter().enumerate() {
        if line.chars().count() > MOST {
            line.push_str(", …");
            break;
        }
        let separator = if place == 0 { "" } else { ", " };
        let cut = text.chars().count().saturating_sub(MOST);
        let shown: String = text
            .chars()
            .skip(cut)
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        line = format!("{line}{separator}{}{shown}", if cut > 0 { "…" } else { "" });
    }
    line
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{ChangesetCondition, changes_met};

    #[rstest]
    #[case(&["src/**"], &[], &["src/a/b.rs", "README.md"], true)]
    #[case(&["src/**"], &[], &["README.md"], false)]
    #[case(&["src/*.rs"], &[], &["src/a/b.rs"], false)]
    #[case(&["a.txt"], &[], &[], false)]
    #[case(&[], &["docs/**"], &["docs/a.md", "docs/b/c.md"], false)]
    #[case(&[], &["docs/**"], &["docs/a.md", "src/b.rs"], true)]
    #[case(&[], &["docs/**"], &[], true)]
    #[case(&[], &[], &["a"], true)]
    fn files_decide(
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] files: &[&str],
        #[case] expected: bool,
    ) {
        assert_eq!(met(include, exclude, files).0, expected);
    }

    fn met(include: &[&str], exclude: &[&str], files: &[&str]) -> (bool, String) {
        let owned = |paths: &[&str]| {
            paths
                .iter()
                .map(|path| (*path).to_owned())
                .collect::<Vec<_>>()
        };
        let condition = ChangesetCondition {
            include_paths: owned(include),
            exclude_paths: owned(exclude),
        };
        changes_met(&condition, &owned(files))
    }

    #[rstest]
    #[case(&["src/**", "lib/**"], &[], &["a", "b", "c"], "none of the 3 changed files matches src/**, lib/**")]
    #[case(&["src/**"], &[], &["a"], "the one changed file does not match src/**")]
    #[case(&["src/**"], &[], &[], "no file changed, so none matches src/**")]
    #[case(&["x/**", "src/**"], &[], &["a", "src/b\nc"], "src/b\u{fffd}c matches src/**")]
    #[case(&[], &["docs/**"], &["docs/a", "docs/b"], "all 2 changed files match docs/**")]
    #[case(&[], &["docs/**"], &["docs/a", "b"], "b does not match docs/**")]
    fn the_reason_is_a_sentence(
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] files: &[&str],
        #[case] why: &str,
    ) {
        assert_eq!(met(include, exclude, files).1, why);
    }

    #[test]
    fn a_long_reason_is_cut() {
        let many: Vec<String> = (0..100)
            .map(|number| format!("directory-{number}/**"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let (_, why) = met(&many, &[], &["a"]);
        assert!(why.ends_with(", …") && why.chars().count() < 250, "{why}");
        let long = format!("src/{}", "a".repeat(4000));
        assert!(met(&["src/**"], &[], &[&long]).1.chars().count() < 250);
    }
}
