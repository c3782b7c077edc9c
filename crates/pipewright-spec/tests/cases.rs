//! The small cases of pipeline files with the right behaviour, where they are at hand.

use std::path::PathBuf;

use pipewright_spec::plan::Selection;
use pipewright_spec::{Capabilities, Parsed, PipelineFile, Planned, Trigger, Values, parse};

/// The file of a case; none where nobody said where they are.
fn case(name: &str) -> Option<Parsed> {
    let shared = PathBuf::from(std::env::var_os("PIPEWRIGHT_SHARED")?);
    let path = shared
        .join("fixtures/cases")
        .join(name)
        .join("bitbucket-pipelines.yml");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(parse("bitbucket-pipelines.yml", &bytes))
}

fn branch(name: &str) -> Trigger {
    Trigger::Branch {
        name: name.to_owned(),
    }
}

fn errors(parsed: &Parsed) -> Vec<(String, u32)> {
    let fatal = parsed
        .diagnostics
        .iter()
        .filter(|problem| problem.is_fatal());
    fatal
        .map(|problem| (problem.code.to_string(), problem.primary.line))
        .collect()
}

fn selected(file: &PipelineFile, name: &str) -> Selection {
    file.selection(&branch(name)).expect("a pipeline")
}

#[test]
fn a_file_that_runs_nothing_is_wrong() {
    let Some(parsed) = case("f01-nothing-ever-runs") else {
        return;
    };
    assert_eq!(errors(&parsed), [("PW0150".to_owned(), 1)]);
}

#[test]
fn an_empty_pipeline_runs_no_other_one_in_its_place() {
    let Some(parsed) = case("f02-null-pipeline") else {
        return;
    };
    assert_eq!(errors(&parsed), [("PW0105".to_owned(), 5)]);
}

#[test]
fn words_of_older_yaml_are_warned_of() {
    let Some(parsed) = case("f03-yaml11-words") else {
        return;
    };
    assert_eq!(errors(&parsed), []);
    let warned: Vec<&str> = parsed
        .diagnostics
        .iter()
        .filter(|problem| problem.code == "PW0103")
        .map(|problem| problem.path.rsplit('.').next().unwrap_or_default())
        .collect();
    assert_eq!(
        warned,
        ["MYSQL_RANDOM_ROOT_PASSWORD", "B", "C", "I", "default"]
    );
}

#[test]
fn a_missing_blank_is_named() {
    let Some(parsed) = case("f05-dash-without-blank") else {
        return;
    };
    let help = parsed.diagnostics[0].help.as_deref().unwrap_or_default();
    assert_eq!(help, "write a blank after the dash: `- mvn test`");
}

#[test]
fn paths_beside_uploads_are_refused() {
    let Some(parsed) = case("r03-paths-and-upload") else {
        return;
    };
    assert_eq!(errors(&parsed), [("PW0112".to_owned(), 6)]);
}

#[test]
fn the_more_specific_pattern_is_the_narrower_one() {
    let Some(parsed) = case("r36-glob-specific") else {
        return;
    };
    let file = parsed.pipeline_file.expect("a file");
    for (name, pattern) in [
        ("feature/a", "branches: feature/*"),
        ("feature/a/b", "branches: feature/**"),
        ("main", "branches: *"),
        ("a/b", "branches: **"),
        ("release-1", "branches: release-*"),
        ("hotfix/x", "branches: {feature/*,hotfix/*,release-*}"),
    ] {
        let selection = selected(&file, name);
        assert_eq!(selection.pipeline, pattern, "{name}: {}", selection.reason);
    }
    let reason = selected(&file, "feature/a").reason;
    assert_eq!(
        reason,
        "`feature/*` under `branches` matches the branch `feature/a` and is more specific than `feature/**`, `**`, `{feature/*,hotfix/*,release-*}`"
    );
}

#[test]
fn a_pipe_behind_a_manual_gate_refuses_nothing_before_it() {
    let Some(parsed) = case("s02-manual-pipe") else {
        return;
    };
    let file = parsed.pipeline_file.expect("a file");
    let planned = file.plan_within(&branch("main"), &Values::new(), &Capabilities::host());
    let Planned::Plan(plan, _) = planned else {
        panic!("{planned:?}")
    };
    assert!(
        plan.steps()
            .map(|step| step.refusal().is_some())
            .eq([false, true])
    );
}

#[test]
fn steps_for_other_systems_are_refused_whatever_labels_runners_have() {
    let Some(parsed) = case("s03-windows") else {
        return;
    };
    let file = parsed.pipeline_file.expect("a file");
    let labels = ["self.hosted", "windows", "macos", "linux"];
    let planned = file.plan_within(
        &branch("main"),
        &Values::new(),
        &Capabilities::host().with_labels(labels),
    );
    assert!(matches!(planned, Planned::Unsupported(_)), "{planned:?}");
}

#[test]
fn an_image_and_caches_that_are_not_used_are_said() {
    for (name, said) in [
        (
            "s05-false-green",
            &["the image `markdownlint/markdownlint:0.13.0`"][..],
        ),
        (
            "r35-cache-docker",
            &["the image `php:8.0`", "the cache `docker`"][..],
        ),
        ("r14-absolute-cache", &["the cache `stan`"][..]),
    ] {
        let Some(parsed) = case(name) else { return };
        let file = parsed.pipeline_file.expect("a file");
        let warned = file.not_done_by(&Capabilities::host());
        let messages: Vec<&str> = warned
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(messages.len(), said.len(), "{name}: {messages:?}");
        for (message, said) in messages.iter().zip(said) {
            assert!(
                message.starts_with(&format!("{said} is not used; ")),
                "{name}: {message}"
            );
        }
    }
}
