//! `pipewright plan`.

use serde_json::Value;

use crate::checkout::Checkout;

const PIPELINE: &str = r#"image: node:22
pipelines:
  default:
    - step:
        name: Build
        max-time: 30
        script: [make]
    - parallel:
        fail-fast: true
        steps:
          - step: {name: Unit tests, script: [make test], on-fail: {strategy: retry, maxRetryCount: 2}}
          - step: {name: Lint, image: alpine:3, script: [make lint], condition: {changesets: {includePaths: ["src/**"]}}}
    - stage:
        name: Staging
        deployment: staging
        trigger: manual
        steps:
          - step: {name: Ship, script: [make ship], after-script: [make notes]}
    - final: {name: Tidy up, script: [make clean]}
  branches:
    release/*:
      - step: {script: [make release]}
    release/1.*:
      - step: {script: [make old]}
  tags:
    v*:
      - step: {script: [make tag]}
  custom:
    nightly:
      - variables:
          - {name: LEVEL, default: quick, allowed-values: [quick, thorough]}
      - step: {name: Long tests, script: [make all]}
"#;

#[test]
fn the_branch_checked_out_is_drawn_as_a_tree() {
    let checkout = Checkout::new(PIPELINE);
    let expected = "\
default (bitbucket-pipelines.yml, line 3)
because none of the 2 patterns under `branches` matches the branch `main` (`release/*`, `release/1.*`), so `default` runs.

├─ 1 Build · image node:22 · at most 30 min
├─ parallel, the first failure stops the others
│  ├─ 2 Unit tests · image node:22 · tried up to 2 times more after a failure
│  └─ 3 Lint · if changed: src/** · image alpine:3 · is skipped, because condition.changesets: the one changed file does not match src/**
├─ stage Staging [manual] · deploys to staging
│  └─ 4 Ship · image node:22 · environment staging · after-script
└─ final, runs whatever happened before
   └─ 5 Tidy up · image node:22

Does not run:
  branches: release/*    line 21    does not match
  branches: release/1.*  line 23    does not match
  tags: v*               line 26    runs for tags only
  custom: nightly        line 29    runs by its name only
";
    let ended = checkout.pipewright(&["plan"]).expect(0);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), (expected, ""));
    // From a directory below the top as well.
    std::fs::create_dir(checkout.path().join("sub")).expect("a directory");
    let output = checkout
        .command(&["plan"])
        .current_dir(checkout.path().join("sub"))
        .output()
        .expect("it runs");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("├─ 1 Build"),
        "{output:?}"
    );
}

#[test]
fn each_trigger_says_why_its_pipeline_runs() {
    let checkout = Checkout::new(PIPELINE);
    let first_lines = |arguments: &[&str]| {
        let out = checkout
            .pipewright(&[&["plan"], arguments].concat())
            .expect(0)
            .out;
        out.lines().take(2).collect::<Vec<_>>().join("\n")
    };
    let said = first_lines(&["--branch", "release/1.2"]);
    assert!(
        said.starts_with("branches: release/1.* ")
            && said.contains("is more specific than `release/*`"),
        "{said}"
    );
    let said = first_lines(&["--tag", "v1"]);
    assert!(
        said.starts_with("tags: v* ") && said.contains("matches the tag `v1`"),
        "{said}"
    );
    let said = first_lines(&["--custom", "nightly"]);
    assert!(
        said.starts_with("custom: nightly ") && said.contains("was asked for"),
        "{said}"
    );
    let out = checkout
        .pipewright(&["plan", "--branch", "release/1.2"])
        .expect(0)
        .out;
    assert!(
        out.contains("branches: release/*  line 21    matches, but less exactly"),
        "{out}"
    );
    let out = checkout
        .pipewright(&["plan", "--custom", "nightly", "--var", "LEVEL=thorough"])
        .expect(0)
        .out;
    assert!(out.contains("\nLEVEL=thorough\n"), "{out}");
}

#[test]
fn nothing_to_run_is_said_with_its_own_code() {
    let ended = Checkout::new(PIPELINE)
        .pipewright(&["plan", "--pull-request", "feature/x:develop"])
        .expect(3);
    assert!(
        ended
            .out
            .starts_with("Nothing would run: the file has no `pull-requests` section for "),
        "{}",
        ended.out
    );
}

#[test]
fn what_the_host_executor_cannot_do_is_named_with_its_line() {
    let text = PIPELINE.replace("{name: Ship, ", "{name: Ship, auth: {}, ");
    // Behind a person's yes it keeps nothing from running; without that gate the whole pipeline.
    let checkout = Checkout::new(&text);
    let ended = checkout
        .pipewright(&["plan", "--executor", "host"])
        .expect(4);
    assert!(
        ended.out.contains("4 Ship [not supported here yet]"),
        "{}",
        ended.out
    );
    Checkout::new(&text.replace("        trigger: manual\n", ""))
        .pipewright(&["plan", "--executor", "host"])
        .expect(1);
    assert!(
        ended.out.contains("├─ 1 Build"),
        "the tree is drawn all the same: {}",
        ended.out
    );
    assert!(
        ended.err.contains("not supported yet: `auth`")
            && ended.err.contains("bitbucket-pipelines.yml:18:32"),
        "{}",
        ended.err
    );
    let ended = checkout
        .pipewright(&["plan", "--executor", "host", "--custom", "nightly"])
        .expect(4);
    assert!(
        ended.out.contains("Long tests · image node:22 (not used)")
            && ended
                .err
                .contains("warning[PW0202]: the image `node:22` is not used")
            && ended.err.contains("Runs without the image node:22: "),
        "{}\n{}",
        ended.out,
        ended.err
    );
}

#[test]
fn a_reader_that_goes_away_early_changes_nothing() {
    let many = vec!["{name: A, script: [make]}"; 100];
    let steps: String = many
        .iter()
        .map(|step| format!("    - step: {step}\n"))
        .collect();
    let file = format!("pipelines:\n  default:\n{steps}  custom:\n    x: []\n");
    for (command, code) in [(&["plan"][..], 1), (&["validate"], 1), (&["config"], 0)] {
        let checkout = Checkout::new(&file);
        let mut child = checkout.start(command);
        drop(child.stdout.take());
        drop(child.stderr.take());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code), "{command:?}");
    }
}

#[test]
fn json_holds_the_plan_and_the_reasons() {
    let checkout = Checkout::new(PIPELINE);
    let ended = checkout
        .pipewright(&["plan", "--json", "--custom", "nightly"])
        .expect(0);
    let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(
        (&answer["runs"], &answer["pipeline"], &answer["line"]),
        (&Value::Bool(true), &"custom: nightly".into(), &29.into())
    );
    assert_eq!(answer["trigger"]["kind"], "custom");
    assert_eq!(
        answer["plan"]["groups"][0]["steps"][0]["name"],
        "Long tests"
    );
    assert_eq!(answer["plan"]["variables"][0][1], "quick");
    assert_eq!(answer["others"].as_array().map(Vec::len), Some(4));
    let ended = checkout
        .pipewright(&["plan", "--json", "--tag", "x"])
        .expect(3);
    let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert!(
        answer["runs"] == false && answer["nothing"].is_string() && answer.get("plan").is_none(),
        "{answer}"
    );
}

#[test]
fn a_file_that_cannot_run_shows_its_problems() {
    let checkout = Checkout::new("pipelines:\n  default:\n    - step: {name: x}\n");
    let ended = checkout.pipewright(&["plan"]).expect(1);
    assert!(
        ended
            .err
            .contains("error[PW0102]: the step has no `script`"),
        "{}",
        ended.err
    );
    let ended = Checkout::new(PIPELINE)
        .pipewright(&["plan", "--custom", "nightly", "--var", "LEVEL=x"])
        .expect(1);
    assert!(
        ended.err.contains("use one of `quick`, `thorough`"),
        "{}",
        ended.err
    );
}

#[test]
fn a_wrong_command_line_is_refused() {
    let checkout = Checkout::new(PIPELINE);
    for (arguments, says) in [
        (&["--branch", "a", "--tag", "b"][..], "cannot be used with"),
        (&["--branch", "a b"], "is not a branch or tag name"),
        (&["--var", "A=b"], "--custom NAME"),
        (&["none.yml"], "cannot be read"),
    ] {
        let ended = checkout
            .pipewright(&[&["plan"], arguments].concat())
            .expect(2);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
    checkout.git(&["checkout", "-q", "--detach"]);
    let ended = checkout.pipewright(&["plan"]).expect(2);
    assert!(ended.err.contains("--branch NAME"), "{}", ended.err);
    let ended = Checkout::empty().pipewright(&["plan"]).expect(2);
    assert!(
        ended
            .err
            .contains("there is no bitbucket-pipelines.yml here"),
        "{}",
        ended.err
    );
}

#[test]
fn names_from_the_file_cannot_steer_the_terminal() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step: {name: \"a\\e[31mb\", script: [make]}\n",
    );
    let ended = checkout.pipewright(&["plan"]).expect(0);
    assert!(
        ended.out.contains("└─ 1 a\\u{1b}[31mb") && !ended.out.contains('\u{1b}'),
        "{:?}",
        ended.out
    );
}

#[test]
fn each_condition_says_what_it_comes_to() {
    let checkout = Checkout::new(
        r#"
pipelines:
  default:
    - step: {name: Code, script: [make], condition: {changesets: {includePaths: ["src/**"]}}}
    - step: {name: Count, script: [make], output-variables: [COUNT]}
    - step: {name: Many, script: [make], condition: {state: "COUNT > 3"}}
    - stage:
        name: Ship
        condition: {state: 'BITBUCKET_BRANCH == "main" && WISH == ""'}
        steps:
          - step: {name: Ship it, script: [make]}
"#,
    );
    checkout.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    checkout.write("src/a.rs", "a");
    checkout.commit();
    checkout.write("b", "b");
    checkout.commit();
    let ended = checkout.pipewright(&["plan"]).expect(0);
    for line in [
        "├─ 1 Code · if changed: src/** · runs, because condition.changesets: src/a.rs matches src/**",
        "├─ 3 Many · if COUNT > 3 · decided when it begins: condition.state needs COUNT, which a step before it hands on",
    ] {
        assert!(
            ended.out.lines().any(|printed| printed == line),
            "{line}: {}",
            ended.out
        );
    }
    assert!(
        ended
            .out
            .contains("runs, because condition.state: `BITBUCKET_BRANCH == ")
            && ended.out.contains("; WISH has no value here"),
        "{}",
        ended.out
    );
    let answer: Value =
        serde_json::from_str(&checkout.pipewright(&["plan", "--json"]).expect(0).out)
            .expect("JSON");
    assert_eq!(
        (
            &answer["conditions"][0]["runs"],
            &answer["conditions"][1]["runs"]
        ),
        (&Value::Bool(true), &Value::Null)
    );
    // Outside of a checkout nothing is known of changes.
    let outside = Checkout::empty();
    outside.write(
        "bitbucket-pipelines.yml",
        &std::fs::read_to_string(checkout.path().join("bitbucket-pipelines.yml")).expect("a file"),
    );
    let ended = outside.pipewright(&["plan", "--branch", "main"]).expect(0);
    assert!(
        ended.out.contains(
            "decided when it begins: condition.changesets: which files changed is not known here"
        ),
        "{}",
        ended.out
    );
}
