//! What conditions of a build's steps are held against, read from the database alone: a rerun and a restart find the same.

use pipewright_core::Plan;
use pipewright_core::build::{StepOutcome, StepRun, StepState, Verdict};
use pipewright_core::plan::ConditionPlan;
use pipewright_spec::plan::{Facts, judge};
use pipewright_store::builds::{self, RunContext, StoredRun};
use pipewright_store::repositories::{self, Repository};
use pipewright_store::{StoreError, Tx, output_variables};

use super::environment::known_variables;

/// What is known for the conditions of one build; nothing where its plan has none.
#[derive(Debug, Default)]
pub(super) struct Known {
    changed: Option<Vec<String>>,
    repository: Option<Repository>,
    /// What each step handed on when it last ran, with its number.
    handed_on: Vec<(usize, String, String)>,
}

impl Known {
    /// Reads what the plan's conditions ask for.
    pub(super) async fn load(tx: &mut Tx, stored: &StoredRun) -> Result<Self, StoreError> {
        let Some(plan) = stored.plan.as_ref().filter(|plan| plan.conditions().next().is_some()) else { return Ok(Self::default()) };
        let changed = if plan.has_changeset_conditions() { builds::changed_files(tx, stored.context.id).await? } else { None };
        let repository = repositories::get_within(tx, stored.context.repository_id).await?;
        Ok(Self { changed, repository, handed_on: output_variables::of_build(tx, stored.context.id).await? })
    }

    /// Whether the step of this number, which is about to begin, runs by this condition.
    pub(super) fn judge(
        &self,
        context: &RunContext,
        plan: Option<&Plan>,
        condition: &ConditionPlan,
        position: usize,
        now: &[StepRun],
    ) -> Verdict {
        let Some(variables) = plan.and_then(|plan| self.variables(context, plan, position, now)) else {
            return Verdict::Unclear("the repository of the build was removed".to_owned());
        };
        // Of several of one name the last one counts.
        let value_of = |name: &str| variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        judge(condition, &Facts { changed: self.changed.as_deref(), value_of: &value_of })
    }
    /// What is known of the variables of a step that is about to begin, while the steps stand so, in order; later ones win.
    /// What steps before it handed on wins over everything; what one left that was passed over this time is not seen.
    fn variables(&self, context: &RunContext, plan: &Plan, position: usize, now: &[StepRun]) -> Option<Vec<(String, String)>> {
        let ran = |step: &StepRun| step.state.is_finished() && step.state != StepState::Finished(StepOutcome::Skipped);
        let before = plan.steps_before(position);
        let handed_on = self.handed_on.iter().filter(|(step, _, _)| *step < before && now.get(*step).is_some_and(ran));
        let mut variables = known_variables(context, self.repository.as_ref()?, plan, position);
        variables.extend(handed_on.map(|(_, name, value)| (name.clone(), value.clone())));
        Some(variables)
    }
}
