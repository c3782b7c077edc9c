//! What to change so that something is built next time: for each reason of a decision, a sentence and where to go.

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Advice {
    pub(in crate::pages) sentence: &'static str,
    /// Below the application's page; none where nothing here changes it.
    pub(in crate::pages) link: Option<(&'static str, &'static str)>,
}

/// The way out for a decision's reason, a stable word of `deliveries::decide`. None where there is nothing to change.
pub(super) fn of(reason: &str) -> Option<Advice> {
    const RULES: Option<(&str, &str)> = Some(("#auto-build", "Auto-build of this application"));
    let (sentence, link) = match reason {
        "auto_build_off" => (
            "Switch Auto-build on, or press Run when you want a build.",
            RULES,
        ),
        "pushes_off" => ("Let Auto-build build pushes to branches.", RULES),
        "pull_requests_off" => ("Let Auto-build build pull requests.", RULES),
        "tag_not_selected" => ("Let Auto-build build tags.", RULES),
        "branch_not_selected" => (
            "Add the branch, or a pattern that matches it, under Auto-build.",
            RULES,
        ),
        "skip_marker" => (
            "Push a commit without [skip ci] in its message, or press Run.",
            Some(("/run", "Run a build")),
        ),
        "duplicate" => ("Rerun that build to build the same commit again.", None),
        "fork" => (
            "Push the branch to this repository itself to have it built.",
            None,
        ),
        "ref_name_refused" => (
            "Give the branch or tag a name that git accepts everywhere.",
            None,
        ),
        "no_source" | "commit_unknown" | "tag_gone" => {
            ("Push again; Bitbucket then reports the new commit.", None)
        }
        "unreadable" | "tag_unknown" => (
            "Nothing: comparing refs finds its current commit and builds that.",
            None,
        ),
        "other_repository" => (
            "Remove the webhook from the other repository, or give it one of its own by making an application of it.",
            None,
        ),
        _ => return None,
    };
    Some(Advice { sentence, link })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_can_be_changed_has_a_way_out() {
        for reason in [
            "auto_build_off",
            "pushes_off",
            "pull_requests_off",
            "tag_not_selected",
            "branch_not_selected",
            "skip_marker",
        ] {
            let advice = of(reason).expect("a way out");
            assert!(
                advice.sentence.ends_with('.') && advice.link.is_some(),
                "{reason}"
            );
        }
        assert_eq!(of("deleted"), None);
        assert_eq!(of("built"), None);
    }
}
