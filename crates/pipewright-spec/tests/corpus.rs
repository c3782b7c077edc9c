//! Real files: all that are YAML plan for each of their start conditions, without one false error.

#[path = "common/promises.rs"]
mod promises;
#[path = "common/corpus.rs"]
mod real;

use std::collections::BTreeMap;

use pipewright_spec::{Capabilities, Diagnostic, Feature, Planned, Severity};
use promises::keeps_its_promises;
use real::corpus;

/// The three that are no YAML: where and why.
const NOT_YAML: &[(&str, u32, &str)] = &[
    ("014.yml", 15, "PW0013"),
    ("018.yml", 31, "PW0011"),
    ("137.yml", 4, "PW0010"),
];

/// Those that Bitbucket never ran: a part of a file, and one whose `pipelines` is empty.
const RUNS_NOTHING: &[&str] = &["023.yml", "050.yml"];

/// Pipelines that are in another repository.
const IMPORTED: &[(&str, &str)] = &[("024.yml", "default")];

#[test]
fn every_real_file_plans() {
    let Some(files) = corpus() else { return };
    let (mut planned, mut starts, mut warnings) = (0, 0, BTreeMap::new());
    for (name, bytes) in &files {
        let parsed = keeps_its_promises(name, bytes);
        if let Some((_, line, code)) = NOT_YAML.iter().find(|(other, ..)| other == name) {
            assert!(parsed.pipeline_file.is_none(), "{name}");
            assert_eq!(
                (
                    parsed.diagnostics[0].primary.line,
                    &*parsed.diagnostics[0].code
                ),
                (*line, *code),
                "{name}"
            );
            assert_eq!(parsed.diagnostics.len(), 1, "{name}");
            continue;
        }
        let errors: Vec<_> = parsed
            .diagnostics
            .iter()
            .filter(|problem| problem.is_fatal())
            .collect();
        if RUNS_NOTHING.contains(&name.as_str()) {
            assert!(
                errors.len() == 1 && errors[0].code == "PW0150",
                "{name}: {errors:#?}"
            );
            continue;
        }
        assert!(errors.is_empty(), "{name}: a false error: {errors:#?}");
        let file = parsed.pipeline_file.expect("a file without errors");
        for start in file.start_conditions() {
            starts += 1;
            match file.plan(&start.sample) {
                Planned::Plan(plan, _) => {
                    let expected = start.section.as_str();
                    assert!(
                        plan.pipeline.starts_with(expected),
                        "{name}: {} ran instead of {expected} {}",
                        plan.pipeline,
                        start.name
                    );
                    assert_eq!(plan.len(), start.steps, "{name}: {}", plan.pipeline);
                }
                Planned::Needs(needed) => assert!(
                    IMPORTED.contains(&(name.as_str(), start.section.as_str())),
                    "{name}: {needed:#?}"
                ),
                Planned::Invalid(problems) | Planned::Unsupported(problems) => {
                    panic!("{name}: {problems:#?}")
                }
                Planned::Nothing { reason } => panic!("{name}: {reason}"),
            }
        }
        planned += 1;
        if !parsed.diagnostics.is_empty() {
            warnings.insert(name.clone(), parsed.diagnostics.len());
        }
    }
    assert_eq!(planned, files.len() - NOT_YAML.len() - RUNS_NOTHING.len());
    assert!(starts > 300, "{starts} start conditions");
    assert!(
        warnings.len() < 25,
        "warnings are for what is wrong, not for what is usual: {warnings:?}"
    );
}

/// What the host executor cannot do is named with a line and a key, and everything else of the corpus runs there.
#[test]
fn what_is_not_supported_is_named() {
    let Some(files) = corpus() else { return };
    let host = Capabilities::host();
    let mut refused = BTreeMap::<String, usize>::new();
    for (name, bytes) in &files {
        let Some(file) = keeps_its_promises(name, bytes).pipeline_file else {
            continue;
        };
        for start in file.start_conditions() {
            for problem in file.unsupported(&start.sample, &host) {
                assert!(
                    problem.message.starts_with("not supported yet")
                        || (problem.message.contains(" is not used; ")
                            && problem.severity == Severity::Warning),
                    "{name}: {problem:?}"
                );
                assert_ne!(problem.severity, Severity::Error, "{name}: {problem:?}");
                if problem.severity == Severity::Unsupported {
                    assert!(!problem.path.is_empty(), "{name}: {problem:?}");
                    *refused
                        .entry(problem.message.split('`').nth(1).expect("a key").to_owned())
                        .or_default() += 1;
                }
            }
            assert!(
                file.unsupported(&start.sample, &Capabilities::all())
                    .is_empty(),
                "{name}"
            );
        }
    }
    for key in ["services", "pipe", "runs-on"] {
        assert!(refused.contains_key(key), "{key}: {refused:?}");
    }
    assert!(
        !refused.contains_key("caches"),
        "a build without its cache is right"
    );
    for key in ["artifacts", "output-variables"] {
        assert!(!refused.contains_key(key), "{key} works on the host");
    }
}

/// With a container engine images, services, pipes and the Docker engine of a step are no reason any more to refuse one.
#[test]
fn with_an_engine_containers_are_no_reason_to_refuse() {
    let Some(files) = corpus() else { return };
    let engine = Capabilities::engine(true).with(Feature::RunsOn);
    let mut refused = BTreeMap::<String, usize>::new();
    let (mut starts, mut accepted) = (0, 0);
    for (name, bytes) in &files {
        let Some(file) = keeps_its_promises(name, bytes).pipeline_file else {
            continue;
        };
        for start in file.start_conditions() {
            starts += 1;
            let problems = file.unsupported(&start.sample, &engine);
            accepted += usize::from(!problems.iter().any(Diagnostic::is_fatal));
            for problem in problems {
                assert!(!problem.message.contains("the image"), "{problem:?}");
                if problem.severity == Severity::Unsupported {
                    let key = problem.message.split('`').nth(1).expect("a key");
                    *refused.entry(key.to_owned()).or_default() += 1;
                }
            }
        }
    }
    for key in [
        "image",
        "services",
        "services.docker",
        "options.docker",
        "pipe",
        "size",
    ] {
        assert!(!refused.contains_key(key), "{key}: {refused:?}");
    }
    assert!(
        accepted * 20 > starts * 19,
        "{accepted} of {starts}: {refused:?}"
    );
}
