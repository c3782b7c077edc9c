//! What conditions of a build's steps are held against and the names of their locks are made from, read from the database
//! alone: a rerun and a restart find the same. Sentences and names are stored and shown, so no secured value gets into one.

use pipewright_core::Plan;
use pipewright_core::build::{StepOutcome, StepRun, StepState, Verdict};
use pipewright_core::plan::{ConditionPlan, Locks};
use pipewright_spec::plan::{Facts, judge};
use pipewright_store::builds::{self, RunContext, StoredRun};
use pipewright_store::repositories::{self, Repository};
use pipewright_store::variables::{self, Variable};
use pipewright_store::{StoreError, Tx, Vault, output_variables};

use super::environment::{environment_of, known_variables};
use crate::variables::given;

/// Stands in a reason for a value that is not shown.
const HIDDEN: &str = "(secured)";

/// What is known for the conditions and locks of one build; nothing where its plan has none.
#[derive(Debug, Default)]
pub(super) struct Known {
    changed: Option<Vec<String>>,
    repository: Option<Repository>,
    /// What each step handed on when it last ran, with its number.
    handed_on: Vec<(usize, String, String)>,
    /// What people set, sealed.
    set: Vec<Variable>,
}

impl Known {
    /// Reads what the plan's conditions and locks ask for.
    pub(super) async fn load(
        tx: &mut Tx,
        vault: &Vault,
        stored: &StoredRun,
    ) -> Result<Self, StoreError> {
        let Some(plan) = stored
            .plan
            .as_ref()
            .filter(|plan| plan.conditions().next().is_some() || plan.has_locks())
        else {
            return Ok(Self::default());
        };
        let changed = if plan.has_changeset_conditions() {
            builds::changed_files(tx, stored.context.id).await?
        } else {
            None
        };
        let repository = repositories::get_within(tx, stored.context.repository_id).await?;
        let handed_on = output_variables::of_build(tx, vault, stored.context.id).await?;
        let set =
            variables::known_within(tx, stored.context.account_id, stored.context.application_id)
                .await?;
        Ok(Self {
            changed,
            repository,
            handed_on,
            set,
        })
    }

    /// Whether the step of this number, which is about to begin, runs by this condition.
    pub(super) fn judge(
        &self,
        vault: &Vault,
        context: &RunContext,
        plan: Option<&Plan>,
        condition: &ConditionPlan,
        position: usize,
        now: &[StepRun],
    ) -> Verdict {
        let variables = match plan.map(|plan| self.variables(vault, context, plan, position, now)) {
            Some(Ok(variables)) => variables,
            Some(Err(why)) => return Verdict::Unclear(why),
            None => return Verdict::Unclear("the build has no plan".to_owned()),
        };
        let judged = |value_of: &dyn Fn(&str) -> Option<String>| {
            judge(
                condition,
                &Facts {
                    changed: self.changed.as_deref(),
                    value_of,
                },
            )
        };
        match judged(&|name| value_of(&variables, name)) {
            // The reason names values.
            Verdict::Unclear(_) => {
                match judged(&|name| {
                    if self.is_secured(name) {
                        Some(HIDDEN.to_owned())
                    } else {
                        value_of(&variables, name)
                    }
                }) {
                    Verdict::Unclear(why) => Verdict::Unclear(why),
                    Verdict::Run | Verdict::Skip(_) => Verdict::Unclear(
                        "condition.state has no answer for a secured variable".to_owned(),
                    ),
                }
            }
            clear => clear,
        }
    }

    /// True for a variable whose value is not shown, wherever it was set.
    fn is_secured(&self, name: &str) -> bool {
        self.set
            .iter()
            .any(|variable| variable.is_secured && variable.name == name)
    }

    /// What is known of the variables of a step that is about to begin, while the steps stand so, in order; later ones win.
    /// What steps before it handed on wins over everything; what one left that was passed over this time is not seen.
    fn variables(
        &self,
        vault: &Vault,
        context: &RunContext,
        plan: &Plan,
        position: usize,
        now: &[StepRun],
    ) -> Result<Vec<(String, String)>, String> {
        let repository = self
            .repository
            .as_ref()
            .ok_or("the repository of the build was removed")?;
        let set = given(vault, &self.set, environment_of(plan, position))
            .map_err(|error| error.to_string())?;
        let ran = |step: &StepRun| {
            step.state.is_finished() && step.state != StepState::Finished(StepOutcome::Skipped)
        };
        let before = plan.steps_before(position);
        let handed_on = self
            .handed_on
            .iter()
            .filter(|(step, _, _)| *step < before && now.get(*step).is_some_and(ran));
        let mut variables = known_variables(context, repository, plan, position, set.variables);
        variables.extend(handed_on.map(|(_, name, value)| (name.clone(), value.clone())));
        Ok(variables)
    }

    /// What an attempt of the step of this number, queued while the steps stand so, must have to begin. A secured variable
    /// stands for itself in a name.
    pub(super) fn locks(
        &self,
        vault: &Vault,
        context: &RunContext,
        plan: &Plan,
        position: usize,
        now: &[StepRun],
    ) -> Locks {
        let variables = self
            .variables(vault, context, plan, position, now)
            .unwrap_or_else(|why| {
                tracing::warn!(build = %context.id, why, "a lock's name is made without variables");
                Vec::new()
            });
        plan.locks_of(position, &|name| {
            if self.is_secured(name) {
                Some(format!("${name}"))
            } else {
                value_of(&variables, name)
            }
        })
    }
}

/// Of several of one name the last one counts.
fn value_of(variables: &[(String, String)], name: &str) -> Option<String> {
    variables
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.clone())
}
