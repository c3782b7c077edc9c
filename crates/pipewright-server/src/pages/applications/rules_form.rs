//! The form that says what is built: read, and refused with a sentence where it makes no sense.

use pipewright_core::RefPattern;
use pipewright_store::applications::Rules;
use serde::Deserialize;

use crate::ground::{sentence, together};

/// The most patterns of one application.
const MOST_PATTERNS: usize = 100;

/// The most sentences about patterns: who reads so many has seen what is wrong.
const MOST_SENTENCES: usize = 10;

/// The fields, as a browser sends them: a box without a tick is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct RulesForm {
    pub(super) auto_build: Option<String>,
    pub(super) pushes: Option<String>,
    pub(super) pull_requests: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) cancel_superseded: Option<String>,
    /// One name or pattern a line; empty means every branch.
    #[serde(default)]
    pub(super) branches: String,
}

impl RulesForm {
    /// The form as it opens for a new application.
    pub(super) fn ordinary() -> Self {
        let on = || Some("on".to_owned());
        Self {
            auto_build: on(),
            pushes: on(),
            pull_requests: on(),
            tags: on(),
            cancel_superseded: None,
            branches: String::new(),
        }
    }

    /// The form of rules that are in force.
    pub(super) fn of(rules: &Rules) -> Self {
        let ticked = |on: bool| on.then(|| "on".to_owned());
        let lines: Vec<&str> = rules.branches.iter().map(RefPattern::as_str).collect();
        Self {
            auto_build: ticked(rules.auto_build),
            pushes: ticked(rules.pushes),
            pull_requests: ticked(rules.pull_requests),
            tags: ticked(rules.tags),
            cancel_superseded: ticked(rules.cancel_superseded),
            branches: lines.join("\n"),
        }
    }

    /// The rules, or what is wrong with the patterns.
    pub(super) fn read(&self) -> Result<Rules, String> {
        Ok(Rules {
            auto_build: self.auto_build.is_some(),
            pushes: self.pushes.is_some(),
            pull_requests: self.pull_requests.is_some(),
            tags: self.tags.is_some(),
            branches: self.patterns()?,
            cancel_superseded: self.cancel_superseded.is_some(),
        })
    }

    /// The patterns, one a line.
    pub(super) fn patterns(&self) -> Result<Vec<RefPattern>, String> {
        let mut patterns: Vec<RefPattern> = Vec::new();
        let mut wrong = Vec::new();
        for line in self
            .branches
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            match line.parse::<RefPattern>() {
                Ok(pattern) if patterns.contains(&pattern) => {}
                Ok(pattern) => patterns.push(pattern),
                Err(error) => wrong.push(Some(sentence(&error.to_string()))),
            }
        }
        wrong.truncate(MOST_SENTENCES);
        if patterns.len() > MOST_PATTERNS {
            wrong.push(Some(format!(
                "There are more than {MOST_PATTERNS} patterns, which is the limit; a pattern such as `feature/**` covers many branches."
            )));
        }
        together(wrong).map_or(Ok(patterns), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::RulesForm;

    #[test]
    fn patterns_are_lines_and_rules_read_back() {
        let form = RulesForm {
            branches: " main \r\n\nrelease/*\nmain".to_owned(),
            ..RulesForm::ordinary()
        };
        let rules = form.read().expect("rules");
        let lines: Vec<_> = rules
            .branches
            .iter()
            .map(pipewright_core::RefPattern::as_str)
            .collect();
        assert_eq!(lines, ["main", "release/*"]);
        assert!(rules.auto_build && rules.pushes && !rules.cancel_superseded);
        assert_eq!(RulesForm::of(&rules).read().expect("rules"), rules);
        let refused = RulesForm {
            branches: "{a\nmain\n{b".to_owned(),
            ..RulesForm::ordinary()
        }
        .read()
        .expect_err("is refused");
        assert!(
            refused.contains("{a") && refused.contains("{b"),
            "both at once: {refused}"
        );
    }
}
