//! What a pipeline needs that an installation does not have.
//!
//! Refusal is judged on what would run, when it would run: a pipeline is refused as a whole where a step that begins whatever
//! happens cannot be run; one that a person must start first, or that its condition may leave out, is marked in the plan and
//! refused when its turn comes.

use pipewright_core::Plan;

use crate::capabilities::{Capabilities, Feature, FeatureUse, Ignoring};
use crate::diagnostic::{Code, Diagnostic, Severity, shown};
use crate::limits::MAX_DIAGNOSTICS;
use crate::model::{Body, Item, Pipeline, PipelineFile, Step};

/// A plan held against what an installation can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it lacks. Fatal only where the plan is refused; what is refused later is a warning.
    pub diagnostics: Vec<Diagnostic>,
    /// True where the plan cannot be run here.
    pub is_refused: bool,
}

/// Marks on each step of a plan what it does without and why it cannot be run. `numbers` are the places of the plan's steps
/// in the whole pipeline, from 0.
pub(super) fn hold(
    file: &PipelineFile,
    pipeline: &Pipeline,
    plan: &mut Plan,
    numbers: &[usize],
    capabilities: &Capabilities,
) -> Held {
    for step in plan.groups.iter_mut().flat_map(|group| &mut group.steps) {
        step.unmet = capabilities.unmet(step);
        step.unsupported.clear();
    }
    let wanted = |number: usize| numbers.contains(&number);
    let mut diagnostics = unsupported(file, pipeline, capabilities, &wanted);
    if !diagnostics.iter().any(Diagnostic::is_fatal) {
        return Held {
            diagnostics,
            is_refused: false,
        };
    }
    // What the pipeline itself needs, whichever of its steps run.
    let mut is_refused = unsupported(file, pipeline, capabilities, &|_| false)
        .iter()
        .any(Diagnostic::is_fatal);
    let certain = plan.certain_steps();
    let steps = plan.groups.iter_mut().flat_map(|group| &mut group.steps);
    for ((step, number), certain) in steps.zip(numbers).zip(certain) {
        step.unsupported = unsupported(file, pipeline, capabilities, &|one| one == *number)
            .iter()
            .filter(|problem| problem.is_fatal())
            .map(fragment)
            .collect();
        is_refused |= certain && !step.unsupported.is_empty();
    }
    if !is_refused {
        for problem in diagnostics.iter_mut().filter(|problem| problem.is_fatal()) {
            problem.severity = Severity::Warning;
            problem.help = Some(
                "what comes before the step runs; the step is refused when its turn comes"
                    .to_owned(),
            );
        }
    }
    Held {
        diagnostics,
        is_refused,
    }
}

/// The problems that keep a pipeline from running here, as one fragment to follow "Not supported here yet: ". Empty where
/// there are none.
pub fn refusal_of(problems: &[Diagnostic]) -> String {
    const NAMED: usize = 3;
    let fatal: Vec<String> = problems
        .iter()
        .filter(|problem| problem.is_fatal())
        .map(fragment)
        .collect();
    let more = match fatal.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", fatal.get(..NAMED).unwrap_or(&fatal).join("; "))
}

/// A problem to be named beside its step: `` `pipe` (line 7): a part of the script would not run ``.
fn fragment(problem: &Diagnostic) -> String {
    let (key, reason) = problem
        .message
        .strip_prefix(NOT_SUPPORTED)
        .and_then(|rest| rest.split_once("; "))
        .unwrap_or((&problem.message, ""));
    let file = problem
        .file
        .as_ref()
        .map(|name| format!(" of {name}"))
        .unwrap_or_default();
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("{key} (line {}{file}){colon}{reason}", problem.primary.line)
}

/// How the message begins of what an installation cannot do.
const NOT_SUPPORTED: &str = "not supported yet: ";

/// What the capabilities lack for the wanted steps, in the order of the text; each place once.
pub(super) fn unsupported(
    file: &PipelineFile,
    pipeline: &Pipeline,
    capabilities: &Capabilities,
    wanted: &dyn Fn(usize) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = of_origin(file, pipeline, capabilities, wanted);
    // What an import itself needs, and behind it what the pipeline needs where it is written.
    if let Ok(origin) = file.origin(pipeline)
        && let Some(imported) = &origin.imported
    {
        let there = of_origin(origin.file, origin.pipeline, capabilities, wanted);
        problems.extend(
            there
                .into_iter()
                .map(|problem| problem.in_file(&imported.file)),
        );
    }
    problems
}

/// What the capabilities lack for any pipeline of the file as it is written here, as warnings in the order of the text; each
/// place once.
pub(super) fn of_file(file: &PipelineFile, capabilities: &Capabilities) -> Vec<Diagnostic> {
    let all = || file.pipelines.all();
    let steps: Vec<&Step> = all()
        .flat_map(|pipeline| chosen(pipeline, &|_| true))
        .collect();
    let of_settings = file
        .features
        .iter()
        .filter(|needed| is_inherited(needed.feature, &steps));
    let mut uses: Vec<&FeatureUse> = of_settings
        .chain(all().flat_map(|pipeline| uses_of(pipeline, &|_| true)))
        .filter(|needed| !capabilities.meets(needed))
        .collect();
    uses.sort_by_key(|needed| (needed.place.start, needed.feature));
    uses.dedup_by_key(|needed| (needed.place.start, needed.feature));
    uses.into_iter()
        .take(MAX_DIAGNOSTICS)
        .map(|needed| {
            let mut problem = diagnostic(file, needed);
            problem.severity = Severity::Warning;
            problem
        })
        .collect()
}

/// What is needed where a pipeline is written.
fn of_origin(
    file: &PipelineFile,
    pipeline: &Pipeline,
    capabilities: &Capabilities,
    wanted: &dyn Fn(usize) -> bool,
) -> Vec<Diagnostic> {
    let chosen = chosen(pipeline, wanted);
    let of_file = file
        .features
        .iter()
        .filter(|needed| is_inherited(needed.feature, &chosen));
    let mut uses: Vec<&FeatureUse> = of_file.chain(uses_of(pipeline, wanted)).collect();
    uses.retain(|needed| !capabilities.meets(needed));
    uses.sort_by_key(|needed| (needed.place.start, needed.feature));
    uses.dedup_by_key(|needed| (needed.place.start, needed.feature));
    uses.into_iter()
        .map(|needed| diagnostic(file, needed))
        .collect()
}

/// The steps of these numbers, from 0 as in a plan.
fn chosen<'f>(pipeline: &'f Pipeline, wanted: &dyn Fn(usize) -> bool) -> Vec<&'f Step> {
    let Body::Items(items) = &pipeline.body else {
        return Vec::new();
    };
    items
        .iter()
        .flat_map(Item::steps)
        .zip(0..)
        .filter(|(_, number)| wanted(*number))
        .map(|(step, _)| step)
        .collect()
}

/// True where a setting of the whole file reaches one of the steps: those that say their own do not take the file's.
fn is_inherited(feature: Feature, steps: &[&Step]) -> bool {
    steps.iter().any(|step| match feature {
        Feature::Image => step.image.is_none() && step.child.is_none(),
        Feature::Size => step.size.is_none(),
        Feature::Lfs => step.clone.lfs.is_none(),
        Feature::RunsOn | Feature::Platform => step.runs_on.is_none() && step.child.is_none(),
        Feature::Runtime | Feature::Architecture => !step.has_runtime,
        _ => true,
    })
}

/// What the pipeline needs for the steps of these numbers (from 0, as in a plan); what a stage needs, its steps need.
fn uses_of<'f>(pipeline: &'f Pipeline, wanted: &dyn Fn(usize) -> bool) -> Vec<&'f FeatureUse> {
    let mut uses: Vec<&FeatureUse> = pipeline.features.iter().collect();
    let Body::Items(items) = &pipeline.body else {
        return uses;
    };
    let mut number = 0;
    for item in items {
        let (own, steps): (&[FeatureUse], &[Step]) = match item {
            Item::Step(step) | Item::Final(step) => (&[], std::slice::from_ref(step)),
            Item::Parallel(parallel) => (&[], &parallel.steps),
            Item::Stage(stage) => (&stage.features, &stage.steps),
        };
        let chosen: Vec<&Step> = steps
            .iter()
            .zip(number..)
            .filter(|(_, number)| wanted(*number))
            .map(|(step, _)| step)
            .collect();
        number += steps.len();
        if !chosen.is_empty() {
            uses.extend(own);
        }
        uses.extend(chosen.into_iter().flat_map(|step| &step.features));
    }
    uses
}

fn diagnostic(file: &PipelineFile, needed: &FeatureUse) -> Diagnostic {
    let (feature, span) = (needed.feature, file.source.defined(needed.place));
    let (key, reason) = (feature.key(), feature.reason());
    let refused = |message: String, help: String| {
        Diagnostic::new(Severity::Unsupported, Code::NotSupported, message, span).with_help(help)
    };
    let mut problem = match (feature, feature.ignoring()) {
        (Feature::RunsOn, _) => refused(
            format!("{NOT_SUPPORTED}`{key}`; {reason} {}", shown(&needed.name)),
            "add the label to the setting `runner.labels` of the installation, or remove it here"
                .to_owned(),
        ),
        (Feature::Platform, _) => refused(
            format!(
                "{NOT_SUPPORTED}`runs-on: {}`; {reason}",
                needed.name.escape_default()
            ),
            "run it at Bitbucket on such a runner; adding the label to a runner here does not help"
                .to_owned(),
        ),
        (_, Ignoring::Wrong) => refused(
            format!("{NOT_SUPPORTED}`{key}`; {reason}"),
            feature.way_out().to_owned(),
        ),
        (_, Ignoring::Qualified) => Diagnostic::new(
            Severity::Warning,
            Code::NotMet,
            format!("the {key} {} is not used; {reason}", shown(&needed.name)),
            span,
        )
        .with_help(
            "install there what the script needs; its result says that it ran without the image",
        ),
        (Feature::DockerCache | Feature::OutsideCache, _) => Diagnostic::new(
            Severity::Warning,
            Code::Ignored,
            format!("the cache {} is not used; {reason}", shown(&needed.name)),
            span,
        ),
        (_, Ignoring::Harmless) => Diagnostic::new(
            Severity::Warning,
            Code::Ignored,
            format!("not supported yet, and ignored: `{key}`; {reason}"),
            span,
        ),
    };
    if let Some(used) = file.source.used(needed.place) {
        problem = problem.with_label(used, "used here");
    }
    problem.with_path(&*needed.path)
}
