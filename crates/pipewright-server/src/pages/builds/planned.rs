//! The plan of a build as a tree in words: group by group, step by step, with everything that was resolved. No I/O.

use pipewright_core::Plan;
use pipewright_core::build::{NOT_SUPPORTED, StepOutcome, StepState};
use pipewright_core::plan::{
    ArtifactPlan, CachePlan, CaptureOn, CloneDepth, ConditionPlan, FailureStrategy, Group,
    GroupKind, ScriptItem, ServicePlan, StepPlan, Unmet,
};
use pipewright_store::steps::Step;

use crate::web::states::{self, Pill};

/// A group of the plan.
#[derive(Debug, Clone)]
pub(in crate::pages) struct PlannedGroup {
    /// `Parallel`, `Stage “Deploy”`, …; none for a step by itself.
    pub(in crate::pages) title: Option<String>,
    pub(in crate::pages) facts: Vec<Fact>,
    pub(in crate::pages) steps: Vec<PlannedStep>,
}

/// A step as it was planned.
#[derive(Debug, Clone)]
pub(in crate::pages) struct PlannedStep {
    pub(in crate::pages) number: usize,
    pub(in crate::pages) name: String,
    /// Its line of the file that the page shows; none where it is written in another one.
    pub(in crate::pages) line: Option<u32>,
    /// Where it stands in this build.
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) facts: Vec<Fact>,
    pub(in crate::pages) script: String,
    pub(in crate::pages) after_script: String,
}

/// One thing that was resolved: its name, and its values one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pages) struct Fact {
    pub(in crate::pages) name: &'static str,
    pub(in crate::pages) values: Vec<String>,
}

/// Where a step stands in this build.
#[derive(Debug, Clone, Copy)]
struct Standing<'a> {
    state: StepState,
    /// How many attempts it had.
    attempts: i64,
    message: Option<&'a str>,
}

fn fact(name: &'static str, values: impl IntoIterator<Item = String>) -> Option<Fact> {
    let values: Vec<String> = values.into_iter().collect();
    (!values.is_empty()).then_some(Fact { name, values })
}

/// The tree, with where each step stands.
pub(super) fn tree(plan: &Plan, steps: &[Step]) -> Vec<PlannedGroup> {
    let mut position = 0;
    let stands = |position: usize| {
        let step = steps.get(position);
        Standing {
            state: step.map_or(StepState::Waiting, |step| step.state),
            attempts: step.map_or(0, |step| step.attempts),
            message: step.and_then(|step| step.message.as_deref()),
        }
    };
    plan.groups
        .iter()
        .map(|group| {
            let first = position;
            position += group.steps.len();
            PlannedGroup {
                title: title(group),
                facts: group_facts(group, stands(first)),
                steps: group
                    .steps
                    .iter()
                    .enumerate()
                    .map(|(index, step)| {
                        planned(
                            step,
                            first + index,
                            stands(first + index),
                            plan.imported.is_some(),
                        )
                    })
                    .collect(),
            }
        })
        .collect()
}

fn title(group: &Group) -> Option<String> {
    match group.kind {
        GroupKind::Step => None,
        GroupKind::Parallel { .. } => Some("Parallel".to_owned()),
        GroupKind::Stage => Some(
            group
                .name
                .as_ref()
                .map_or_else(|| "Stage".to_owned(), |name| format!("Stage {name}")),
        ),
        GroupKind::Final => Some("Always last".to_owned()),
    }
}

fn group_facts(group: &Group, first: Standing<'_>) -> Vec<Fact> {
    let fail_fast = match group.kind {
        GroupKind::Parallel { fail_fast: true } => {
            Some("on: the first failure stops the others".to_owned())
        }
        GroupKind::Parallel { fail_fast: false } => {
            Some("off: a failure leaves the others running".to_owned())
        }
        GroupKind::Step | GroupKind::Stage | GroupKind::Final => None,
    };
    let mut facts = Vec::new();
    facts.extend(fact("Fail-fast", fail_fast));
    facts.extend(fact(
        "Starts",
        group.manual.then(|| "by a person".to_owned()),
    ));
    facts.extend(fact("Deploys to", group.deployment.clone()));
    facts.extend(
        group
            .condition
            .as_ref()
            .and_then(|condition| fact("Condition", verdict(condition, first))),
    );
    facts
}

fn planned(
    step: &StepPlan,
    position: usize,
    stands: Standing<'_>,
    is_imported: bool,
) -> PlannedStep {
    PlannedStep {
        number: position + 1,
        name: step.name.clone(),
        line: Some(step.line).filter(|line| *line > 0 && !is_imported),
        pill: states::of_step(stands.state),
        facts: facts(step, stands),
        script: script(&step.script),
        after_script: script(&step.after_script),
    }
}

fn script(items: &[ScriptItem]) -> String {
    let item = |item: &ScriptItem| match item {
        ScriptItem::Command(command) => command.clone(),
        ScriptItem::Pipe(pipe) => {
            let variables = pipe
                .variables
                .iter()
                .map(|(name, value)| format!("\n    {name}={value}"));
            std::iter::once(format!("pipe: {}", pipe.pipe))
                .chain(variables)
                .collect()
        }
    };
    items.iter().map(item).collect::<Vec<_>>().join("\n")
}

/// Everything about a step but its script.
fn facts(step: &StepPlan, stands: Standing<'_>) -> Vec<Fact> {
    let on_failure = match step.on_failure {
        FailureStrategy::Fail => "fails the build".to_owned(),
        FailureStrategy::Ignore => "is shown, and the build continues".to_owned(),
        FailureStrategy::Retry { times: 1 } => {
            "is tried once more, then fails the build".to_owned()
        }
        FailureStrategy::Retry { times } => {
            format!("is tried up to {times} times more, then fails the build")
        }
    };
    let clone = match (step.clone.enabled, step.clone.depth) {
        (false, _) => "nothing: the workspace is empty".to_owned(),
        (true, CloneDepth::Full) => "the whole history".to_owned(),
        (true, CloneDepth::Commits(1)) => "the newest commit".to_owned(),
        (true, CloneDepth::Commits(count)) => format!("the newest {count} commits"),
    };
    let lfs = if step.clone.enabled && step.clone.lfs {
        ", with large files"
    } else {
        ""
    };
    let user = |user: u32| format!(", as user {user}");
    let unused = |unmet: Unmet| {
        if step.unmet.contains(&unmet) {
            " (not used here)"
        } else {
            ""
        }
    };
    let image = step.image.as_ref().map(|image| {
        format!(
            "{}{}{}",
            image.name,
            image.run_as_user.map(user).unwrap_or_default(),
            unused(Unmet::Image(image.name.clone()))
        )
    });
    let fail_fast = step.fail_fast.map(|stops| {
        if stops {
            "its failure stops the others".to_owned()
        } else {
            "its failure does not stop the others".to_owned()
        }
    });
    let downloads = match step.artifact_downloads.as_deref() {
        None => None,
        Some([]) => Some("none".to_owned()),
        Some(names) => Some(names.join(", ")),
    };
    [
        fact(NOT_SUPPORTED, step.unsupported.iter().cloned()),
        fact("Starts", step.manual.then(|| "by a person".to_owned())),
        step.condition
            .as_ref()
            .and_then(|condition| fact("Condition", verdict(condition, stands))),
        fact("Image", image),
        fact(
            "Runs on",
            (!step.runs_on.is_empty()).then(|| step.runs_on.join(", ")),
        ),
        fact("Size", Some(format!("{}x", step.size))),
        fact("Max time", Some(format!("{} min", step.max_time_minutes))),
        fact("Clones", Some(format!("{clone}{lfs}"))),
        fact("Deploys to", step.deployment.clone()),
        fact("Environment", step.environment.clone()),
        fact("One at a time", step.concurrency_group.clone()),
        fact("A failure", Some(on_failure)),
        fact("Fail-fast", fail_fast),
        fact("Services", step.services.iter().map(service)),
        fact(
            "Caches",
            step.caches
                .iter()
                .map(|one| format!("{}{}", cache(one), unused(Unmet::Cache(one.name.clone())))),
        ),
        fact("Artifacts", step.artifacts.iter().map(artifact)),
        fact("Takes artifacts", downloads),
        fact(
            "Hands on",
            (!step.output_variables.is_empty()).then(|| step.output_variables.join(", ")),
        ),
        fact(
            "OpenID token",
            step.oidc.then(|| {
                if step.oidc_audiences.is_empty() {
                    "given to the script".to_owned()
                } else {
                    format!("for {}", step.oidc_audiences.join(", "))
                }
            }),
        ),
        step.child.as_ref().and_then(|child| {
            let inputs = child
                .input_variables
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            fact(
                "Runs pipeline",
                std::iter::once(format!("custom: {}", child.custom)).chain(inputs),
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn service(service: &ServicePlan) -> String {
    let what = match &service.image {
        Some(image) => image.name.as_str(),
        None if service.docker => "a Docker engine",
        None => "no image",
    };
    format!("{}: {what}, {} MB", service.name, service.memory_mb)
}

fn cache(cache: &CachePlan) -> String {
    let path = if cache.path.is_empty() {
        String::new()
    } else {
        format!(": {}", cache.path)
    };
    let key = if cache.key_files.is_empty() {
        String::new()
    } else {
        format!(", anew when {} change", cache.key_files.join(", "))
    };
    format!("{}{path}{key}", cache.name)
}

fn artifact(artifact: &ArtifactPlan) -> String {
    let name = if artifact.name.is_empty() {
        String::new()
    } else {
        format!("{}: ", artifact.name)
    };
    let without = if artifact.ignore_paths.is_empty() {
        String::new()
    } else {
        format!(" without {}", artifact.ignore_paths.join(", "))
    };
    let when = match artifact.capture_on {
        CaptureOn::Success => "",
        CaptureOn::Failed => ", kept on failure",
        CaptureOn::Always => ", always kept",
    };
    let what = if artifact.test_reports {
        ", test reports"
    } else {
        ""
    };
    let shared = if artifact.shared || artifact.test_reports {
        ""
    } else {
        ", not for later steps"
    };
    format!(
        "{name}{}{without}{when}{what}{shared}",
        artifact.paths.join(", ")
    )
}

/// A condition, and what came of it in this build: from where the step stands, and the sentence that says why.
fn verdict(condition: &ConditionPlan, step: Standing<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(changes) = &condition.changesets {
        if !changes.include_paths.is_empty() {
            words.push(format!(
                "if a changed file matches {}",
                changes.include_paths.join(", ")
            ));
        }
        if !changes.exclude_paths.is_empty() {
            words.push(format!(
                "unless every changed file matches {}",
                changes.exclude_paths.join(", ")
            ));
        }
    }
    words.extend(condition.state.as_ref().map(|state| format!("if {state}")));
    words.push(match (step.state, step.message) {
        (StepState::Finished(StepOutcome::Skipped), Some(message)) => {
            format!("→ not met: {message}")
        }
        (StepState::Finished(StepOutcome::Skipped), None) => "→ not met: it was skipped".to_owned(),
        // A condition without an answer errs its step before any attempt.
        (StepState::Finished(StepOutcome::Errored), Some(message)) if step.attempts == 0 => {
            format!("→ {message}")
        }
        (StepState::Finished(StepOutcome::Errored), None) if step.attempts == 0 => {
            "→ it had no answer".to_owned()
        }
        // It may have waited for its turn or, its condition met, for a person.
        (StepState::Finished(StepOutcome::Stopped), _) if step.attempts == 0 => {
            "→ stopped before it began".to_owned()
        }
        (StepState::Waiting | StepState::Finished(StepOutcome::NotRun), _) => {
            "→ not evaluated: its turn did not come".to_owned()
        }
        (
            StepState::Manual
            | StepState::Queued
            | StepState::Running
            | StepState::Finished(
                StepOutcome::Passed
                | StepOutcome::Failed
                | StepOutcome::FailedIgnored
                | StepOutcome::Errored
                | StepOutcome::Stopped,
            ),
            _,
        ) => "→ met".to_owned(),
    });
    words
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::{StepOutcome, StepState};
    use pipewright_core::plan::{ChangesetCondition, ConditionPlan};
    use pipewright_spec::{Planned, Trigger, parse};

    use super::{Standing, tree, verdict};

    #[test]
    fn everything_that_was_resolved_is_said() {
        let file = "\
image: rust:1
definitions:
  services: {db: {image: postgres:16, memory: 512}}
  caches: {target: {key: {files: [Cargo.lock]}, path: target}}
pipelines:
  default:
    - parallel:
        fail-fast: true
        steps:
          - step: {name: Unit tests, script: [make], services: [db], caches: [target], artifacts: [dist/**], max-time: 5, size: 2x}
          - step: {name: Lint, script: [make lint], clone: {depth: full}, on-fail: {strategy: ignore}}
    - stage:
        name: Deploy
        deployment: staging
        steps:
          - step: {name: Go, script: [make go]}
";
        let parsed = parse("f", file.as_bytes()).pipeline_file.expect("a file");
        let Planned::Plan(plan, _) = parsed.plan(&Trigger::Branch {
            name: "main".to_owned(),
        }) else {
            panic!("a plan")
        };
        let groups = tree(&plan, &[]);
        let titles: Vec<_> = groups
            .iter()
            .map(|group| group.title.clone().unwrap_or_default())
            .collect();
        assert_eq!(titles, ["Parallel", "Stage Deploy"]);
        let said = format!("{groups:?}");
        for words in [
            "the first failure stops the others",
            "rust:1",
            "db: postgres:16, 512 MB",
            "target: target, anew when Cargo.lock change",
            "dist/**",
            "5 min",
            "2x",
            "the whole history",
            "is shown, and the build continues",
            "staging",
        ] {
            assert!(said.contains(words), "{words} is missing in {said}");
        }
    }

    #[test]
    fn a_condition_has_its_verdict() {
        let changesets = ChangesetCondition {
            include_paths: vec!["src/**".to_owned()],
            exclude_paths: Vec::new(),
        };
        let condition = ConditionPlan {
            changesets: Some(changesets),
            state: None,
        };
        let unclear = "What changed cannot be determined: the previous commit no longer exists.";
        let finished = StepState::Finished;
        for (state, attempts, message, expected) in [
            (
                finished(StepOutcome::Skipped),
                0,
                None,
                "→ not met: it was skipped",
            ),
            (
                finished(StepOutcome::Skipped),
                0,
                Some("No file matches."),
                "→ not met: No file matches.",
            ),
            (StepState::Running, 1, None, "→ met"),
            (StepState::Manual, 0, None, "→ met"),
            (
                StepState::Waiting,
                0,
                None,
                "→ not evaluated: its turn did not come",
            ),
            (
                finished(StepOutcome::NotRun),
                0,
                None,
                "→ not evaluated: its turn did not come",
            ),
            (
                finished(StepOutcome::Errored),
                0,
                Some(unclear),
                "→ What changed cannot be determined: the previous commit no longer exists.",
            ),
            (
                finished(StepOutcome::Errored),
                1,
                Some("The runner is gone."),
                "→ met",
            ),
            (finished(StepOutcome::Stopped), 1, None, "→ met"),
            (
                finished(StepOutcome::Stopped),
                0,
                None,
                "→ stopped before it began",
            ),
        ] {
            let words = verdict(
                &condition,
                Standing {
                    state,
                    attempts,
                    message,
                },
            );
            assert!(
                words[0].contains("src/**") && words[1] == expected,
                "{words:?} is not {expected}"
            );
        }
    }
}
