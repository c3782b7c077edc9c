//! Pipelines of other files: what planning asks for, and what it makes of the answer.

use std::collections::BTreeMap;

use pipewright_core::Plan;
use pipewright_spec::{
    Capabilities, Diagnostic, Feature, FileText, PipelineFile, Planned, Severity, Trigger, Values,
    parse, render_text_of,
};
use rstest::rstest;

const SHARED: &str = "
export: true
image: rust:1.95
options: {max-time: 7, runs-on: [gpu]}
definitions:
  caches: {own: ~/.own}
  pipelines:
    build:
      - step: {name: Build, caches: [own], script: [make]}
      - step: {name: 'To ${{ WHERE }}', script: [make deploy]}
    asked:
      - variables: [{name: LEVEL, default: low, allowed-values: [low, high]}, {name: MORE, default: m}]
      - step: {script: [make]}
    again: {import: 'third:main:build'}
";

const IMPORTING: &str = "
definitions:
  imports: {own: ci/pipelines.yml, shared: 'tools:v1:ci/pipelines.yml'}
pipelines:
  default: {import: build@own}
  branches:
    inline: {import: 'tools:main:build'}
    named: {import: build@shared}
    missing: {import: biuld@own}
    again: {import: again@own}
  custom:
    asked:
      import: asked@own
      variables: [{name: LEVEL, default: high, allowed-values: [high, low]}, {name: OWN, default: o}]
";

fn read(text: &str) -> PipelineFile {
    let parsed = parse("bitbucket-pipelines.yml", text.as_bytes());
    assert_eq!(parsed.diagnostics, [], "nothing is wrong with it");
    parsed.pipeline_file.expect("a file")
}

fn branch(name: &str) -> Trigger {
    Trigger::Branch {
        name: name.to_owned(),
    }
}

/// Plans, bringing whatever is asked for from this text.
fn planned(trigger: &Trigger, shared: &str) -> Planned {
    let mut file = read(IMPORTING);
    let Planned::Needs(needed) = file.plan(trigger) else {
        panic!("an import is asked for")
    };
    file.bring(
        &needed.source,
        parse(&needed.source.to_string(), shared.as_bytes()),
        None,
    );
    file.plan(trigger)
}

fn plan(trigger: &Trigger) -> Plan {
    match planned(trigger, SHARED) {
        Planned::Plan(plan, _) => *plan,
        other => panic!("{other:#?}"),
    }
}

fn problems(trigger: &Trigger, shared: &str) -> Vec<Diagnostic> {
    match planned(trigger, shared) {
        Planned::Invalid(problems) => problems,
        other => panic!("{other:#?}"),
    }
}

#[rstest]
#[case("main", "ci/pipelines.yml", "ci/pipelines.yml")]
#[case("inline", "tools:main", "bitbucket-pipelines.yml")]
#[case("named", "tools:v1:ci/pipelines.yml", "ci/pipelines.yml")]
fn planning_says_which_file_it_needs(#[case] name: &str, #[case] source: &str, #[case] path: &str) {
    let file = read(IMPORTING);
    let Planned::Needs(needed) = file.plan(&branch(name)) else {
        panic!("an import is asked for")
    };
    assert_eq!(
        (
            needed.source.to_string().as_str(),
            needed.source.path(),
            needed.pipeline.as_str()
        ),
        (source, path, "build")
    );
    assert_eq!(file.imports().len(), 6, "all of them can be listed");
}

#[test]
fn an_imported_pipeline_uses_the_definitions_of_its_own_file() {
    let plan = plan(&branch("main"));
    let step = plan.step(0).expect("a step");
    assert_eq!(
        step.image.as_ref().map(|image| image.name.as_str()),
        Some("rust:1.95")
    );
    assert_eq!(
        (
            step.max_time_minutes,
            step.caches[0].path.as_str(),
            step.line
        ),
        (7, "~/.own", 9)
    );
    let imported = plan.imported.as_ref().expect("it is from elsewhere");
    assert_eq!(
        (
            plan.pipeline.as_str(),
            imported.file.as_str(),
            imported.pipeline.as_str()
        ),
        ("default", "ci/pipelines.yml", "build")
    );
}

#[test]
fn it_runs_with_the_importers_values_and_variables() {
    let mut file = read(IMPORTING);
    let Planned::Needs(needed) = file.plan(&branch("main")) else {
        panic!("an import is asked for")
    };
    file.bring(
        &needed.source,
        parse("ci/pipelines.yml", SHARED.as_bytes()),
        None,
    );
    let values: Values = BTreeMap::from([("WHERE".to_owned(), "prod".to_owned())]);
    let Planned::Plan(plan, _) = file.plan_with(&branch("main"), &values) else {
        panic!("a plan")
    };
    assert_eq!(plan.step(1).map(|step| step.name.as_str()), Some("To prod"));

    let asked = Trigger::Custom {
        name: "asked".to_owned(),
        variables: vec![("MORE".to_owned(), "x".to_owned())],
    };
    let pairs = [("LEVEL", "high"), ("OWN", "o"), ("MORE", "x")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let Planned::Plan(plan, _) = file.plan(&asked) else {
        panic!("a plan")
    };
    assert_eq!(
        plan.variables, pairs,
        "the importer's declaration wins, the others are the exporter's"
    );
    let start = file
        .start_conditions()
        .into_iter()
        .find(|start| start.name == "asked")
        .expect("it is listed");
    assert_eq!((start.steps, start.variables.len()), (1, 3));
}

#[rstest]
#[case(
    "missing",
    SHARED,
    "the pipeline `biuld` of `ci/pipelines.yml` cannot be imported: that file has no such pipeline under `definitions.pipelines`",
    "did you mean `build`?"
)]
#[case(
    "again",
    SHARED,
    "the pipeline `again` of `ci/pipelines.yml` cannot be imported: it is imported there too",
    "import it from the file that it is written in"
)]
#[case(
    "inline",
    "export: true\ndefinitions: {pipelines: {build: [{step: {}}]}}",
    "the pipeline `build` of `tools:main` cannot be imported: that file cannot run",
    "fix it there"
)]
#[case(
    "main",
    "a: [",
    "the pipeline `build` of `ci/pipelines.yml` cannot be imported: that file cannot run",
    "fix it there"
)]
fn what_cannot_be_imported_has_a_reason(
    #[case] name: &str,
    #[case] shared: &str,
    #[case] message: &str,
    #[case] help: &str,
) {
    let problems = problems(&branch(name), shared);
    let first = &problems[0];
    assert_eq!(
        (
            &*first.code,
            first.message.as_str(),
            first.help.as_deref(),
            &first.file
        ),
        ("PW0134", message, Some(help), &None)
    );
    assert!(
        problems[1..].iter().all(|problem| problem.file.is_some()),
        "{problems:#?}"
    );
}

/// Whoever may push here could else read there: problems quote keys and values, and the nearest name is one.
#[rstest]
#[case("definitions: {pipelines: {build: [{step: {script: [a], secret-key: hidden}}]}}")]
#[case("definitions: {pipelines: {biuld: [{step: {script: [a]}}]}}")]
#[case(
    "export: false\ndefinitions: {pipelines: {build: [{step: {script: secret, max-time: hidden}}]}}"
)]
#[case("secret: [")]
#[case("export: true\nsecret: [")]
#[case("- hidden")]
#[case("")]
fn of_a_file_that_another_repository_does_not_share_nothing_is_told(#[case] unshared: &str) {
    let told = problems(&branch("inline"), unshared);
    let expected = "the pipeline `build` of `tools:main` cannot be imported: that file cannot be read or does not share its pipelines";
    assert_eq!(
        told.iter()
            .map(|problem| problem.message.as_str())
            .collect::<Vec<_>>(),
        [expected]
    );
    assert_eq!(
        (
            &told[0].file,
            told[0]
                .help
                .as_deref()
                .map(|help| help.contains("`export: true`"))
        ),
        (&None, Some(true))
    );
}

#[test]
fn files_of_one_repository_need_not_be_exported() {
    let Planned::Plan(_, warnings) = planned(
        &branch("main"),
        "definitions: {pipelines: {build: [{step: {script: [a]}}]}}",
    ) else {
        panic!("a plan")
    };
    let told: Vec<_> = warnings
        .iter()
        .map(|problem| (&*problem.code, problem.severity, problem.primary.line))
        .collect();
    assert_eq!(
        told,
        [
            ("PW0134", Severity::Warning, 5),
            ("PW0150", Severity::Warning, 1)
        ]
    );
}

#[test]
fn problems_name_the_file_they_are_in() {
    let shared = "export: true\ndefinitions:\n  pipelines:\n    build:\n      - step: {script: [a], nmae: x, services: [docker]}\n";
    let mut file = read(IMPORTING);
    let Planned::Needs(needed) = file.plan(&branch("inline")) else {
        panic!("an import is asked for")
    };
    let parsed = parse("tools:main", shared.as_bytes());
    let source = parsed.source.clone();
    file.bring(&needed.source, parsed, None);
    let Planned::Unsupported(problems) =
        file.plan_within(&branch("inline"), &Values::new(), &Capabilities::host())
    else {
        panic!("services are not supported")
    };
    let own = FileText {
        name: "bitbucket-pipelines.yml",
        text: IMPORTING,
    };
    let drawn = render_text_of(
        &problems,
        own,
        &[FileText {
            name: "tools:main",
            text: &source,
        }],
    );
    assert!(
        drawn.contains("--> tools:main:5:29") && drawn.contains("nmae: x"),
        "{drawn}"
    );
    let places = render_text_of(&problems, own, &[]);
    assert!(
        places.contains("--> tools:main:5:29")
            && !places.contains("nmae: x")
            && places.contains("did you mean `name`?"),
        "{places}"
    );
    let lacking: Vec<_> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Unsupported)
        .collect();
    assert_eq!(lacking[0].file.as_deref(), Some("tools:main"));
    let capable = Capabilities::host().with(Feature::DockerService);
    assert!(matches!(
        file.plan_within(&branch("inline"), &Values::new(), &capable),
        Planned::Plan(..)
    ));
}

#[test]
fn what_is_imported_needs_its_own_machines() {
    let mut file = read(IMPORTING);
    let Planned::Needs(needed) = file.plan(&branch("main")) else {
        panic!("an import is asked for")
    };
    file.bring(
        &needed.source,
        parse("ci/pipelines.yml", SHARED.as_bytes()),
        None,
    );
    let refused = file.unsupported(&branch("main"), &Capabilities::host());
    let told: Vec<_> = refused
        .iter()
        .filter(|problem| problem.is_fatal())
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        told,
        ["not supported yet: `runs-on`; no runner has the label `gpu`"]
    );
    assert!(
        file.unsupported(&branch("main"), &Capabilities::host().with_labels(["gpu"]))
            .iter()
            .all(|problem| !problem.is_fatal())
    );
}
