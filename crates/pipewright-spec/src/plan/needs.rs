//! What a pipeline needs that an installation does not have.

use crate::capabilities::{Capabilities, Feature, FeatureUse, Ignoring};
use crate::diagnostic::{Code, Diagnostic, Severity, shown};
use crate::model::{Body, Item, Pipeline, PipelineFile, Step};

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

/// What no installation of ours can have.
pub(super) fn impossible(file: &PipelineFile, pipeline: &Pipeline) -> Vec<Diagnostic> {
    let everything = Capabilities::all().without(Feature::HostedAssistant);
    unsupported(file, pipeline, &everything, &|_| true)
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
        Feature::RunsOn => step.runs_on.is_none() && step.child.is_none(),
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
    let mut problem = match feature.ignoring() {
        Ignoring::Wrong if feature == Feature::RunsOn => {
            let message = format!(
                "not supported yet: `{key}`; {reason} {}",
                shown(&needed.name)
            );
            Diagnostic::new(Severity::Unsupported, Code::NotSupported, message, span)
                .with_help("add the label to the setting `runner.labels` of the installation, or remove it here")
        }
        Ignoring::Wrong => Diagnostic::new(
            Severity::Unsupported,
            Code::NotSupported,
            format!("not supported yet: `{key}`; {reason}"),
            span,
        )
        .with_help(format!(
            "remove `{key}` from the pipeline, or run it on an installation that supports it"
        )),
        Ignoring::Harmless => Diagnostic::new(
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
