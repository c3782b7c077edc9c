//! The rules: which change is built, and why another is not. No I/O.

use pipewright_core::git::RefKind;
use pipewright_core::{RefName, RefPattern, TriggerKind};
use pipewright_spec::has_skip_marker;
use pipewright_store::applications::Application;
use pipewright_store::deliveries::DecideApplication;

use super::candidate::{PullRequestChange, RefMove};

/// What the rules say of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is built, unless it was built before.
    Build(TriggerKind),
    /// It is not.
    Not {
        /// A stable word.
        reason: &'static str,
        /// Why, and what to do about it.
        sentence: String,
    },
}

fn not(reason: &'static str, sentence: impl Into<String>) -> Verdict {
    Verdict::Not {
        reason,
        sentence: sentence.into(),
    }
}

/// Judges a ref that moved.
pub(crate) fn judge_ref(application: &DecideApplication, moved: &RefMove) -> Verdict {
    let short = moved.name.short();
    let kind = moved.name.kind().as_str();
    if moved.new.is_none() {
        return not(
            "deleted",
            format!("The {kind} {short} was deleted: there is nothing to build."),
        );
    }
    if !application.auto_build {
        return not(
            "auto_build_off",
            format!("Auto-build is switched off for {}.", application.name),
        );
    }
    match moved.name.kind() {
        RefKind::Branch if !application.build_pushes => {
            return not(
                "pushes_off",
                format!("{} does not build pushes to branches.", application.name),
            );
        }
        RefKind::Branch if !selects(&application.branch_patterns, short) => {
            return not(
                "branch_not_selected",
                format!(
                    "{} builds {}, not {short}.",
                    application.name,
                    listed(&application.branch_patterns)
                ),
            );
        }
        RefKind::Tag if !application.build_tags => {
            return not(
                "tag_not_selected",
                format!("{} does not build tags.", application.name),
            );
        }
        _ => {}
    }
    if moved.message.as_deref().is_some_and(has_skip_marker) {
        return not(
            "skip_marker",
            "The commit's message asks for no build with [skip ci].",
        );
    }
    Verdict::Build(if moved.name.is_branch() {
        TriggerKind::Push
    } else {
        TriggerKind::Tag
    })
}

/// Why a push of this branch or tag would not be built by these settings now; none where it would.
pub(crate) fn why_not_built(application: &Application, name: &RefName) -> Option<String> {
    let settings = DecideApplication {
        id: application.id,
        account_id: application.account,
        name: application.name.clone(),
        auto_build: application.rules.auto_build,
        build_pushes: application.rules.pushes,
        build_pull_requests: application.rules.pull_requests,
        build_tags: application.rules.tags,
        branch_patterns: application.rules.branches.clone(),
        cancel_superseded: application.rules.cancel_superseded,
        refs_compared_at: application.refs_compared_at,
    };
    // Any commit: the settings know of none.
    let new = "1".repeat(40).parse().ok();
    let moved = RefMove {
        name: name.clone(),
        old: None,
        new,
        message: None,
        may_be_tag_object: false,
        object: None,
        happened_at: None,
        compared: None,
    };
    match judge_ref(&settings, &moved) {
        Verdict::Build(_) => None,
        Verdict::Not { sentence, .. } => Some(sentence),
    }
}

/// Judges an open pull request of the repository's own.
pub(crate) fn judge_pull_request(
    application: &DecideApplication,
    change: &PullRequestChange,
) -> Verdict {
    if !application.auto_build {
        return not(
            "auto_build_off",
            format!("Auto-build is switched off for {}.", application.name),
        );
    }
    if !application.build_pull_requests {
        return not(
            "pull_requests_off",
            format!("{} does not build pull requests.", application.name),
        );
    }
    // Whoever selects main wants to know of what is to be merged into main.
    let patterns = &application.branch_patterns;
    if !selects(patterns, change.source.short()) && !selects(patterns, &change.detail.destination) {
        return not(
            "branch_not_selected",
            format!(
                "{} builds {}, neither {} nor {}.",
                application.name,
                listed(patterns),
                change.source.short(),
                change.detail.destination
            ),
        );
    }
    Verdict::Build(TriggerKind::PullRequest)
}

fn selects(patterns: &[RefPattern], short: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(short))
}

/// The patterns for people: the first few of them.
fn listed(patterns: &[RefPattern]) -> String {
    let shown: Vec<&str> = patterns.iter().take(5).map(RefPattern::as_str).collect();
    let more = if patterns.len() > shown.len() {
        ", …"
    } else {
        ""
    };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use pipewright_core::ids::{AccountId, ApplicationId};
    use pipewright_core::{RefName, TriggerKind};
    use pipewright_store::builds::PullRequestDetail;
    use pipewright_store::deliveries::DecideApplication;

    use super::super::candidate::{PullRequestChange, PullRequestCommit, RefMove};
    use super::{Verdict, judge_pull_request, judge_ref};

    fn application() -> DecideApplication {
        DecideApplication {
            id: ApplicationId::new(),
            account_id: AccountId::new(),
            name: "site".to_owned(),
            auto_build: true,
            build_pushes: true,
            build_pull_requests: true,
            build_tags: true,
            branch_patterns: Vec::new(),
            cancel_superseded: false,
            refs_compared_at: None,
        }
    }

    fn moved(full: &str) -> RefMove {
        RefMove {
            name: full.parse().expect("a ref"),
            old: None,
            new: Some("a".repeat(40).parse().expect("a commit")),
            message: None,
            may_be_tag_object: false,
            object: None,
            happened_at: None,
            compared: None,
        }
    }

    fn reason(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Build(kind) => kind.as_str(),
            Verdict::Not { reason, sentence } => {
                assert!(sentence.ends_with('.'), "{sentence}");
                reason
            }
        }
    }

    #[test]
    fn each_reason_has_its_case() {
        let on = application();
        let off = DecideApplication {
            auto_build: false,
            ..application()
        };
        let no_pushes = DecideApplication {
            build_pushes: false,
            ..application()
        };
        let no_tags = DecideApplication {
            build_tags: false,
            ..application()
        };
        let patterns = vec![
            "main".parse().expect("a pattern"),
            "release/*".parse().expect("a pattern"),
        ];
        let selected = DecideApplication {
            branch_patterns: patterns,
            ..application()
        };
        let skip = RefMove {
            message: Some("typo [skip ci]".to_owned()),
            ..moved("refs/heads/main")
        };
        let gone = RefMove {
            new: None,
            ..moved("refs/heads/main")
        };
        let table = [
            (&on, moved("refs/heads/main"), "push"),
            (&on, moved("refs/tags/v1"), "tag"),
            (&off, moved("refs/heads/main"), "auto_build_off"),
            (&no_pushes, moved("refs/heads/main"), "pushes_off"),
            (&no_pushes, moved("refs/tags/v1"), "tag"),
            (&no_tags, moved("refs/tags/v1"), "tag_not_selected"),
            (&selected, moved("refs/heads/release/7"), "push"),
            (
                &selected,
                moved("refs/heads/feature/7"),
                "branch_not_selected",
            ),
            (&selected, moved("refs/tags/v1"), "tag"),
            (&on, skip, "skip_marker"),
            (&on, gone.clone(), "deleted"),
            (&off, gone, "deleted"),
        ];
        for (application, change, expected) in table {
            assert_eq!(
                reason(&judge_ref(application, &change)),
                expected,
                "{change:?}"
            );
        }
    }

    #[test]
    fn t13_t20_hostile_names_are_judged_like_any_other() {
        for name in [
            "a'b\"c",
            "$(touch${IFS}pwned)",
            "100%",
            "größe/日本",
            "-rf",
            "a#b",
            "a;b&c|d",
            "feature/x",
        ] {
            let full = RefName::branch(name).expect("a name").full().to_owned();
            assert_eq!(
                judge_ref(&application(), &moved(&full)),
                Verdict::Build(TriggerKind::Push),
                "{name}"
            );
        }
    }

    #[test]
    fn a_pull_request_is_selected_by_either_end() {
        let change = |source: &str, destination: &str| PullRequestChange {
            source: RefName::branch(source).expect("a branch"),
            commit: PullRequestCommit::Known("a".repeat(40).parse().expect("a commit")),
            previous: None,
            changed_at: None,
            detail: PullRequestDetail {
                id: 7,
                title: "x".to_owned(),
                destination: destination.to_owned(),
                destination_commit: None,
                merged: None,
                is_new: true,
            },
        };
        let selected = DecideApplication {
            branch_patterns: vec!["main".parse().expect("a pattern")],
            ..application()
        };
        assert_eq!(
            reason(&judge_pull_request(&selected, &change("feature", "main"))),
            "pull_request"
        );
        assert_eq!(
            reason(&judge_pull_request(
                &selected,
                &change("feature", "develop")
            )),
            "branch_not_selected"
        );
        let off = DecideApplication {
            build_pull_requests: false,
            ..application()
        };
        assert_eq!(
            reason(&judge_pull_request(&off, &change("feature", "main"))),
            "pull_requests_off"
        );
    }
}
