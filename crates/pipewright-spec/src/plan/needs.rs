//! What a pipeline needs that an installation does not have.

use crate::capabilities::{Capabilities, Feature, FeatureUse, Ignoring};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::model::{Body, Item, Pipeline, PipelineFile};

/// What the capabilities lack, in the order of the text; each place once.
pub(super) fn unsupported(file: &PipelineFile, pipeline: Option<&Pipeline>, capabilities: &Capabilities) -> Vec<Diagnostic> {
    let mut uses: Vec<&FeatureUse> = file.features.iter().chain(pipeline.into_iter().flat_map(uses_of)).collect();
    uses.retain(|needed| !capabilities.has(needed.feature));
    uses.sort_by_key(|needed| (needed.place.start, needed.feature));
    uses.dedup_by_key(|needed| (needed.place.start, needed.feature));
    uses.into_iter().map(|needed| diagnostic(file, needed)).collect()
}

/// What no installation of ours can have.
pub(super) fn impossible(file: &PipelineFile, pipeline: &Pipeline) -> Vec<Diagnostic> {
    let everything = Capabilities::all().without(Feature::HostedAssistant);
    let mut problems = unsupported(file, Some(pipeline), &everything);
    if let Body::Import(import) = &pipeline.body {
        let at = file.source.defined(pipeline.place);
        let message = format!("not supported yet: `import`; the pipeline `{}` is in another file", import.pipeline);
        problems.push(
            Diagnostic::new(Severity::Unsupported, Code::NotSupported, message, at)
                .with_help("copy the pipeline and its definitions into this file"),
        );
    }
    problems
}

fn uses_of(pipeline: &Pipeline) -> Vec<&FeatureUse> {
    let mut uses: Vec<&FeatureUse> = pipeline.features.iter().collect();
    if let Body::Items(items) = &pipeline.body {
        for item in items {
            match item {
                Item::Step(step) | Item::Final(step) => uses.extend(&step.features),
                Item::Parallel(parallel) => uses.extend(parallel.steps.iter().flat_map(|step| &step.features)),
                Item::Stage(stage) => {
                    uses.extend(&stage.features);
                    uses.extend(stage.steps.iter().flat_map(|step| &step.features));
                }
            }
        }
    }
    uses
}

fn diagnostic(file: &PipelineFile, needed: &FeatureUse) -> Diagnostic {
    let (feature, span) = (needed.feature, file.source.defined(needed.place));
    let (key, reason) = (feature.key(), feature.reason());
    let mut problem = match feature.ignoring() {
        Ignoring::Wrong => {
            Diagnostic::new(Severity::Unsupported, Code::NotSupported, format!("not supported yet: `{key}`; {reason}"), span)
                .with_help(format!("remove `{key}` from the pipeline, or run it on an installation that supports it"))
        }
        Ignoring::Harmless => {
            Diagnostic::new(Severity::Warning, Code::Ignored, format!("not supported yet, and ignored: `{key}`; {reason}"), span)
        }
    };
    if let Some(used) = file.source.used(needed.place) {
        problem = problem.with_label(used, "used here");
    }
    problem.with_path(&*needed.path)
}
