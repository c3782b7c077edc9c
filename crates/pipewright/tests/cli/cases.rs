//! The small cases of pipeline files with the right behaviour, where they are at hand.

use std::path::PathBuf;

use serde_json::Value;

use crate::checkout::{Checkout, Ended};

/// A checkout with the files of a case; none where nobody said where the cases are.
fn case(name: &str) -> Option<Checkout> {
    let shared = PathBuf::from(std::env::var_os("PIPEWRIGHT_SHARED")?);
    let checkout = Checkout::new("");
    for entry in std::fs::read_dir(shared.join("fixtures/cases").join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .flatten()
    {
        let text = std::fs::read_to_string(entry.path()).expect("a text");
        checkout.write(&entry.file_name().to_string_lossy(), &text);
    }
    checkout.commit();
    Some(checkout)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

#[test]
fn a_certain_failure_has_no_success_code() {
    let Some(checkout) = case("f01-nothing-ever-runs") else {
        return;
    };
    let ended = checkout.pipewright(&["validate", "--json"]).expect(1);
    assert_eq!(json(&ended)["runs"], false);
    checkout.pipewright(&["plan"]).expect(1);
    checkout.pipewright(&["run"]).expect(2);
}

#[test]
fn an_empty_pipeline_never_runs_another_one() {
    let Some(checkout) = case("f02-null-pipeline") else {
        return;
    };
    let ended = checkout.pipewright(&["plan", "--branch", "b"]).expect(1);
    assert!(!ended.out.contains("1 def"), "{}", ended.out);
}

#[test]
fn a_run_that_ends_well_before_a_manual_step_waits() {
    let Some(checkout) = case("f07-json-outcome") else {
        return;
    };
    let ended = checkout.pipewright(&["run", "--json"]).expect(0);
    let answer = json(&ended);
    assert_eq!(
        (
            &answer["outcome"],
            &answer["exit_code"],
            &answer["waits_at"]
        ),
        (&"waiting".into(), &0.into(), &2.into())
    );
    let steps: Vec<_> = (0..2)
        .map(|step| &answer["steps"][step]["outcome"])
        .collect();
    assert_eq!(steps, ["passed", "waiting"]);
    let text = answer.to_string();
    assert!(!text.contains("stopped"), "the word of another end: {text}");
    let ended = checkout.pipewright(&["run"]).expect(0);
    assert!(
        ended.out.contains("Waiting, passed up to a manual step"),
        "{}",
        ended.out
    );
    let answer = json(&checkout.pipewright(&["run", "--json", "--yes"]).expect(0));
    assert_eq!(
        (&answer["outcome"], &answer["waits_at"]),
        (&"passed".into(), &Value::Null)
    );
}

#[test]
fn what_is_behind_a_manual_gate_refuses_nothing_before_it() {
    let Some(checkout) = case("s02-manual-pipe") else {
        return;
    };
    let ended = checkout.pipewright(&["run"]).expect(0).prints(&["built"]);
    assert!(
        ended
            .err
            .contains("warning[PW0200]: not supported yet: `pipe`"),
        "{}",
        ended.err
    );
    // Asked for, it is refused before anything runs.
    for arguments in [&["run", "--yes"][..], &["run", "--from", "2"]] {
        let ended = checkout.pipewright(arguments).expect(2);
        assert!(ended.out.is_empty(), "{}", ended.out);
    }
    let ended = checkout
        .pipewright(&["plan", "--executor", "host"])
        .expect(0);
    assert!(
        ended
            .out
            .contains("2 deploy [manual] [not supported here yet]"),
        "{}",
        ended.out
    );
}

#[test]
fn steps_for_other_systems_do_not_run_here() {
    let Some(checkout) = case("s03-windows") else {
        return;
    };
    let ended = checkout.pipewright(&["run"]).expect(2);
    assert!(
        ended.err.contains("`runs-on: windows`") && ended.out.is_empty(),
        "{}",
        ended.err
    );
    checkout
        .pipewright(&["plan", "--executor", "host"])
        .expect(1);
}

#[test]
fn what_is_not_used_is_said_by_the_plan() {
    for (name, code, said) in [
        (
            "s05-false-green",
            4,
            &["the image `markdownlint/markdownlint:0.13.0`"][..],
        ),
        (
            "r35-cache-docker",
            4,
            &["the image `php:8.0`", "the cache `docker`"][..],
        ),
        ("r14-absolute-cache", 0, &["the cache `stan`"][..]),
    ] {
        let Some(checkout) = case(name) else { return };
        let ended = checkout
            .pipewright(&["plan", "--executor", "host"])
            .expect(code);
        let validated = checkout.pipewright(&["validate"]).expect(0);
        for said in said {
            let warning = format!(": {said} is not used; ");
            assert!(ended.err.contains(&warning), "{name}: {}", ended.err);
            assert!(
                validated.out.contains(&warning),
                "{name}: {}",
                validated.out
            );
        }
    }
}

#[test]
fn a_pull_request_runs_what_would_be_merged() {
    let Some(checkout) = case("r29-pr-merge") else {
        return;
    };
    checkout.git(&["checkout", "-q", "-b", "feature"]);
    checkout.write("src", "mine");
    checkout.commit();
    checkout.git(&["checkout", "-q", "main"]);
    checkout.write("dst", "theirs");
    checkout.commit();
    checkout.git(&["checkout", "-q", "feature"]);
    let before = checkout.state();
    let asked = ["run", "--json", "--pull-request", "feature:main"];
    let ended = checkout.pipewright(&asked).expect(0);
    let answer = json(&ended);
    let commit = |name: &str| Value::from(checkout.git(&["rev-parse", name]));
    assert_eq!(
        (&answer["commit"], &answer["merged"]),
        (&commit("HEAD"), &commit("main")),
        "{}",
        ended.err
    );
    assert_eq!(checkout.state(), before, "the repository is as it was");
    // What cannot be merged is the author's matter, and says which file.
    checkout.git(&["checkout", "-q", "main"]);
    checkout.write("src", "another");
    checkout.commit();
    checkout.git(&["checkout", "-q", "feature"]);
    let ended = checkout.pipewright(&asked).expect(1);
    let answer = json(&ended);
    assert_eq!(answer["outcome"], "failed");
    let message = answer["steps"][0]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("The pull request cannot be merged: main at ")
            && message.contains(" conflicts with it in src; merge main into the branch"),
        "{message}"
    );
}

#[test]
fn a_run_that_begins_in_the_middle_says_what_it_lacks() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step: {name: Build, script: [make], artifacts: [\"dist/**\"]}\n    - step: {name: Ship, script: [echo shipped]}\n    - step: {name: Tell, artifacts: {download: false}, script: [echo told]}\n",
    );
    let ended = checkout.pipewright(&["run", "--from", "2"]).expect(0);
    assert!(
        ended.err.contains("Steps before 2 are not run, so the artifacts and variables that later steps take from Build are not there"),
        "{}",
        ended.err
    );
    let ended = checkout.pipewright(&["run", "--step", "3"]).expect(0);
    assert!(!ended.err.contains("are not there"), "{}", ended.err);
}
