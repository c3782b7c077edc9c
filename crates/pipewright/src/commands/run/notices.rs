//! What is said before a run of things that are otherwise than on a server.

use pipewright_core::Plan;
use pipewright_core::plan::{ArtifactPlan, StepPlan};
use pipewright_spec::USUAL_LABELS;

use super::steps::{Chosen, find};
use crate::commands::shown::shown;

/// Of how many steps it is said by name that what they leave is not there.
const NAMED: usize = 5;

/// What to say of labels that other runners have: this machine takes their place.
pub(super) fn other_runners(chosen: &Chosen) -> Option<String> {
    let mut labels: Vec<&str> = chosen
        .plan
        .steps()
        .flat_map(|step| &step.runs_on)
        .map(String::as_str)
        .collect();
    labels.retain(|label| !USUAL_LABELS.contains(label));
    labels.sort_unstable();
    labels.dedup();
    let shown: Vec<String> = labels.iter().map(|label| shown(label, 50)).collect();
    (!shown.is_empty()).then(|| {
        format!(
            "This machine takes the place of a runner with the label{} {}\n",
            if shown.len() == 1 { "" } else { "s" },
            shown.join(", ")
        )
    })
}

/// What to say of steps before the one that the run begins at: what they would hand on is not there. `word` is its number
/// or name; a word that names none is refused elsewhere. `is_last` where it is the only one that runs.
pub(super) fn left_by_others(plan: &Plan, word: Option<&str>, is_last: bool) -> Option<String> {
    let number = find(plan, word?).ok()?;
    let index = number.checked_sub(1)?;
    let running: Vec<&StepPlan> = plan
        .steps()
        .skip(index)
        .take(if is_last { 1 } else { usize::MAX })
        .collect();
    let leaving: Vec<String> = plan
        .steps()
        .take(plan.steps_before(index))
        .filter(|step| {
            let taken = |artifact| running.iter().any(|one| takes(one, artifact));
            !step.output_variables.is_empty() || step.artifacts.iter().any(taken)
        })
        .map(|step| shown(&step.name, 50))
        .collect();
    if leaving.is_empty() {
        return None;
    }
    let more = match leaving.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named: Vec<&str> = leaving.iter().take(NAMED).map(String::as_str).collect();
    Some(format!(
        "Steps before {number} are not run, so the artifacts and variables that later steps take from {}{more} are not there; run without --step and --from to have them\n",
        named.join(", ")
    ))
}

/// True where a step is given an artifact of an earlier one; one without a name is called by its globs.
fn takes(step: &StepPlan, artifact: &ArtifactPlan) -> bool {
    let called = if artifact.name.is_empty() {
        artifact.paths.join(", ")
    } else {
        artifact.name.clone()
    };
    let is_wanted = step
        .artifact_downloads
        .as_ref()
        .is_none_or(|names| names.contains(&called));
    artifact.shared && is_wanted
}
