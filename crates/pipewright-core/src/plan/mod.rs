//! What must run for one trigger: the result of reading a pipeline file, stored with the build and never recomputed.
//!
//! A plan is an ordered list of groups; a group begins when the one before it has ended well. That is all the order a
//! bitbucket-pipelines.yml can express, and it is what the build page draws: one column a group.

mod locks;
mod step;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use serde::{Deserialize, Serialize};

use crate::CommitHash;

pub use locks::{Lock, Locks};
pub use step::{
    ArtifactPlan, CachePlan, CaptureOn, ChangesetCondition, ChildPlan, CloneDepth, ClonePlan,
    ConditionPlan, FailureStrategy, ImagePlan, PipePlan, ScriptItem, ServicePlan, StepPlan, Unmet,
};

/// Everything that must run for a trigger, in order. Steps are numbered through the whole plan from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The part of the file it comes from, as people say it: `default`, `branches: release/*`, `tags: v*`.
    pub pipeline: String,
    /// The groups in order; never empty.
    pub groups: Vec<Group>,
    /// Variables of a custom pipeline with the values that this build was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// The other file that the steps are written in, and that their lines count in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedFrom>,
}

/// Where an imported pipeline is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedFrom {
    /// The file: a path of the same repository and commit, or `repository:branch-or-tag`, with `:path` where it is not the
    /// usual one.
    pub file: String,
    /// The pipeline's name there.
    pub pipeline: String,
    /// The commit it was read at; `None` for the build's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitHash>,
}

/// Steps that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How the steps relate to one another.
    pub kind: GroupKind,
    /// The name of a stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// True where a person must start the group.
    #[serde(default)]
    pub manual: bool,
    /// The environment a stage deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// When a stage runs at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionPlan>,
    /// The steps in file order; never empty.
    pub steps: Vec<StepPlan>,
}

/// How the steps of a group relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// Exactly one step.
    Step,
    /// All steps start together; with `fail_fast` the first failure stops the others.
    Parallel {
        /// Whether the first failure stops the other steps.
        fail_fast: bool,
    },
    /// Steps one after another under one name.
    Stage,
    /// The last step, which runs whatever happened before it.
    Final,
}

impl Plan {
    /// All steps in the order of their numbers.
    pub fn steps(&self) -> impl Iterator<Item = &StepPlan> {
        self.groups.iter().flat_map(|group| group.steps.iter())
    }

    /// The step of this number.
    pub fn step(&self, index: usize) -> Option<&StepPlan> {
        self.steps().nth(index)
    }

    /// How many steps come before this one, so that what they leave behind is seen by it: in a parallel group, those
    /// before the group, because the steps of a group do not see one another's.
    pub fn steps_before(&self, index: usize) -> usize {
        let mut first = 0;
        for group in &self.groups {
            let end = first + group.steps.len();
            if (first..end).contains(&index) {
                return if matches!(group.kind, GroupKind::Parallel { .. }) {
                    first
                } else {
                    index
                };
            }
            first = end;
        }
        first
    }

    /// Every condition of a stage or step.
    pub fn conditions(&self) -> impl Iterator<Item = &ConditionPlan> {
        self.groups.iter().flat_map(|group| {
            group.condition.iter().chain(
                group
                    .steps
                    .iter()
                    .filter_map(|step| step.condition.as_ref()),
            )
        })
    }

    /// True if one of them asks which files changed.
    pub fn has_changeset_conditions(&self) -> bool {
        self.conditions()
            .any(|condition| condition.changesets.is_some())
    }

    /// What must be said beside the result of the whole plan: the images that its executor does without, each once, in the
    /// order of the steps. A sentence; none where every step gets what it declares.
    pub fn qualification(&self) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        for unmet in self.steps().flat_map(|step| &step.unmet) {
            let name = unmet.to_string();
            if unmet.changes_result() && !names.contains(&name) {
                names.push(name);
            }
        }
        let (first, others) = names.split_first()?;
        let more = match others {
            [] => String::new(),
            [second] => format!(" and {second}"),
            many => format!(" and {} other images", many.len()),
        };
        Some(format!(
            "Runs without {first}{more}: scripts run directly on the runner's machine, with the tools that are there."
        ))
    }

    /// For each step, whether it begins whatever happens, as long as all before it end well: nobody has to start it or
    /// anything before it, and no condition of its own may leave it out.
    pub fn certain_steps(&self) -> Vec<bool> {
        let mut is_gated = false;
        let mut certain = Vec::with_capacity(self.len());
        for group in &self.groups {
            let may_be_left_out = group.manual || group.condition.is_some();
            for step in &group.steps {
                certain.push(
                    !is_gated && !may_be_left_out && !step.manual && step.condition.is_none(),
                );
            }
            is_gated |= group.manual || group.steps.iter().any(|step| step.manual);
        }
        certain
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.steps.len()).sum()
    }

    /// True for a plan with no step, which the planner never makes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
