//! What an installation cannot do of a pipeline: what is ignored, what is marked, what is refused and when.

use std::collections::BTreeMap;

use pipewright_core::plan::{Plan, StepPlan};
use pipewright_spec::{
    Capabilities, Feature, PipelineFile, Planned, Severity, Trigger, parse, render_text,
};

fn file(text: &str) -> PipelineFile {
    let parsed = parse("bitbucket-pipelines.yml", text.as_bytes());
    let errors: Vec<_> = parsed
        .diagnostics
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    parsed.pipeline_file.expect("a file")
}

fn branch(name: &str) -> Trigger {
    Trigger::Branch {
        name: name.to_owned(),
    }
}

fn plan_of(file: &PipelineFile, trigger: &Trigger) -> Plan {
    match file.plan(trigger) {
        Planned::Plan(plan, _) => *plan,
        other => panic!("no plan: {other:#?}"),
    }
}

#[test]
fn what_an_installation_cannot_do_is_refused_or_ignored() {
    let text = "
image: alpine
options: {size: 2x}
definitions: {services: {db: {image: postgres}}}
pipelines:
  default:
    - step:
        name: Test
        caches: [node]
        services: [db]
        script:
          - make
          - pipe: atlassian/demo:1
  branches:
    plain:
      - step: {caches: [node], runs-on: [self.hosted, linux.shell], script: [make]}
    foreign:
      - step: {runs-on: [self.hosted, gpu], script: [make]}
    windows:
      - step: {runs-on: [self.hosted, windows], script: [make]}
";
    let file = file(text);
    let host = Capabilities::host();
    insta::assert_snapshot!(render_text(
        &file.unsupported(&branch("x"), &host),
        "bitbucket-pipelines.yml",
        text
    ));
    let within = |trigger: &Trigger, capabilities: &Capabilities| {
        file.plan_within(trigger, &BTreeMap::new(), capabilities)
    };
    assert!(matches!(
        within(&branch("x"), &host),
        Planned::Unsupported(_)
    ));
    let Planned::Plan(_, warnings) = within(&branch("plain"), &host) else {
        panic!("a size is harmless")
    };
    assert_eq!(
        warnings
            .iter()
            .map(|problem| &*problem.code)
            .collect::<Vec<_>>(),
        ["PW0202", "PW0201"],
        "an image that is not used, and a size"
    );
    assert!(matches!(
        within(&branch("foreign"), &host),
        Planned::Unsupported(_)
    ));
    assert!(
        matches!(
            within(&branch("foreign"), &host.clone().with(Feature::RunsOn)),
            Planned::Plan(..)
        ),
        "a flag is flipped"
    );
    // No setting makes a machine run another system's scripts.
    let everything = host.with(Feature::RunsOn).with_labels(["windows"]);
    let Planned::Unsupported(problems) = within(&branch("windows"), &everything) else {
        panic!("refused")
    };
    let fatal = problems
        .iter()
        .find(|problem| problem.is_fatal())
        .expect("a reason");
    assert!(
        fatal.message.contains("`runs-on: windows`")
            && fatal
                .help
                .as_deref()
                .is_some_and(|help| help.contains("does not help")),
        "{fatal:?}"
    );
}

#[test]
fn only_the_steps_that_run_need_something() {
    let text = "
pipelines:
  default:
    - step: {name: build, script: [make]}
    - parallel:
        - step: {name: unit, services: [docker], script: [make]}
        - step: {name: lint, script: [make]}
    - stage:
        name: out
        deployment: production
        steps:
          - step: {name: ship, script: [make]}
";
    let file = file(text);
    let needed = |wanted: &[usize]| {
        let without = Capabilities::host().without(Feature::Deployment);
        let mut plan = plan_of(&file, &branch("main"));
        let mut number = 0;
        for group in &mut plan.groups {
            group.steps.retain(|_| {
                number += 1;
                wanted.contains(&(number - 1))
            });
        }
        plan.groups.retain(|group| !group.steps.is_empty());
        let held = file.hold_against(
            &branch("main"),
            &BTreeMap::new(),
            &without,
            &mut plan,
            wanted,
        );
        assert_eq!(held.is_refused, !held.diagnostics.is_empty());
        held.diagnostics
            .into_iter()
            .map(|problem| problem.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(needed(&[0, 2]), [""; 0]);
    assert_eq!(
        needed(&[1]),
        ["pipelines.default[1].parallel[0].step.services[0]"]
    );
    assert_eq!(needed(&[0, 3]), ["pipelines.default[2].stage.deployment"]);
    assert_eq!(needed(&[0, 1, 2, 3]).len(), 2);
}

#[test]
fn what_a_step_says_itself_it_does_not_take_from_the_file() {
    let text = "
clone: {lfs: true}
options: {runs-on: [gpu], runtime: {cloud: {arch: arm}}}
pipelines:
  default:
    - step: {clone: {lfs: false}, runs-on: [linux], runtime: {cloud: {arch: x86}}, script: [make]}
  branches:
    other:
      - step: {script: [make]}
";
    let file = file(text);
    let refused = |trigger| {
        let problems = file.unsupported(&trigger, &Capabilities::host());
        problems
            .into_iter()
            .filter(pipewright_spec::Diagnostic::is_fatal)
            .map(|problem| problem.path)
            .collect::<Vec<_>>()
    };
    assert_eq!(refused(branch("main")), [""; 0]);
    assert_eq!(
        refused(branch("other")),
        ["clone.lfs", "options.runs-on", "options.runtime.cloud.arch"]
    );
}

#[test]
fn a_task_for_a_hosted_assistant_is_never_run() {
    let text = "pipelines: {default: [{step: {script: [make, {agent: reviewer}]}}]}";
    let Planned::Unsupported(problems) = file(text).plan(&branch("main")) else {
        panic!("refused")
    };
    assert_eq!(
        problems[0].message,
        "not supported yet: `agent`; it runs only at Atlassian"
    );
}

const GATED: &str = "
pipelines:
  default:
    - step: {name: build, script: [make]}
    - parallel:
        - step: {name: test, script: [make]}
        - step: {name: docs, condition: {changesets: {includePaths: [docs/**]}}, services: [docker], script: [make]}
    - step: {name: deploy, trigger: manual, script: [{pipe: atlassian/ssh-run:0.4.1}]}
    - step: {name: after, services: [docker], script: [make]}
    - final: {name: tidy, script: [make]}
";

/// Rule P4: what would not run, or not yet, refuses nothing.
#[test]
fn refusal_is_judged_on_what_would_run_when_it_would_run() {
    let host = Capabilities::host();
    let none = BTreeMap::new();
    let gated = file(GATED);
    let Planned::Plan(plan, diagnostics) = gated.plan_within(&branch("main"), &none, &host) else {
        panic!("nothing that runs in any case needs what is not here")
    };
    let refusals: Vec<Option<String>> = plan.steps().map(StepPlan::refusal).collect();
    assert_eq!(
        refusals,
        [
            None,
            None,
            Some("`services.docker` (line 7): scripts would find no Docker engine".to_owned()),
            Some("`pipe` (line 8): a part of the script would not run".to_owned()),
            Some("`services.docker` (line 9): scripts would find no Docker engine".to_owned()),
            None
        ]
    );
    assert_eq!(diagnostics.len(), 3);
    assert!(diagnostics.iter().all(|problem| !problem.is_fatal()));
    // Each of these takes the gate, the condition, or both away.
    for (written, instead) in [
        (", trigger: manual", ""),
        ("condition: {changesets: {includePaths: [docs/**]}}, ", ""),
        ("final: {name: tidy, ", "step: {services: [docker], "),
    ] {
        let text = GATED.replace(written, instead);
        let planned = file(&text).plan_within(&branch("main"), &none, &host);
        // What comes last is behind the gate all the same.
        let is_last = instead.starts_with("step");
        assert_eq!(
            matches!(planned, Planned::Plan(..)),
            is_last,
            "{written}: {planned:?}"
        );
    }
}

/// Rule P1: what the file declares and the executor does without is on the step, on the plan and in the file's problems.
#[test]
fn what_a_step_does_without_is_marked_on_it() {
    let text = "
image: php:8
definitions:
  caches: {stan: {key: {files: [lock]}, path: /tmp/stan}, up: ../up, mine: vendor, own: /opt/atlassian/pipelines/agent/build/x}
pipelines:
  default:
    - step: {script: [make], caches: [docker, stan, up, mine, own, node]}
    - step: {image: {name: node:20}, script: [make]}
    - step: {image: php:8, script: [make]}
  custom:
    other: [{step: {image: go:1, script: [make]}}]
";
    let file = file(text);
    let Planned::Plan(plan, diagnostics) =
        file.plan_within(&branch("main"), &BTreeMap::new(), &Capabilities::host())
    else {
        panic!("it runs")
    };
    let unmet: Vec<String> = plan
        .steps()
        .map(|step| {
            let unmet: Vec<String> = step.unmet.iter().map(ToString::to_string).collect();
            unmet.join(", ")
        })
        .collect();
    assert_eq!(
        unmet,
        [
            "the image php:8, the cache docker, the cache stan, the cache up",
            "the image node:20",
            "the image php:8"
        ]
    );
    let said = plan.qualification().expect("it is another result");
    assert!(
        said.starts_with("Runs without the image php:8 and the image node:20: "),
        "{said}"
    );
    let places = |problems: &[pipewright_spec::Diagnostic]| {
        problems
            .iter()
            .map(|problem| (problem.primary.line, problem.code.to_string()))
            .collect::<Vec<_>>()
    };
    let at = |line, code: &str| (line, code.to_owned());
    assert_eq!(
        places(&diagnostics),
        [
            at(2, "PW0202"),
            at(7, "PW0201"),
            at(7, "PW0201"),
            at(7, "PW0201"),
            at(8, "PW0202"),
            at(9, "PW0202")
        ]
    );
    // `validate` says it of every pipeline, and nothing where the executor has it all.
    let everywhere = file.not_done_by(&Capabilities::host());
    assert_eq!(places(&everywhere).last(), Some(&at(11, "PW0202")));
    assert!(everywhere.iter().all(|problem| !problem.is_fatal()));
    assert_eq!(file.not_done_by(&Capabilities::all()), []);
    let bare = plan_of(&file, &branch("main"));
    assert!(bare.qualification().is_none() && bare.steps().all(|step| step.unmet.is_empty()));
}
