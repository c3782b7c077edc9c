//! Pipelines of other files in `validate`, `plan` and `run`, and labels of runners that are elsewhere.

use serde_json::Value;

use crate::checkout::Checkout;

const IMPORTING: &str = "
definitions: {imports: {own: ci/pipelines.yml}}
pipelines:
  default: {import: build@own}
  branches:
    tools: {import: 'tools:main:build'}
    wrong: {import: biuld@own}
";

const SHARED: &str = "export: true
definitions:
  pipelines:
    build:
      - step: {name: Shared, nmae: x, script: [cat mine, echo of $BITBUCKET_BRANCH]}
";

fn checkout() -> Checkout {
    let checkout = Checkout::new(&IMPORTING.replace("    wrong: {import: biuld@own}\n", ""));
    checkout.write("ci/pipelines.yml", SHARED);
    checkout.write("mine", "mine");
    checkout.commit();
    checkout
}

#[test]
fn a_file_of_this_repository_is_read_as_the_run_takes_its_files() {
    let checkout = checkout();
    checkout.write(
        "ci/pipelines.yml",
        &SHARED.replace("of $BITBUCKET_BRANCH", "changed"),
    );
    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["mine", "of main"]);
    assert!(
        ended.err.contains("--> ci/pipelines.yml:5:30"),
        "{}",
        ended.err
    );
    checkout
        .pipewright(&["run", "--dirty"])
        .expect(0)
        .prints(&["mine", "changed"]);
    let ended = checkout.pipewright(&["plan"]).expect(0);
    assert!(
        ended.out.contains("It is build of ci/pipelines.yml.") && ended.out.contains("1 Shared"),
        "{}",
        ended.out
    );
}

#[test]
fn another_repository_is_read_only_where_a_checkout_of_it_is_named() {
    let checkout = checkout();
    for command in ["run", "plan"] {
        let code = if command == "run" { 2 } else { 1 };
        let ended = checkout
            .pipewright(&[command, "--branch", "tools"])
            .expect(code);
        assert!(
            ended.err.contains("--import tools:main=DIRECTORY"),
            "{}",
            ended.err
        );
    }
    let tools = Checkout::new(&SHARED.replace("Shared, nmae: x", "Theirs"));
    let import = format!("tools:main={}", tools.path().display());
    let ended = checkout
        .pipewright(&["run", "--branch", "tools", "--import", &import])
        .expect(0)
        .prints(&["mine", "of tools"]);
    assert_eq!(
        (ended.outcome("Theirs"), ended.err.as_str()),
        ("passed", "")
    );
    checkout
        .pipewright(&["plan", "--branch", "tools", "--import", &import])
        .expect(0);
    let ended = checkout.pipewright(&["run", "--import", "tools"]).expect(2);
    assert!(
        ended.err.contains("write REPOSITORY:REF=DIRECTORY"),
        "{}",
        ended.err
    );
}

#[test]
fn validate_looks_into_the_files_that_are_imported() {
    let checkout = checkout();
    let ended = checkout.pipewright(&["validate"]).expect(0);
    assert!(
        ended.out.contains("--> ci/pipelines.yml:5:30") && ended.out.contains("1 warning"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .err
            .contains("build of tools:main is in another repository and not checked"),
        "{}",
        ended.err
    );
    checkout.write("bitbucket-pipelines.yml", IMPORTING);
    let ended = checkout
        .pipewright(&["validate", "--format", "sarif"])
        .expect(1);
    let log: Value = serde_json::from_str(&ended.out).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let places: Vec<_> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"]
                .as_str()
                .expect("a file")
                .to_owned();
            (
                result["ruleId"].as_str().expect("a rule").to_owned(),
                uri,
                place["region"]["startLine"].as_u64().expect("a line"),
            )
        })
        .collect();
    let expected = [
        ("PW0101", "ci/pipelines.yml", 5),
        ("PW0134", "bitbucket-pipelines.yml", 7),
    ];
    assert_eq!(
        places,
        expected.map(|(rule, uri, line)| (rule.to_owned(), uri.to_owned(), line))
    );
    let ended = checkout.pipewright(&["validate", "--json"]).expect(1);
    assert!(
        ended
            .out
            .contains(r#""file":"ci/pipelines.yml","primary":{"line":5"#),
        "{}",
        ended.out
    );
}

#[test]
fn this_machine_takes_the_place_of_every_runner() {
    let checkout = Checkout::new(
        "pipelines: {default: [{step: {runs-on: [self.hosted, gpu, big], script: [echo calculated]}}]}\n",
    );
    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["calculated"]);
    assert_eq!(
        ended.err,
        "This machine takes the place of a runner with the labels big, gpu\n"
    );
    let ended = checkout
        .pipewright(&["plan", "--executor", "host"])
        .expect(1);
    assert!(
        ended.err.contains("no runner has the label `gpu`") && ended.err.contains("runner.labels"),
        "{}",
        ended.err
    );
}

#[test]
fn validate_finds_the_file_of_the_checkout_from_below() {
    let checkout = checkout();
    checkout.write("deep/er/file", "");
    let from_below = |arguments: &[&str]| {
        checkout
            .command(arguments)
            .current_dir(checkout.path().join("deep/er"))
            .output()
            .expect("it runs")
    };
    let output = from_below(&["validate"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 warning"));
    assert_eq!(from_below(&["plan"]).status.code(), Some(0));
    let output = Checkout::empty().pipewright(&["validate"]).expect(2);
    assert!(
        output.err.contains("no bitbucket-pipelines.yml"),
        "{}",
        output.err
    );
}
