//! `condition.changesets` against the files that changed.

use pipewright_core::RefPattern;
use pipewright_core::plan::ChangesetCondition;

/// True if the step runs for these changed files (paths from the repository's root, with `/`). With `includePaths` it
/// runs if one file matches one of them; with `excludePaths` it is skipped if every file matches one of those. Which
/// files changed is the caller's: the last commit for branches, all commits for a pull request.
pub fn changes_met<'f>(condition: &ChangesetCondition, files: impl IntoIterator<Item = &'f str> + Clone) -> bool {
    let compiled = |patterns: &[String]| patterns.iter().filter_map(|text| text.parse::<RefPattern>().ok()).collect::<Vec<_>>();
    let matches = |patterns: &[RefPattern], file: &str| patterns.iter().any(|pattern| pattern.matches(file));
    if !condition.include_paths.is_empty() {
        let included = compiled(&condition.include_paths);
        return files.into_iter().any(|file| matches(&included, file));
    }
    if !condition.exclude_paths.is_empty() {
        let excluded = compiled(&condition.exclude_paths);
        let mut any = false;
        let all_excluded = files.into_iter().inspect(|_| any = true).all(|file| matches(&excluded, file));
        return !(all_excluded && any);
    }
    true
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
    fn files_decide(#[case] include: &[&str], #[case] exclude: &[&str], #[case] files: &[&str], #[case] expected: bool) {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let condition = ChangesetCondition { include_paths: owned(include), exclude_paths: owned(exclude) };
        assert_eq!(changes_met(&condition, files.iter().copied()), expected);
    }
}
