//! A `condition` held against what is known: run, skip, or no answer, with the reason.
//!
//! Both parts must be met where both are given. Changed files that are not known count as a condition that is met: a step
//! that runs needlessly costs time, one that is left out may let a fault through.

use pipewright_core::build::Verdict;
use pipewright_core::plan::{ChangesetCondition, ConditionPlan};

use super::changes::changes_met;
use crate::diagnostic::shown;
use crate::expression::Expression;

/// What conditions are held against.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The files that changed, from the repository's root; `None` where that is not known.
    pub changed: Option<&'a [String]>,
    /// The variables that the step is given; `None` for one that has no value.
    pub value_of: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("changed", &self.changed.map(<[String]>::len))
            .finish_non_exhaustive()
    }
}

enum Part {
    Met(String),
    Unmet(String),
    Unclear(String),
}

/// Whether a step with this condition runs.
pub fn judge(condition: &ConditionPlan, facts: &Facts<'_>) -> Verdict {
    explain(condition, facts).0
}

/// As [`judge`], with the reason also where the step runs; a fragment without a full stop.
pub fn explain(condition: &ConditionPlan, facts: &Facts<'_>) -> (Verdict, String) {
    let mut reasons = Vec::new();
    let changesets = condition
        .changesets
        .as_ref()
        .map(|changes| of_changes(changes, facts));
    for part in changesets
        .into_iter()
        .chain(condition.state.as_ref().map(|state| of_state(state, facts)))
    {
        match part {
            Part::Met(why) => reasons.push(why),
            Part::Unmet(why) => return (Verdict::Skip(why.clone()), why),
            Part::Unclear(why) => return (Verdict::Unclear(why.clone()), why),
        }
    }
    (Verdict::Run, reasons.join("; "))
}

fn of_changes(condition: &ChangesetCondition, facts: &Facts<'_>) -> Part {
    let Some(changed) = facts.changed else {
        return Part::Met("condition.changesets: which files changed is not known".to_owned());
    };
    match changes_met(condition, changed) {
        (true, why) => Part::Met(format!("condition.changesets: {why}")),
        (false, why) => Part::Unmet(format!("condition.changesets: {why}")),
    }
}

fn of_state(text: &str, facts: &Facts<'_>) -> Part {
    let named = format!("condition.state: {}", shown(text));
    let expression: Expression = match text.parse() {
        Ok(expression) => expression,
        Err(error) => return Part::Unclear(format!("{named} cannot be read: {error}")),
    };
    match expression.evaluate(facts.value_of) {
        Ok(true) => Part::Met(format!("{named} is true")),
        Ok(false) => Part::Unmet(format!("{named} is false")),
        Err(error) => Part::Unclear(format!("{named} has no answer: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::Verdict;
    use pipewright_core::plan::{ChangesetCondition, ConditionPlan};

    use super::{Facts, explain};

    fn verdict(
        include: &[&str],
        state: Option<&str>,
        changed: Option<&[&str]>,
    ) -> (Verdict, String) {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let changesets = ChangesetCondition {
            include_paths: owned(include),
            exclude_paths: Vec::new(),
        };
        let changesets = (!include.is_empty()).then_some(changesets);
        let condition = ConditionPlan {
            changesets,
            state: state.map(str::to_owned),
        };
        let value_of = |name: &str| (name == "BRANCH").then(|| "main".to_owned());
        explain(
            &condition,
            &Facts {
                changed: changed.map(owned).as_deref(),
                value_of: &value_of,
            },
        )
    }

    #[test]
    fn both_parts_must_be_met() {
        let met = "BRANCH == \"main\"";
        let (run, why) = verdict(&["src/**"], Some(met), Some(&["src/a"]));
        assert_eq!(run, Verdict::Run);
        assert_eq!(
            why,
            "condition.changesets: src/a matches src/**; condition.state: `BRANCH == \"main\"` is true"
        );
        assert!(matches!(
            verdict(&["src/**"], Some(met), Some(&["a"])).0,
            Verdict::Skip(_)
        ));
        let (skip, why) = verdict(&["src/**"], Some("BRANCH == \"x\""), Some(&["src/a"]));
        assert_eq!(skip, Verdict::Skip(why.clone()));
        assert_eq!(why, "condition.state: `BRANCH == \"x\"` is false");
    }

    #[test]
    fn changes_that_are_not_known_count_as_met() {
        assert_eq!(verdict(&["src/**"], None, None).0, Verdict::Run);
    }

    #[test]
    fn what_has_no_answer_says_so() {
        let (unclear, why) = verdict(&[], Some("BRANCH > 1"), None);
        assert_eq!(unclear, Verdict::Unclear(why.clone()));
        assert!(
            why.starts_with("condition.state: `BRANCH > 1` has no answer: "),
            "{why}"
        );
        assert!(matches!(
            verdict(&[], Some("BRANCH ="), None).0,
            Verdict::Unclear(_)
        ));
    }
}
