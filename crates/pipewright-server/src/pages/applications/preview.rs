//! Which known branches the patterns select.

use pipewright_core::RefPattern;

use crate::repositories::BranchFound;

/// How many branches of each kind are named.
const NAMED: usize = 12;

/// What the patterns do with the branches that are known.
#[derive(Debug, Default)]
pub(super) struct Preview {
    /// Selected branches, the first of them.
    pub(super) selected: Vec<String>,
    /// How many more are selected.
    pub(super) more_selected: usize,
    /// Branches that are left out, the first of them.
    pub(super) left_out: Vec<String>,
    /// How many more are left out.
    pub(super) more_left_out: usize,
    /// Patterns that select nothing that is known.
    pub(super) idle: Vec<String>,
}

/// Tries the patterns on the known branches; no pattern selects all.
pub(super) fn preview(patterns: &[RefPattern], branches: &[BranchFound]) -> Preview {
    let is_selected =
        |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name));
    let (mut selected, mut left_out): (Vec<String>, Vec<String>) = branches
        .iter()
        .map(|branch| branch.name.clone())
        .partition(|name| is_selected(name));
    let idle = patterns
        .iter()
        .filter(|pattern| !branches.iter().any(|branch| pattern.matches(&branch.name)))
        .map(|pattern| pattern.as_str().to_owned())
        .collect();
    let (more_selected, more_left_out) = (
        selected.len().saturating_sub(NAMED),
        left_out.len().saturating_sub(NAMED),
    );
    selected.truncate(NAMED);
    left_out.truncate(NAMED);
    Preview {
        selected,
        more_selected,
        left_out,
        more_left_out,
        idle,
    }
}

#[cfg(test)]
mod tests {
    use super::preview;
    use crate::repositories::BranchFound;

    #[test]
    fn branches_are_selected_by_name_or_pattern() {
        let commit = || "a".repeat(40).parse().expect("a commit");
        let branches: Vec<_> = ["main", "release/7", "feature/a/b"]
            .iter()
            .map(|name| BranchFound {
                name: (*name).to_owned(),
                commit: commit(),
            })
            .collect();
        let patterns =
            ["main", "release/*", "hotfix/**"].map(|text| text.parse().expect("a pattern"));
        let seen = preview(&patterns, &branches);
        assert_eq!(
            (seen.selected, seen.left_out),
            (
                vec!["main".to_owned(), "release/7".to_owned()],
                vec!["feature/a/b".to_owned()]
            )
        );
        assert_eq!(seen.idle, ["hotfix/**"]);
        assert_eq!(preview(&[], &branches).selected.len(), 3);
        let many: Vec<_> = (0..20)
            .map(|number| BranchFound {
                name: format!("b{number}"),
                commit: commit(),
            })
            .collect();
        assert_eq!(preview(&[], &many).more_selected, 8);
    }
}
