//! `pipewright validate`.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::checkout::{Checkout, Ended};

const GOOD: &str = "pipelines:\n  default:\n    - step: {script: [make]}\n";
const BAD: &str =
    "pipelines:\n  default:\n    - step: {script: [make], nmae: x}\n    - step: {scrip: [make]}\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn problems_are_shown_with_their_lines() {
    let checkout = Checkout::empty();
    checkout.write("bitbucket-pipelines.yml", BAD);
    let ended = checkout.pipewright(&["validate"]).expect(1);
    let expected = "\
warning[PW0101]: `nmae` is not a property of a step; it is ignored
 --> bitbucket-pipelines.yml:3:30
  |
3 |     - step: {script: [make], nmae: x}
  |                              ^^^^
  |
  = help: did you mean `name`?

error[PW0102]: the step has no `script`
 --> bitbucket-pipelines.yml:4:7
  |
4 |     - step: {scrip: [make]}
  |       ^^^^
  |
  = help: write `script:` with a list of commands below `step:`

warning[PW0101]: `scrip` is not a property of a step; it is ignored
 --> bitbucket-pipelines.yml:4:14
  |
4 |     - step: {scrip: [make]}
  |              ^^^^^
  |
  = help: did you mean `script`?

bitbucket-pipelines.yml: 1 error, 2 warnings
";
    assert_eq!((ended.out.as_str(), ended.err.as_str()), (expected, ""));
}

#[test]
fn the_exit_code_is_the_worst() {
    let checkout = Checkout::empty();
    checkout.write("good.yml", GOOD);
    checkout.write("warned.yml", &GOOD.replace("script", "nmae: x, script"));
    checkout.write("bad.yml", BAD);
    let code = |files: &[&str]| checkout.pipewright(&[&["validate"], files].concat()).code;
    assert_eq!(code(&["good.yml"]), Some(0));
    assert_eq!(code(&["warned.yml", "good.yml"]), Some(0));
    assert_eq!(code(&["bad.yml", "good.yml"]), Some(1));
    assert_eq!(code(&["none.yml", "bad.yml"]), Some(2));
    assert_eq!(
        code(&[]),
        Some(2),
        "there is no bitbucket-pipelines.yml here"
    );
    assert_eq!(code(&["--format", "html"]), Some(2), "a wrong command line");
    let ended = checkout
        .pipewright(&["validate", "none.yml", "good.yml"])
        .expect(2);
    assert_eq!(ended.out, "good.yml: no problems\n");
    assert!(
        ended.err.starts_with("none.yml: cannot be read: "),
        "{}",
        ended.err
    );
}

#[test]
fn what_the_executor_does_not_do_is_said_with_its_line() {
    let checkout = Checkout::empty();
    checkout.write(
        "bitbucket-pipelines.yml",
        "image: php:8\npipelines:\n  default:\n    - step: {script: [make], services: [docker]}\n",
    );
    let ended = checkout.pipewright(&["validate"]).expect(0);
    for said in [
        "warning[PW0202]: the image `php:8` is not used",
        "warning[PW0200]: not supported yet: `services.docker`",
        "bitbucket-pipelines.yml: 2 warnings\n",
    ] {
        assert!(ended.out.contains(said), "{said}: {}", ended.out);
    }
    let ended = checkout
        .pipewright(&["validate", "--executor", "none"])
        .expect(0);
    assert_eq!(ended.out, "bitbucket-pipelines.yml: no problems\n");
}

#[test]
fn help_tells_the_exit_codes() {
    for command in ["validate", "plan", "run"] {
        let ended = Checkout::empty().pipewright(&[command, "--help"]).expect(0);
        assert!(ended.out.contains("Exit codes:\n  0  "), "{}", ended.out);
    }
}

#[test]
fn a_directory_stands_for_its_pipeline_files() {
    let checkout = Checkout::empty();
    for file in [
        "a/bitbucket-pipelines.yml",
        "b/c/bitbucket-pipelines.yml",
        "a/other.yml",
    ] {
        checkout.write(file, GOOD);
    }
    let ended = checkout.pipewright(&["validate", "."]).expect(0);
    assert_eq!(
        ended.out,
        "a/bitbucket-pipelines.yml: no problems\nb/c/bitbucket-pipelines.yml: no problems\n"
    );
    let ended = checkout.pipewright(&["validate", "b", "a"]).expect(0);
    assert_eq!(
        ended.out,
        "b/c/bitbucket-pipelines.yml: no problems\na/bitbucket-pipelines.yml: no problems\n"
    );
}

#[test]
fn a_dash_is_standard_input() {
    let checkout = Checkout::empty();
    let mut child = checkout
        .command(&["validate", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(GOOD.as_bytes())
        .expect("it is read");
    let ended = Ended::from(child.wait_with_output().expect("it ends")).expect(0);
    assert_eq!(ended.out, "stdin: no problems\n");
}

#[test]
fn json_is_one_object_a_file() {
    let checkout = Checkout::empty();
    checkout.write("good.yml", GOOD);
    checkout.write("bad.yml", BAD);
    for flags in [&["--json"][..], &["--format", "json"]] {
        let ended = checkout
            .pipewright(&[&["validate", "good.yml", "bad.yml", "none.yml"], flags].concat())
            .expect(2);
        let objects: Vec<Value> = ended.out.lines().map(json).collect();
        assert_eq!(
            objects[0],
            json(r#"{"file":"good.yml","runs":true,"diagnostics":[]}"#)
        );
        assert_eq!(
            (&objects[1]["runs"], &objects[1]["diagnostics"][1]["code"]),
            (&Value::Bool(false), &Value::from("PW0102"))
        );
        assert!(
            objects[2]["error"]
                .as_str()
                .is_some_and(|error| error.contains("cannot be read")),
            "{}",
            objects[2]
        );
    }
}

#[test]
fn sarif_has_the_shape_that_readers_expect() {
    let checkout = Checkout::empty();
    checkout.write("a b/bitbucket-pipelines.yml", BAD);
    checkout.write("good.yml", GOOD);
    let log = json(
        &checkout
            .pipewright(&["validate", "--format", "sarif", "a b", "good.yml"])
            .expect(1)
            .out,
    );
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .is_some_and(|schema| schema.ends_with("sarif-2.1.0.json")),
        "{log}"
    );
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    assert_eq!(
        (&run["tool"]["driver"]["name"], &run["columnKind"]),
        (
            &Value::from("pipewright"),
            &Value::from("unicodeCodePoints")
        )
    );
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(
        rules
            .iter()
            .map(|rule| rule["id"].as_str())
            .collect::<Vec<_>>(),
        [Some("PW0101"), Some("PW0102")]
    );
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    for result in results {
        let rule = &rules
            [usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            matches!(result["level"].as_str(), Some("error" | "warning")),
            "{result}"
        );
        assert!(result["message"]["text"].is_string(), "{result}");
    }
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "a%20b/bitbucket-pipelines.yml"
    );
    assert_eq!(
        place["region"],
        json(r#"{"startLine":3,"startColumn":30,"endLine":3,"endColumn":34}"#)
    );

    let log = json(
        &checkout
            .pipewright(&["validate", "--format", "sarif", "none.yml"])
            .expect(2)
            .out,
    );
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    assert_eq!(log["runs"][0]["results"], json("[]"));
}
