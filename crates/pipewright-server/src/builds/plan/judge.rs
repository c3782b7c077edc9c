//! From a pipeline file's text to what the build does. No I/O.

use pipewright_core::build::{BuildOutcome, NOT_SUPPORTED};
use pipewright_core::{CommitHash, Plan, RefName, TriggerKind, is_variable_name};
use pipewright_spec::plan::{Values, refusal_of};
use pipewright_spec::{
    Capabilities, Diagnostic, NeededImport, PipelineFile, Planned, Trigger, has_skip_marker, parse,
};
use pipewright_store::builds::TriggerDetail;

use super::fetch::FILE_NAME;
use crate::ground::sentence;

/// What planning found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// This runs.
    Plan(Box<Plan>, Vec<Diagnostic>),
    /// Nothing runs.
    NotPlanned {
        /// `Invalid`, `Skipped`, or `Errored` where the file is right and nobody here can run it.
        outcome: BuildOutcome,
        /// Why.
        sentence: String,
        /// What is wrong with the file.
        diagnostics: Vec<Diagnostic>,
    },
}

/// A file that may have a plan for what was asked.
#[derive(Debug)]
pub(super) struct Readable {
    file: PipelineFile,
    trigger: Trigger,
    /// Variables that a person gave.
    given: Vec<(String, String)>,
    /// Variables that fill its templates, where the trigger has none of the name.
    set: Values,
}

/// Reads the file at the build's commit. A file of another shape, whatever its bytes, is `Invalid`, never a panic.
pub(super) fn read(
    file: Option<&[u8]>,
    message: &str,
    trigger: TriggerKind,
    ref_name: &RefName,
    detail: &TriggerDetail,
    set: Values,
) -> Result<Readable, Judged> {
    if trigger.is_unique_per_commit() && detail.rerun_of.is_none() && has_skip_marker(message) {
        return Err(skipped(
            "The commit's message asks for no build with [skip ci].".to_owned(),
        ));
    }
    let Some(file) = file else {
        return Err(skipped(format!(
            "There is no {FILE_NAME} at this commit; add one to the root of the repository to build it."
        )));
    };
    let parsed = parse(FILE_NAME, file);
    let Some(pipelines) = parsed.pipeline_file else {
        return Err(invalid(parsed.diagnostics));
    };
    Ok(Readable {
        file: pipelines,
        trigger: trigger_of(trigger, ref_name, detail),
        given: detail.variables.clone(),
        set,
    })
}

impl Readable {
    /// What the file says, whatever was asked.
    pub(super) const fn pipelines(&self) -> &PipelineFile {
        &self.file
    }

    /// Judges it for an installation. Where the pipeline is in another file, that one is asked for; see [`Self::bring`].
    pub(super) fn judge(&self, capabilities: &Capabilities) -> Result<Judged, Box<NeededImport>> {
        let mut values = self.set.clone();
        values.extend(self.given.iter().cloned());
        Ok(
            match self.file.plan_within(&self.trigger, &values, capabilities) {
                Planned::Plan(mut plan, diagnostics) => {
                    if !matches!(self.trigger, Trigger::Custom { .. }) {
                        // Only custom pipelines declare variables; what a person gives besides goes to every step all the same.
                        plan.variables.extend(
                            self.given
                                .iter()
                                .filter(|(name, _)| is_variable_name(name))
                                .cloned(),
                        );
                    }
                    Judged::Plan(plan, diagnostics)
                }
                Planned::Nothing { reason } => skipped(sentence(&reason)),
                Planned::Invalid(diagnostics) => invalid(diagnostics),
                Planned::Unsupported(diagnostics) => unsupported(diagnostics),
                Planned::Needs(needed) => return Err(needed),
            },
        )
    }

    /// Gives it the file that it imports from.
    pub(super) fn bring(&mut self, needed: &NeededImport, file: &[u8], commit: Option<CommitHash>) {
        self.file.bring(
            &needed.source,
            parse(&needed.source.to_string(), file),
            commit,
        );
    }

    /// What it is where the file that it imports from cannot be had.
    pub(super) fn without(&self, needed: &NeededImport, reason: &str, help: &str) -> Judged {
        let own = self.file.diagnostics().iter().cloned();
        invalid(own.chain([needed.refused(reason, help)]).collect())
    }
}

fn skipped(sentence: String) -> Judged {
    Judged::NotPlanned {
        outcome: BuildOutcome::Skipped,
        sentence,
        diagnostics: Vec::new(),
    }
}

fn invalid(diagnostics: Vec<Diagnostic>) -> Judged {
    let problems = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_fatal())
        .count();
    let sentence = match problems {
        1 => format!("{FILE_NAME} cannot be run: it has a problem."),
        count => format!("{FILE_NAME} cannot be run: it has {count} problems."),
    };
    Judged::NotPlanned {
        outcome: BuildOutcome::Invalid,
        sentence,
        diagnostics,
    }
}

/// The file is right, and what it needs is not here yet.
fn unsupported(diagnostics: Vec<Diagnostic>) -> Judged {
    Judged::NotPlanned {
        outcome: BuildOutcome::Errored,
        sentence: format!("{NOT_SUPPORTED}: {}.", refusal_of(&diagnostics)),
        diagnostics,
    }
}

/// What the file is asked for.
pub(crate) fn trigger_of(
    trigger: TriggerKind,
    ref_name: &RefName,
    detail: &TriggerDetail,
) -> Trigger {
    let name = ref_name.short().to_owned();
    if let Some(custom) = &detail.custom {
        return Trigger::Custom {
            name: custom.clone(),
            variables: detail.variables.clone(),
        };
    }
    match (trigger, &detail.pull_request) {
        (TriggerKind::PullRequest, Some(request)) => Trigger::PullRequest {
            source_branch: name,
            destination_branch: request.destination.clone(),
        },
        _ if ref_name.is_branch() => Trigger::Branch { name },
        _ => Trigger::Tag { name },
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::BuildOutcome;
    use pipewright_core::{RefName, TriggerKind};
    use pipewright_spec::Capabilities;
    use pipewright_spec::plan::Values;
    use pipewright_store::builds::TriggerDetail;

    use super::{Judged, read};

    const FILE: &str =
        "pipelines:\n  default:\n    - step:\n        script:\n          - make test\n";

    fn judged(file: Option<&str>, message: &str) -> Judged {
        judge(file, message, &TriggerDetail::default())
    }

    fn judge(file: Option<&str>, message: &str, detail: &TriggerDetail) -> Judged {
        let main = RefName::branch("main").expect("a branch");
        let read = read(
            file.map(str::as_bytes),
            message,
            TriggerKind::Push,
            &main,
            detail,
            Values::new(),
        );
        read.map_or_else(
            |judged| judged,
            |file| {
                file.judge(&Capabilities::host())
                    .expect("nothing is imported")
            },
        )
    }

    fn outcome(judged: &Judged) -> Option<(BuildOutcome, String)> {
        match judged {
            Judged::Plan(..) => None,
            Judged::NotPlanned {
                outcome, sentence, ..
            } => Some((*outcome, sentence.clone())),
        }
    }

    #[test]
    fn a_file_becomes_a_plan_and_what_does_not_has_a_sentence() {
        let Judged::Plan(plan, _) = judged(Some(FILE), "fix") else {
            panic!("a plan")
        };
        assert_eq!((plan.pipeline.as_str(), plan.len()), ("default", 1));
        let (no_file, sentence) = outcome(&judged(None, "fix")).expect("no plan");
        assert_eq!(no_file, BuildOutcome::Skipped);
        assert!(
            sentence.contains("no bitbucket-pipelines.yml"),
            "{sentence}"
        );
        let (skip, _) = outcome(&judged(Some(FILE), "typo [skip ci]")).expect("no plan");
        assert_eq!(skip, BuildOutcome::Skipped);
        let tags = "pipelines:\n  tags:\n    v*:\n      - step: {script: [make]}\n";
        assert_eq!(
            outcome(&judged(Some(tags), "fix")).expect("no plan").0,
            BuildOutcome::Skipped
        );
        for broken in [
            "",
            "pipelines: 7",
            "{",
            "a: &a [*a]",
            "pipelines:\n  default:\n    - step: {script: 7}\n",
        ] {
            assert_eq!(
                outcome(&judged(Some(broken), "fix")).expect("no plan").0,
                BuildOutcome::Invalid,
                "{broken:?}"
            );
        }
    }

    #[test]
    fn what_is_not_here_yet_is_told_from_a_wrong_file() {
        let text = "pipelines:\n  default:\n    - step: {script: [make], services: [docker]}\n";
        let (unsupported, sentence) = outcome(&judged(Some(text), "fix")).expect("no plan");
        assert_eq!(unsupported, BuildOutcome::Errored);
        assert_eq!(
            sentence,
            "Not supported here yet: `services.docker` (line 3): scripts would find no Docker engine."
        );
        // Behind a person's yes it is no matter of the steps before.
        let gated = text.replace(
            "    - step: {",
            "    - step: {script: [make]}\n    - step: {trigger: manual, ",
        );
        let Judged::Plan(plan, diagnostics) = judged(Some(&gated), "fix") else {
            panic!("a plan")
        };
        assert!(
            plan.steps()
                .map(|step| step.refusal().is_some())
                .eq([false, true])
        );
        assert!(
            diagnostics.len() == 1 && !diagnostics[0].is_fatal(),
            "{diagnostics:?}"
        );
    }

    #[test]
    fn an_alias_bomb_is_a_sentence_and_no_fire() {
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
        for (name, of) in [
            ('b', 'a'),
            ('c', 'b'),
            ('d', 'c'),
            ('e', 'd'),
            ('f', 'e'),
            ('g', 'f'),
            ('h', 'g'),
        ] {
            let nine = vec![format!("*{of}"); 9].join(", ");
            bomb = format!("{bomb}{name}: &{name} [{nine}]\n");
        }
        assert_eq!(
            outcome(&judged(Some(&bomb), "fix")).expect("no plan").0,
            BuildOutcome::Invalid
        );
    }

    #[test]
    fn what_a_person_gives_reaches_the_steps_of_any_pipeline() {
        let given = vec![("NOTE".to_owned(), "$(x)".to_owned())];
        let detail = TriggerDetail {
            variables: given.clone(),
            ..TriggerDetail::default()
        };
        let Judged::Plan(plan, _) = judge(Some(FILE), "", &detail) else {
            panic!("a plan")
        };
        assert_eq!(plan.variables, given);
    }

    #[test]
    fn a_rerun_of_a_skipped_commit_runs() {
        let detail = TriggerDetail {
            rerun_of: Some(3),
            ..TriggerDetail::default()
        };
        assert!(matches!(
            judge(Some(FILE), "[skip ci]", &detail),
            Judged::Plan(..)
        ));
    }
}
