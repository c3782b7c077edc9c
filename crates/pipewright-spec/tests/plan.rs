//! What runs for a trigger, and why: whole files and their plans.

use std::collections::BTreeMap;

use pipewright_core::plan::{
    CaptureOn, CloneDepth, FailureStrategy, Group, GroupKind, PipePlan, Plan, ScriptItem, StepPlan,
};
use pipewright_spec::plan::TriggerEvent;
use pipewright_spec::{PipelineFile, Planned, Severity, Trigger, parse, render_text};
use rstest::rstest;

fn file(text: &str) -> PipelineFile {
    let parsed = parse("bitbucket-pipelines.yml", text.as_bytes());
    let problems = render_text(
        &parsed.diagnostics,
        "bitbucket-pipelines.yml",
        &parsed.source,
    );
    assert!(
        !parsed
            .diagnostics
            .iter()
            .any(|problem| problem.severity == Severity::Error),
        "{problems}"
    );
    parsed.pipeline_file.expect("a file")
}

fn branch(name: &str) -> Trigger {
    Trigger::Branch {
        name: name.to_owned(),
    }
}

fn custom(name: &str, variables: &[(&str, &str)]) -> Trigger {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Trigger::Custom {
        name: name.to_owned(),
        variables,
    }
}

fn plan_of(file: &PipelineFile, trigger: &Trigger) -> Plan {
    match file.plan(trigger) {
        Planned::Plan(plan, _) => *plan,
        other => panic!("no plan: {other:#?}"),
    }
}

fn default_plan(text: &str) -> Plan {
    plan_of(&file(text), &branch("some-branch"))
}

fn only_step(text: &str) -> StepPlan {
    let plan = default_plan(text);
    plan.step(0).expect("a step").clone()
}

fn commands(step: &StepPlan) -> Vec<&str> {
    step.script
        .iter()
        .map(|item| match item {
            ScriptItem::Command(text) => text.as_str(),
            ScriptItem::Pipe(pipe) => pipe.pipe.as_str(),
        })
        .collect()
}

const SELECTING: &str = "
pipelines:
  default: [{step: {script: [a]}}]
  branches:
    main: [{step: {script: [a]}}]
    feature/*: [{step: {script: [a]}}]
    feature/bb-*: [{step: {script: [a]}}]
    '{hotfix,urgent}/**': [{step: {script: [a]}}]
  tags:
    v*: [{step: {script: [a]}}]
  pull-requests:
    '**': [{step: {script: [a]}}]
    feature/*: [{step: {script: [a]}}]
  custom:
    nightly: [{step: {script: [a]}}]
";

#[rstest]
#[case(
    branch("main"),
    "branches: main",
    "`main` under `branches` names the branch `main` exactly"
)]
#[case(
    branch("feature/x"),
    "branches: feature/*",
    "`feature/*` under `branches` matches the branch `feature/x`"
)]
#[case(
    branch("feature/bb-1"),
    "branches: feature/bb-*",
    "`feature/bb-*` under `branches` matches the branch `feature/bb-1` and is more specific than `feature/*`"
)]
#[case(
    branch("urgent/a/b"),
    "branches: {hotfix,urgent}/**",
    "`{hotfix,urgent}/**` under `branches` matches the branch `urgent/a/b`"
)]
#[case(
    branch("Main"),
    "default",
    "none of the 4 patterns under `branches` matches the branch `Main` (`main`, `feature/*`, `feature/bb-*`, `{hotfix,urgent}/**`), so `default` runs"
)]
#[case(Trigger::Tag { name: "v1".to_owned() }, "tags: v*", "`v*` under `tags` matches the tag `v1`")]
#[case(
    Trigger::PullRequest { source_branch: "feature/x".to_owned(), destination_branch: "main".to_owned() },
    "pull-requests: feature/*",
    "`feature/*` under `pull-requests` matches the pull request's source branch `feature/x` and is more specific than `**`"
)]
#[case(
    branch("feature/deep/x"),
    "default",
    "none of the 4 patterns under `branches` matches the branch `feature/deep/x` (`main`, `feature/*`, `feature/bb-*`, `{hotfix,urgent}/**`), so `default` runs"
)]
#[case(custom("nightly", &[]), "custom: nightly", "the custom pipeline `nightly` was asked for")]
fn one_pipeline_runs(#[case] trigger: Trigger, #[case] pipeline: &str, #[case] reason: &str) {
    let file = file(SELECTING);
    let selection = file.selection(&trigger).expect("a pipeline");
    assert_eq!(
        (selection.pipeline.as_str(), selection.reason.as_str()),
        (pipeline, reason)
    );
    assert_eq!(plan_of(&file, &trigger).pipeline, pipeline);
}

#[rstest]
#[case(
    SELECTING,
    Trigger::Tag { name: "x".to_owned() },
    "the one pattern under `tags`, `v*`, does not match the tag `x`; `default` never runs for tags"
)]
#[case(SELECTING, custom("nightyl", &[]), "the file has no custom pipeline `nightyl`; did you mean `nightly`?")]
#[case(SELECTING, custom("x", &[]), "the file has no custom pipeline `x`; it has `nightly`")]
#[case(
    "pipelines: {custom: {x: [{step: {script: [a]}}]}}",
    branch("main"),
    "the file has no `branches` section for the branch `main`, and it has no `default`"
)]
#[case(
    "pipelines: {default: [{step: {script: [a]}}]}",
    Trigger::PullRequest { source_branch: "x".to_owned(), destination_branch: "main".to_owned() },
    "the file has no `pull-requests` section for the pull request's source branch `x`"
)]
fn nothing_runs_and_the_reason_is_told(
    #[case] text: &str,
    #[case] trigger: Trigger,
    #[case] expected: &str,
) {
    let planned = file(text).plan(&trigger);
    assert_eq!(
        planned,
        Planned::Nothing {
            reason: expected.to_owned()
        }
    );
}

#[test]
fn defaults_are_bitbuckets() {
    let step = only_step("pipelines: {default: [{step: {script: [make]}}]}");
    assert_eq!(
        (step.name.as_str(), step.max_time_minutes, step.size),
        ("Step 1", 120, 1)
    );
    assert_eq!(
        (step.clone.enabled, step.clone.depth, step.clone.lfs),
        (true, CloneDepth::Commits(50), false)
    );
    assert_eq!(
        (step.image, step.artifact_downloads, step.on_failure),
        (None, None, FailureStrategy::Fail)
    );
}

#[test]
fn a_step_wins_over_the_file() {
    let plan = default_plan(
        "
image: alpine
clone: {depth: 10, lfs: true}
options: {max-time: 30, size: 2x, runs-on: [self.hosted, big]}
pipelines:
  default:
    - step: {script: [a]}
    - step: {script: [a], image: rust:1.95, max-time: 5, size: 4x, clone: {depth: full}, runs-on: other}
",
    );
    let steps: Vec<_> = plan.steps().collect();
    assert_eq!(
        steps[0].image.as_ref().map(|image| image.name.as_str()),
        Some("alpine")
    );
    assert_eq!(
        (
            steps[0].max_time_minutes,
            steps[0].size,
            steps[0].clone.depth
        ),
        (30, 2, CloneDepth::Commits(10))
    );
    assert_eq!(steps[0].runs_on, ["self.hosted", "big"]);
    assert_eq!(
        steps[1].image.as_ref().map(|image| image.name.as_str()),
        Some("rust:1.95")
    );
    assert_eq!(
        (
            steps[1].max_time_minutes,
            steps[1].size,
            steps[1].clone.depth
        ),
        (5, 4, CloneDepth::Full)
    );
    assert!(steps[1].clone.lfs, "what the step leaves out is the file's");
    assert_eq!(steps[1].runs_on, ["other"]);
    assert_eq!(steps[1].line, 8);
}

#[test]
fn groups_come_in_the_order_of_the_file() {
    let plan = default_plan(
        "
pipelines:
  default:
    - step: {name: Lint, script: [a]}
    - parallel:
        - step: {script: [a]}
        - step: {script: [a], trigger: manual}
    - parallel:
        fail-fast: true
        on-fail: {strategy: ignore}
        steps:
          - step: {script: [a], fail-fast: false}
          - step: {script: [a], on-fail: {strategy: retry, maxRetryCount: 3}}
    - stage:
        name: Deploy
        deployment: production
        trigger: manual
        condition: {state: 'GO == true'}
        steps:
          - step: {script: [a]}
          - step: {script: [a], environment: other, on-fail: {strategy: retry}}
    - final: {name: Clean up, script: [a]}
",
    );
    let kinds: Vec<_> = plan
        .groups
        .iter()
        .map(|group| (group.kind, group.steps.len()))
        .collect();
    assert_eq!(
        kinds,
        [
            (GroupKind::Step, 1),
            (GroupKind::Parallel { fail_fast: false }, 2),
            (GroupKind::Parallel { fail_fast: true }, 2),
            (GroupKind::Stage, 2),
            (GroupKind::Final, 1)
        ]
    );
    let names: Vec<_> = plan.steps().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Lint", "Step 2", "Step 3", "Step 4", "Step 5", "Step 6", "Step 7", "Clean up"
        ]
    );
    let failing: Vec<_> = plan.groups[2]
        .steps
        .iter()
        .map(|step| (step.fail_fast, step.on_failure))
        .collect();
    assert_eq!(
        failing,
        [
            (Some(false), FailureStrategy::Ignore),
            (None, FailureStrategy::Retry { times: 3 })
        ]
    );
    let Group {
        name,
        manual,
        deployment,
        condition,
        steps,
        ..
    } = &plan.groups[3];
    assert_eq!(
        (name.as_deref(), *manual, deployment.as_deref()),
        (Some("Deploy"), true, Some("production"))
    );
    assert_eq!(
        condition
            .as_ref()
            .and_then(|condition| condition.state.as_deref()),
        Some("GO == true")
    );
    let environments: Vec<_> = steps
        .iter()
        .map(|step| (step.deployment.as_deref(), step.environment.as_deref()))
        .collect();
    assert_eq!(
        environments,
        [(None, Some("production")), (None, Some("other"))],
        "the stage deploys, its steps have the variables"
    );
    assert_eq!(
        steps[1].on_failure,
        FailureStrategy::Retry { times: 1 },
        "retry alone is one retry"
    );
}

#[test]
fn scripts_keep_their_text() {
    let step = only_step(
        r#"
pipelines:
  default:
    - step:
        script:
          - if true; then
          -   echo "a" # not a comment: "
          - fi
          - |
            first
              second
          - >-
            folded
            line
          - 'single: quoted'
          - 0777
          - 1.10
          - yes
          - ~
          - pipe: atlassian/demo:1.0.0
            name: Demo
            variables: {TEXT: $X, EMPTY: , LIST: [a, 2], MAP: {a: [true, 1.5]}}
"#,
    );
    let mut expected = vec![
        "if true; then",
        "echo \"a\"",
        "fi",
        "first\n  second\n",
        "folded line",
        "single: quoted",
        "0777",
        "1.10",
        "yes",
    ];
    expected.push("atlassian/demo:1.0.0");
    assert_eq!(commands(&step), expected);
    let pairs = [
        ("TEXT", "$X"),
        ("EMPTY", ""),
        ("LIST_0", "a"),
        ("LIST_1", "2"),
        ("LIST_COUNT", "2"),
        ("MAP", "{\"a\":[true,1.5]}"),
    ];
    let variables = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let pipe = PipePlan {
        pipe: "atlassian/demo:1.0.0".to_owned(),
        name: Some("Demo".to_owned()),
        variables,
    };
    assert_eq!(step.script.last(), Some(&ScriptItem::Pipe(pipe)));
    assert_eq!(
        step.services
            .iter()
            .map(|service| service.name.as_str())
            .collect::<Vec<_>>(),
        ["docker"],
        "a pipe brings its engine"
    );
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    let plan = default_plan(
        "
definitions:
  bases:
    base: &base {image: alpine, max-time: 5, script: &script [one, two]}
    more: &more {name: More, max-time: 9}
    items: &items
      - &pipe {pipe: a/b:1, variables: {X: y}}
  command: &command make test
pipelines:
  default:
    - step: *base
    - step: {<<: *base, name: Own, max-time: 7}
    - step: {name: Own, <<: [*more, *base]}
    - step: {script: [*command, <<: *items, {<<: *pipe, name: Named}]}
",
    );
    let steps: Vec<_> = plan.steps().collect();
    assert_eq!(
        (steps[0].max_time_minutes, commands(steps[0])),
        (5, vec!["one", "two"])
    );
    assert_eq!(
        (steps[1].name.as_str(), steps[1].max_time_minutes),
        ("Own", 7),
        "own keys win wherever `<<` stands"
    );
    assert_eq!(
        (steps[2].name.as_str(), steps[2].max_time_minutes),
        ("Own", 9),
        "of several the earlier wins"
    );
    assert_eq!(commands(steps[3]), ["make test", "a/b:1", "a/b:1"]);
}

#[test]
fn caches_services_and_artifacts_are_resolved() {
    let step = only_step(
        "
definitions:
  caches:
    cargo: ~/.cargo
    keyed: {path: target, key: {files: [Cargo.lock]}}
    node: other/node_modules
  services:
    docker: {memory: 4096}
    db: {image: {name: postgres, username: u, password: $P}, variables: {A: b}}
pipelines:
  default:
    - step:
        caches: [cargo, keyed, node, pip, cargo]
        services: [db, docker]
        artifacts:
          download: [earlier]
          upload:
            - dist/**
            - {name: reports, type: test-reports, paths: ['**/*.xml'], depth: 4, capture-on: failed}
            - {name: own, type: scoped, paths: [x], ignore-paths: [y]}
        script: [a]
",
    );
    let caches: Vec<_> = step
        .caches
        .iter()
        .map(|cache| {
            (
                cache.name.as_str(),
                cache.path.as_str(),
                cache.key_files.len(),
            )
        })
        .collect();
    assert_eq!(
        caches,
        [
            ("cargo", "~/.cargo", 0),
            ("keyed", "target", 1),
            ("node", "other/node_modules", 0),
            ("pip", "~/.cache/pip", 0)
        ]
    );
    let services: Vec<_> = step
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.memory_mb, service.docker))
        .collect();
    assert_eq!(services, [("db", 1024, false), ("docker", 4096, true)]);
    assert_eq!(
        step.services[0]
            .image
            .as_ref()
            .and_then(|image| image.password.as_deref()),
        Some("$P")
    );
    let artifacts: Vec<_> = step
        .artifacts
        .iter()
        .map(|artifact| {
            (
                artifact.name.as_str(),
                artifact.shared,
                artifact.test_reports,
                artifact.capture_on,
            )
        })
        .collect();
    assert_eq!(
        artifacts,
        [
            ("", true, false, CaptureOn::Always),
            ("reports", false, true, CaptureOn::Failed),
            ("own", false, false, CaptureOn::Always)
        ]
    );
    assert_eq!(
        (step.artifacts[1].depth, step.artifact_downloads),
        (Some(4), Some(vec!["earlier".to_owned()]))
    );
}

#[test]
fn a_child_pipeline_is_a_step_without_script() {
    let step = only_step(
        "
pipelines:
  custom: {scan: [{step: {script: [a]}}]}
  default:
    - step: {type: pipeline, custom: scan, input-variables: {LEVEL: strict, REF: $BITBUCKET_BRANCH}, artifacts: {input: [a.tgz], output: [r.json]}}
",
    );
    let child = step.child.expect("a child");
    assert_eq!(
        (child.custom.as_str(), child.input_variables.len()),
        ("scan", 2)
    );
    assert_eq!(
        (child.input_artifacts, child.output_artifacts),
        (vec!["a.tgz".to_owned()], vec!["r.json".to_owned()])
    );
    assert!(step.script.is_empty() && step.services.is_empty());
}

const VARIABLES: &str = "
pipelines:
  custom:
    deploy:
      - variables:
          - {name: ENV, default: dev, description: target, allowed-values: [dev, prod]}
          - {name: TEXT, default: 1.10}
          - name: NONE
      - step: {script: [a]}
";

#[test]
fn custom_variables_have_their_defaults() {
    let file = file(VARIABLES);
    let variables = |given: &[(&str, &str)]| plan_of(&file, &custom("deploy", given)).variables;
    let owned = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        variables(&[]),
        owned(&[("ENV", "dev"), ("TEXT", "1.10"), ("NONE", "")])
    );
    let given = [("ENV", "prod"), ("NONE", "x"), ("OTHER", "y")];
    assert_eq!(
        variables(&given),
        owned(&[
            ("ENV", "prod"),
            ("TEXT", "1.10"),
            ("NONE", "x"),
            ("OTHER", "y")
        ])
    );
    let start = file.start_conditions().remove(0);
    assert_eq!(start.variables[0].allowed_values, ["dev", "prod"]);
    assert_eq!(start.variables[0].description.as_deref(), Some("target"));
}

#[rstest]
#[case(&[("ENV", "test")], "PW0125", "the value `test` is not allowed for the variable `ENV`")]
#[case(&[("A-B", "x")], "PW0123", "`A-B` cannot be the name of a variable")]
fn a_value_that_is_not_allowed_is_refused(
    #[case] given: &[(&str, &str)],
    #[case] code: &str,
    #[case] message: &str,
) {
    let Planned::Invalid(problems) = file(VARIABLES).plan(&custom("deploy", given)) else {
        panic!("not refused")
    };
    let found = problems
        .iter()
        .find(|problem| problem.is_fatal())
        .expect("a reason");
    assert_eq!((&*found.code, found.message.as_str()), (code, message));
}

#[test]
fn an_error_anywhere_makes_every_plan_invalid() {
    let text = "pipelines: {default: [{step: {script: [a]}}], custom: {x: [{step: {}}]}}";
    let parsed = parse("f", text.as_bytes());
    let file = parsed.pipeline_file.expect("read as far as it goes");
    assert!(
        matches!(file.plan(&branch("main")), Planned::Invalid(problems) if problems == parsed.diagnostics)
    );
    assert_eq!(
        file.start_conditions().len(),
        2,
        "what there is can still be listed"
    );
}

#[test]
fn templates_are_given_their_values() {
    let file = file(
        "
image: node:${{ NODE }}
pipelines:
  custom:
    build:
      - variables: [{name: SIZE, default: 2x}]
      - step: {name: 'Build ${{ BITBUCKET_BRANCH }}', size: '${{ SIZE }}', max-time: '${{ MINUTES }}', script: ['echo ${{ github.ref }}']}
",
    );
    let values = BTreeMap::from([
        ("NODE".to_owned(), "22".to_owned()),
        ("MINUTES".to_owned(), "7".to_owned()),
    ]);
    let Planned::Plan(plan, warnings) = file.plan_with(&custom("build", &[]), &values) else {
        panic!("no plan")
    };
    let step = plan.step(0).expect("a step");
    assert_eq!(
        step.image.as_ref().map(|image| image.name.as_str()),
        Some("node:22")
    );
    assert_eq!((step.size, step.max_time_minutes), (2, 7));
    assert_eq!(
        step.name, "Build ${{ BITBUCKET_BRANCH }}",
        "it has no value here"
    );
    assert_eq!(
        commands(step),
        ["echo ${{ github.ref }}"],
        "not a name, so not ours"
    );
    let unknown: Vec<_> = warnings
        .iter()
        .filter(|problem| problem.code == "PW0133")
        .map(|problem| problem.primary.line)
        .collect();
    assert_eq!(unknown, [7]);
    assert_eq!(
        warnings.len(),
        1,
        "a value from a template is the text or the number that is wanted"
    );
    let Planned::Invalid(problems) = file.plan_with(&custom("build", &[("SIZE", "3x")]), &values)
    else {
        panic!("3x is no size")
    };
    assert!(problems.iter().any(|problem| problem.code == "PW0106"));
}

#[test]
fn rules_fire_all_at_once() {
    let file = file(
        r#"
triggers:
  repository-push:
    - {condition: 'glob(BITBUCKET_BRANCH, "feature/*")', pipelines: [a, b]}
    - {condition: 'BITBUCKET_BRANCH == "feature/x"', pipelines: [b, c]}
    - {condition: 'BITBUCKET_BRANCH > 1', pipelines: [d]}
  pipeline-completed:
    - {condition: 'BITBUCKET_TRIGGER_PIPELINE_STATUS == "FAILED"', pipelines: [d]}
pipelines:
  custom: {a: &p [{step: {script: [x]}}], b: *p, c: *p, d: *p}
"#,
    );
    let value_of = |name: &str| (name == "BITBUCKET_BRANCH").then(|| "feature/x".to_owned());
    let (fired, errors) = file.fired(TriggerEvent::RepositoryPush, &value_of);
    assert_eq!(
        fired
            .iter()
            .map(|fired| fired.pipeline.as_str())
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(
        errors.len(),
        1,
        "a rule without an answer holds back no other"
    );
    assert!(
        file.fired(TriggerEvent::PipelineCompleted, &value_of)
            .0
            .is_empty()
    );
}

#[test]
fn problems_and_triggers_are_json() {
    let parsed = parse(
        "f",
        b"pipelines:\n  default:\n    - step: {script: [a], nmae: x}\n",
    );
    let json = serde_json::to_string(&parsed.diagnostics).expect("JSON");
    assert_eq!(
        json,
        r#"[{"severity":"warning","code":"PW0101","message":"`nmae` is not a property of a step; it is ignored","primary":{"line":3,"column":27,"start":48,"end":52},"help":"did you mean `name`?","path":"pipelines.default[0].step.nmae"}]"#
    );
    assert_eq!(
        serde_json::from_str::<Vec<pipewright_spec::Diagnostic>>(&json).expect("the same"),
        parsed.diagnostics
    );
    let trigger = custom("x", &[("A", "b")]);
    let json = serde_json::to_string(&trigger).expect("JSON");
    assert_eq!(
        json,
        r#"{"kind":"custom","name":"x","variables":[["A","b"]]}"#
    );
}
