//! What a person asks about, in one field: a branch, a tag, a pull request's number or a commit. What may mean several
//! things means all of them.

use pipewright_core::{CommitHash, RefName};
use pipewright_store::recent::About;
use uuid::Uuid;

/// The longest question that is read, in characters.
const LONGEST: usize = 300;

/// The fewest digits that are taken for the beginning of a commit.
const FEWEST_DIGITS: usize = 4;

/// The question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// As it was written.
    pub(super) text: String,
    /// What is looked for among changes and builds.
    pub(super) about: About,
    /// The number of a pull request.
    pub(super) pull_request: Option<u64>,
    /// The branch or tag, where the text can be the name of one.
    pub(super) refs: Vec<RefName>,
    /// The whole commit, where the text is one.
    pub(super) commit: Option<CommitHash>,
}

impl Asked {
    /// Reads the field.
    pub(super) fn read(text: &str, before: Option<Uuid>) -> Self {
        let text: String = text.trim().chars().take(LONGEST).collect();
        let mut asked = Self {
            about: About {
                before,
                ..About::default()
            },
            ..Self::default()
        };
        let lower = text.to_ascii_lowercase();
        let number = ["pull request #", "pull request ", "pr #", "pr ", "#"]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix));
        asked.pull_request = number
            .unwrap_or(&lower)
            .trim()
            .parse()
            .ok()
            .filter(|number: &u64| *number < 10_000_000);
        if number.is_none() || asked.pull_request.is_none() {
            let refs = if text.starts_with("refs/") {
                [text.parse().ok(), None]
            } else {
                [RefName::branch(&text).ok(), RefName::tag(&text).ok()]
            };
            asked.refs = refs.into_iter().flatten().collect();
            let name_of = |is_branch| {
                asked
                    .refs
                    .iter()
                    .find(|name| name.is_branch() == is_branch)
                    .map(|name| name.full().to_owned())
            };
            (asked.about.branch, asked.about.tag) = (name_of(true), name_of(false));
            let is_commit = (FEWEST_DIGITS..=64).contains(&lower.len())
                && lower.bytes().all(|byte| byte.is_ascii_hexdigit());
            asked.about.commit = is_commit.then(|| lower.clone());
            asked.commit = lower.parse().ok();
        }
        asked.text = text;
        asked
    }

    /// True where nothing in particular is asked.
    pub(super) fn is_everything(&self) -> bool {
        self.text.is_empty()
    }

    /// True where the text can be none of what can be asked about.
    pub(super) fn is_nonsense(&self) -> bool {
        !self.is_everything() && !self.looks_for_changes() && self.pull_request.is_none()
    }

    /// True where changes of a ref or to a commit are looked for, not only a pull request.
    pub(super) fn looks_for_changes(&self) -> bool {
        self.about.branch.is_some() || self.about.tag.is_some() || self.about.commit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn one_field_takes_all_that_people_call_a_change() {
        let full = "7c1e09a0000000000000000000000000000000ab";
        for (text, branch, tag, commit, number) in [
            (
                "main",
                Some("refs/heads/main"),
                Some("refs/tags/main"),
                None,
                None,
            ),
            (
                " feature/x ",
                Some("refs/heads/feature/x"),
                Some("refs/tags/feature/x"),
                None,
                None,
            ),
            ("refs/tags/v1", None, Some("refs/tags/v1"), None, None),
            (
                "7C1E",
                Some("refs/heads/7C1E"),
                Some("refs/tags/7C1E"),
                Some("7c1e"),
                None,
            ),
            (full, None, None, Some(full), None),
            ("#12", None, None, None, Some(12)),
            ("PR 12", None, None, None, Some(12)),
            ("pull request #12", None, None, None, Some(12)),
            (
                "12",
                Some("refs/heads/12"),
                Some("refs/tags/12"),
                None,
                Some(12),
            ),
            (
                "1234",
                Some("refs/heads/1234"),
                Some("refs/tags/1234"),
                Some("1234"),
                Some(1234),
            ),
            (
                "#nothing",
                Some("refs/heads/#nothing"),
                Some("refs/tags/#nothing"),
                None,
                None,
            ),
        ] {
            let asked = Asked::read(text, None);
            if text != full {
                assert_eq!(
                    (asked.about.branch.as_deref(), asked.about.tag.as_deref()),
                    (branch, tag),
                    "{text}"
                );
            }
            assert_eq!(
                (asked.about.commit.as_deref(), asked.pull_request),
                (commit, number),
                "{text}"
            );
            assert!(!asked.is_nonsense() && !asked.is_everything(), "{text}");
        }
        assert!(Asked::read(full, None).commit.is_some());
        assert!(Asked::read("  ", None).is_everything());
        assert!(Asked::read("a..b ~ c", None).is_nonsense());
        assert!(Asked::read(&"x y".repeat(1000), None).text.chars().count() <= 300);
    }
}
