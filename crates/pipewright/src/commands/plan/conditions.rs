//! What the conditions of a plan come to here: which steps would be skipped, and why.

use std::path::Path;

use pipewright_core::Plan;
use pipewright_core::build::Verdict;
use pipewright_core::plan::{ConditionPlan, GroupKind};
use pipewright_spec::plan::{Facts, explain};
use pipewright_spec::{Expression, Trigger, Values};
use serde::Serialize;

use crate::commands::checkout;
use crate::commands::run::conditions::changed_files;
use crate::commands::run::variables::Defaults;

/// What one condition comes to.
#[derive(Debug, Serialize)]
pub(super) struct Expected {
    /// The number of the step, from 1; of a stage its first step's.
    pub(super) step: usize,
    /// True where it is the stage's condition.
    pub(super) is_stage: bool,
    /// Whether it runs; none where that is known only when it begins.
    pub(super) runs: Option<bool>,
    /// Why: a fragment.
    pub(super) why: String,
}

/// What is known here.
#[derive(Default)]
struct Known {
    changed: Option<Vec<String>>,
    values: Values,
}

/// What every condition of a plan comes to. Blocks.
pub(super) fn of(
    plan: &Plan,
    trigger: &Trigger,
    directory: &Path,
) -> anyhow::Result<Vec<Expected>> {
    if plan.conditions().next().is_none() {
        return Ok(Vec::new());
    }
    let mut known = checkout::wait_for(look(trigger, directory))?;
    match trigger {
        Trigger::Branch { name }
        | Trigger::PullRequest {
            source_branch: name,
            ..
        } => {
            known
                .values
                .insert("BITBUCKET_BRANCH".to_owned(), name.clone());
        }
        Trigger::Tag { name } => {
            known
                .values
                .insert("BITBUCKET_TAG".to_owned(), name.clone());
        }
        Trigger::Custom { .. } => {}
    }
    known.values.extend(plan.variables.iter().cloned());
    let mut expected = Vec::new();
    let mut handed_on: Vec<&str> = Vec::new();
    let mut number = 0;
    for group in &plan.groups {
        let before = handed_on.clone();
        if let Some(condition) = &group.condition {
            expected.push(one(number + 1, true, condition, &known, &before));
        }
        for step in &group.steps {
            number += 1;
            if let Some(condition) = &step.condition {
                let seen = if matches!(group.kind, GroupKind::Parallel { .. }) {
                    &before
                } else {
                    &handed_on
                };
                expected.push(one(number, false, condition, &known, seen));
            }
            handed_on.extend(step.output_variables.iter().map(String::as_str));
        }
    }
    Ok(expected)
}

/// Outside of a checkout, and before the first commit, nothing is known.
async fn look(trigger: &Trigger, directory: &Path) -> anyhow::Result<Known> {
    let Some(repository) = checkout::find(directory).await? else {
        return Ok(Known::default());
    };
    let head = repository.head().await?;
    let Some(commit) = &head.commit else {
        return Ok(Known::default());
    };
    let values = Defaults::of(&repository, trigger, commit, head.branch.as_ref())
        .await?
        .as_values();
    Ok(Known {
        changed: changed_files(&repository, trigger, commit).await,
        values,
    })
}

fn one(
    step: usize,
    is_stage: bool,
    condition: &ConditionPlan,
    known: &Known,
    handed_on: &[&str],
) -> Expected {
    let expression: Option<Expression> = condition
        .state
        .as_ref()
        .and_then(|state| state.parse().ok());
    let names = expression
        .as_ref()
        .map(Expression::variables)
        .unwrap_or_default();
    let facts = Facts {
        changed: known.changed.as_deref(),
        value_of: &|name| known.values.get(name).cloned(),
    };
    let of_changes = condition.changesets.as_ref().map(|changes| {
        let alone = ConditionPlan {
            changesets: Some(changes.clone()),
            state: None,
        };
        explain(&alone, &facts)
    });
    let later = |why: String| Expected {
        step,
        is_stage,
        runs: None,
        why,
    };
    if let Some((Verdict::Skip(why), _)) = of_changes {
        return Expected {
            step,
            is_stage,
            runs: Some(false),
            why,
        };
    }
    if let Some(name) = names.iter().find(|name| handed_on.contains(name)) {
        return later(format!(
            "condition.state needs {name}, which a step before it hands on"
        ));
    }
    if condition.changesets.is_some() && known.changed.is_none() {
        return later("condition.changesets: which files changed is not known here".to_owned());
    }
    let without: Vec<&str> = names
        .into_iter()
        .filter(|name| !known.values.contains_key(*name))
        .collect();
    let note = if without.is_empty() {
        String::new()
    } else {
        format!("; {} has no value here", without.join(", "))
    };
    match explain(condition, &facts) {
        (Verdict::Run, why) => Expected {
            step,
            is_stage,
            runs: Some(true),
            why: format!("{why}{note}"),
        },
        (Verdict::Skip(_), why) => Expected {
            step,
            is_stage,
            runs: Some(false),
            why: format!("{why}{note}"),
        },
        (Verdict::Unclear(_), why) => later(format!("{why}{note}")),
    }
}
