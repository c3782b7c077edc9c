//! From a pipeline file's text to what the build does. No I/O.

use pipewright_core::build::BuildOutcome;
use pipewright_core::{Plan, RefName, TriggerKind};
use pipewright_spec::plan::Values;
use pipewright_spec::{Capabilities, Diagnostic, Planned, Trigger, has_skip_marker, parse};
use pipewright_store::builds::TriggerDetail;

use super::fetch::FILE_NAME;
use crate::builds::given;

/// What planning found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// This runs.
    Plan(Box<Plan>, Vec<Diagnostic>),
    /// Nothing runs.
    NotPlanned {
        /// `Invalid` or `Skipped`.
        outcome: BuildOutcome,
        /// Why.
        sentence: String,
        /// What is wrong with the file.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Judges the file at the build's commit. A file of another shape, whatever its bytes, is `Invalid`, never a panic. `set`
/// are the variables that fill its templates, where the trigger has none of the name.
pub(super) fn judge(
    file: Option<&[u8]>,
    message: &str,
    trigger: TriggerKind,
    ref_name: &RefName,
    detail: &TriggerDetail,
    set: Values,
) -> Judged {
    let skipped = |sentence: String| Judged::NotPlanned { outcome: BuildOutcome::Skipped, sentence, diagnostics: Vec::new() };
    if trigger.is_unique_per_commit() && detail.rerun_of.is_none() && has_skip_marker(message) {
        return skipped("The commit's message asks for no build with [skip ci].".to_owned());
    }
    let Some(file) = file else {
        return skipped(format!("There is no {FILE_NAME} at this commit; add one to the root of the repository to build it."));
    };
    let parsed = parse(FILE_NAME, file);
    let Some(pipelines) = parsed.pipeline_file else {
        return invalid(parsed.diagnostics);
    };
    let mut values = set;
    values.extend(detail.variables.iter().cloned());
    match pipelines.plan_within(&trigger_of(trigger, ref_name, detail), &values, &Capabilities::host()) {
        Planned::Plan(mut plan, diagnostics) => {
            if detail.custom.is_none() {
                // Only custom pipelines declare variables; what a person gives besides goes to every step all the same.
                plan.variables.extend(detail.variables.iter().filter(|(name, _)| given::is_name(name)).cloned());
            }
            Judged::Plan(plan, diagnostics)
        }
        Planned::Nothing { reason } => skipped(sentence(&reason)),
        Planned::Invalid(diagnostics) => invalid(diagnostics),
    }
}

fn invalid(diagnostics: Vec<Diagnostic>) -> Judged {
    let problems = diagnostics.iter().filter(|diagnostic| diagnostic.is_fatal()).count();
    let sentence = match problems {
        1 => format!("{FILE_NAME} cannot be run: it has a problem."),
        count => format!("{FILE_NAME} cannot be run: it has {count} problems."),
    };
    Judged::NotPlanned { outcome: BuildOutcome::Invalid, sentence, diagnostics }
}

/// What the file is asked for.
pub(crate) fn trigger_of(trigger: TriggerKind, ref_name: &RefName, detail: &TriggerDetail) -> Trigger {
    let name = ref_name.short().to_owned();
    if let Some(custom) = &detail.custom {
        return Trigger::Custom { name: custom.clone(), variables: detail.variables.clone() };
    }
    match (trigger, &detail.pull_request) {
        (TriggerKind::PullRequest, Some(request)) => {
            Trigger::PullRequest { source_branch: name, destination_branch: request.destination.clone() }
        }
        _ if ref_name.is_branch() => Trigger::Branch { name },
        _ => Trigger::Tag { name },
    }
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::BuildOutcome;
    use pipewright_core::{RefName, TriggerKind};
    use pipewright_spec::plan::Values;
    use pipewright_store::builds::TriggerDetail;

    use super::{Judged, judge};

    const FILE: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - make test\n";

    fn judged(file: Option<&str>, message: &str) -> Judged {
        let main = RefName::branch("main").expect("a branch");
        judge(file.map(str::as_bytes), message, TriggerKind::Push, &main, &TriggerDetail::default(), Values::new())
    }

    fn outcome(judged: &Judged) -> Option<(BuildOutcome, String)> {
        match judged {
            Judged::Plan(..) => None,
            Judged::NotPlanned { outcome, sentence, .. } => Some((*outcome, sentence.clone())),
        }
    }

    #[test]
    fn a_file_becomes_a_plan_and_what_does_not_has_a_sentence() {
        let Judged::Plan(plan, _) = judged(Some(FILE), "fix") else { panic!("a plan") };
        assert_eq!((plan.pipeline.as_str(), plan.len()), ("default", 1));
        let (no_file, sentence) = outcome(&judged(None, "fix")).expect("no plan");
        assert_eq!(no_file, BuildOutcome::Skipped);
        assert!(sentence.contains("no bitbucket-pipelines.yml"), "{sentence}");
        let (skip, _) = outcome(&judged(Some(FILE), "typo [skip ci]")).expect("no plan");
        assert_eq!(skip, BuildOutcome::Skipped);
        let tags = "pipelines:\n  tags:\n    v*:\n      - step: {script: [make]}\n";
        assert_eq!(outcome(&judged(Some(tags), "fix")).expect("no plan").0, BuildOutcome::Skipped);
        for broken in ["", "pipelines: 7", "{", "a: &a [*a]", "pipelines:\n  default:\n    - step: {script: 7}\n"] {
            assert_eq!(outcome(&judged(Some(broken), "fix")).expect("no plan").0, BuildOutcome::Invalid, "{broken:?}");
        }
    }

    #[test]
    fn an_alias_bomb_is_a_sentence_and_no_fire() {
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (name, of) in [('b', 'a'), ('c', 'b'), ('d', 'c'), ('e', 'd'), ('f', 'e'), ('g', 'f'), ('h', 'g')] {
            let nine = vec![format!("*{of}"); 9].join(", ");
            bomb = format!("{bomb}{name}: &{name} [{nine}]\n");
        }
        assert_eq!(outcome(&judged(Some(&bomb), "fix")).expect("no plan").0, BuildOutcome::Invalid);
    }

    #[test]
    fn what_a_person_gives_reaches_the_steps_of_any_pipeline() {
        let main = RefName::branch("main").expect("a branch");
        let given = vec![("NOTE".to_owned(), "$(x)".to_owned())];
        let detail = TriggerDetail { variables: given.clone(), ..TriggerDetail::default() };
        let Judged::Plan(plan, _) = judge(Some(FILE.as_bytes()), "", TriggerKind::Manual, &main, &detail, Values::new()) else {
            panic!("a plan")
        };
        assert_eq!(plan.variables, given);
    }

    #[test]
    fn a_rerun_of_a_skipped_commit_runs() {
        let main = RefName::branch("main").expect("a branch");
        let detail = TriggerDetail { rerun_of: Some(3), ..TriggerDetail::default() };
        assert!(matches!(judge(Some(FILE.as_bytes()), "[skip ci]", TriggerKind::Push, &main, &detail, Values::new()), Judged::Plan(..)));
    }
}
