//! `pipewright run`: what runs, with what, and what it says.

use serde_json::Value;

use crate::checkout::Checkout;

/// A `default` pipeline of these steps, each a flow mapping.
fn steps(steps: &[&str]) -> String {
    let mut text = "pipelines:\n  default:\n".to_owned();
    for step in steps {
        text.extend(["    - step: ", step, "\n"]);
    }
    text
}

#[test]
fn steps_run_in_order_and_a_table_closes() {
    let checkout = Checkout::new(&steps(&[
        "{name: One, script: [echo first, echo second]}",
        "{name: Two, script: [echo third]}",
    ]));
    let ended = checkout.pipewright(&["run"]).expect(0);
    let ended = ended.prints(&[
        "── 1/2 One · running",
        "+ echo first",
        "first",
        "second",
        "── 2/2 Two · running",
        "third",
    ]);
    assert_eq!(
        (ended.outcome("One"), ended.outcome("Two")),
        ("passed", "passed")
    );
    assert!(
        ended
            .out
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("Passed · default · ")),
        "{}",
        ended.out
    );
    assert!(
        !ended.out.contains('\u{1b}') && !ended.out.contains('\u{1d}'),
        "plain text: {:?}",
        ended.out
    );
    assert_eq!(ended.err, "");
    checkout.assert_tidy();
}

#[test]
fn a_failing_step_ends_the_build_and_its_after_script_sees_the_code() {
    let failing = "{name: Test, script: [exit 3, echo not this], after-script: [\"echo code=$BITBUCKET_EXIT_CODE\"]}";
    let checkout = Checkout::new(&steps(&[failing, "{name: Deploy, script: [echo never]}"]));
    let ended = checkout.pipewright(&["run"]).expect(1).prints(&["code=3"]);
    assert_eq!(
        (ended.outcome("Test"), ended.outcome("Deploy")),
        ("failed with exit code 3", "not run")
    );
    assert!(
        !ended.out.contains("never") && !ended.out.contains("\nnot this\n"),
        "{}",
        ended.out
    );
    checkout.assert_tidy();
}

#[test]
fn failures_are_tried_again_or_ignored_as_the_file_says() {
    let flaky = "{name: Flaky, on-fail: {strategy: retry, maxRetryCount: 2}, script: [\"test $BITBUCKET_STEP_RUN_NUMBER = 3\"]}";
    let checkout = Checkout::new(&steps(&[
        flaky,
        "{name: Ignored, on-fail: {strategy: ignore}, script: [exit 4]}",
        "{name: Last, script: [echo last]}",
    ]));
    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["── 1/3 Flaky · running again, attempt 3", "last"]);
    assert_eq!(
        (ended.outcome("Flaky"), ended.outcome("Ignored")),
        ("passed", "failed with exit code 4, which is ignored")
    );
}

#[test]
fn parallel_steps_run_together_with_their_names_in_front() {
    // Each waits for the other's file: they end only if both run at the same time.
    let text = "
pipelines:
  default:
    - parallel:
        - step: {name: Left, script: [\"touch $MEET/left; until [ -e $MEET/right ]; do sleep 0.02; done; echo met\"]}
        - step: {name: Right, script: [\"touch $MEET/right; until [ -e $MEET/left ]; do sleep 0.02; done; echo $BITBUCKET_PARALLEL_STEP of $BITBUCKET_PARALLEL_STEP_COUNT\"]}
";
    let checkout = Checkout::new(text);
    let meeting = tempfile::tempdir().expect("a directory");
    checkout.write(".env", &format!("MEET={}\n", meeting.path().display()));
    let ended = checkout
        .pipewright(&["run", "--host", "--jobs", "2"])
        .expect(0);
    for line in ["Left | met", "Right | 1 of 2"] {
        assert!(
            ended.out.lines().any(|printed| printed == line),
            "{line}: {}",
            ended.out
        );
    }
}

#[test]
fn jobs_bounds_how_many_run_together() {
    let alone = "script: [\"mkdir $LOCK; sleep 0.1; rmdir $LOCK\"]";
    let text = format!(
        "pipelines:\n  default:\n    - parallel:\n        - step: {{name: A, {alone}}}\n        - step: {{name: B, {alone}}}\n        - step: {{name: C, {alone}}}\n"
    );
    let checkout = Checkout::new(&text);
    let lock = tempfile::tempdir().expect("a directory");
    checkout.write(".env", &format!("LOCK={}/lock\n", lock.path().display()));
    let ended = checkout
        .pipewright(&["run", "--host", "--jobs", "1"])
        .expect(0);
    assert!(
        !ended.out.contains(" | "),
        "one at a time needs no names: {}",
        ended.out
    );
    assert_eq!(checkout.pipewright(&["run", "--jobs", "0"]).code, Some(2));
}

#[test]
fn fail_fast_stops_the_others() {
    let text = "
pipelines:
  default:
    - parallel:
        fail-fast: true
        steps:
          - step: {name: Fails, script: [\"until [ -e $FLAG ]; do sleep 0.02; done; exit 1\"]}
          - step: {name: Sleeps, script: [\"touch $FLAG; sleep 600\"]}
    - step: {name: After, script: [\"true\"]}
";
    let checkout = Checkout::new(text);
    let flag = tempfile::tempdir().expect("a directory");
    checkout.write(".env", &format!("FLAG={}/flag\n", flag.path().display()));
    let ended = checkout
        .pipewright(&["run", "--host", "--jobs", "2"])
        .expect(1);
    assert_eq!(
        (
            ended.outcome("Fails"),
            ended.outcome("Sleeps"),
            ended.outcome("After")
        ),
        ("failed with exit code 1", "stopped", "not run")
    );
}

#[test]
fn a_manual_step_waits_unless_the_person_said_yes() {
    let text = "
pipelines:
  default:
    - step: {name: Build, script: [echo built]}
    - step: {name: Ship, trigger: manual, script: [echo shipped]}
    - final: {name: Tidy, script: [echo tidied]}
";
    let checkout = Checkout::new(text);
    let ended = checkout.pipewright(&["run"]).expect(0);
    let ended = ended.prints(&[
        "built",
        "── 2/3 Ship · is manual and waits; run it with --yes or --from 2",
        "tidied",
    ]);
    assert_eq!(
        (ended.outcome("Ship"), ended.outcome("Tidy")),
        ("waiting for a person", "passed")
    );
    assert!(
        ended.out.contains("Waiting, passed up to a manual step · ")
            && !ended.out.contains("shipped"),
        "{}",
        ended.out
    );
    checkout
        .pipewright(&["run", "--yes"])
        .expect(0)
        .prints(&["built", "shipped", "tidied"]);
    let ended = checkout
        .pipewright(&["run", "--from", "2"])
        .expect(0)
        .prints(&["shipped", "tidied"]);
    assert!(!ended.out.contains("built"), "{}", ended.out);
    let ended = checkout
        .pipewright(&["run", "--step", "Ship"])
        .expect(0)
        .prints(&["── 2/3 Ship · running", "shipped"]);
    assert!(!ended.out.contains("tidied"), "{}", ended.out);
}

const CUSTOM: &str = "
pipelines:
  branches:
    feature/*:
      - step: {name: Feature, script: [\"echo on $BITBUCKET_BRANCH\", git rev-parse --abbrev-ref HEAD]}
  custom:
    release:
      - variables:
          - {name: LEVEL, default: minor, allowed-values: [minor, major]}
          - {name: NOTE}
      - step: {name: Release, script: [\"echo level=$LEVEL note=$NOTE extra=$EXTRA\"]}
";

#[test]
fn a_word_is_a_custom_pipeline_or_a_branch() {
    let checkout = Checkout::new(CUSTOM);
    checkout.git(&["branch", "feature/x"]);
    checkout
        .pipewright(&["run", "release"])
        .expect(0)
        .prints(&["level=minor note= extra="]);
    let given = [
        "--var",
        "LEVEL=major",
        "--var",
        "NOTE=a b $(c)",
        "--var",
        "EXTRA=e",
    ];
    checkout
        .pipewright(&[&["run", "release"], &given[..]].concat())
        .expect(0)
        .prints(&["level=major note=a b $(c) extra=e"]);
    checkout
        .pipewright(&[&["run", "--custom", "release"], &given[..]].concat())
        .expect(0)
        .prints(&["level=major note=a b $(c) extra=e"]);
    checkout
        .pipewright(&["run", "feature/x"])
        .expect(0)
        .prints(&["on feature/x", "feature/x"]);
    checkout
        .pipewright(&["run", "--branch", "feature/new"])
        .expect(0)
        .prints(&["on feature/new", "feature/new"]);
    let refused = |arguments: &[&str]| {
        checkout
            .pipewright(&[&["run"], arguments].concat())
            .expect(2)
            .err
    };
    assert!(refused(&["relese"]).contains("did you mean release?"));
    assert!(refused(&["feature/new"]).contains("--branch feature/new"));
    assert!(refused(&["release", "--var", "LEVEL=huge"]).contains("use one of `minor`, `major`"));
    assert!(
        refused(&[]).contains("nothing runs: "),
        "main has no pipeline"
    );
    checkout.assert_tidy();
}

#[test]
fn variables_come_from_the_file_and_secrets_are_masked() {
    let script = "[\"echo $GREETING\", \"echo token=$API_TOKEN\", 'printf %s \"$API_TOKEN\" | base64', \"echo shell=$FROM_SHELL none=$NOT_NAMED\", \"echo note=$NOTE\"]";
    let checkout = Checkout::new(&steps(&[&format!("{{name: Say, script: {script}}}")]));
    checkout.write(
        ".env",
        "GREETING=hello\nAPI_TOKEN=\"s3cr3t-t0k3n-value\"\nFROM_SHELL\nNOTE=whisper # secured\n",
    );
    let output = checkout
        .command(&["run"])
        .envs([("FROM_SHELL", "inherited"), ("NOT_NAMED", "leaked")])
        .output()
        .expect("it runs");
    let ended = crate::checkout::Ended::from(output).expect(0);
    let ended = ended.prints(&[
        "hello",
        "token=$API_TOKEN",
        "$API_TOKEN",
        "shell=inherited none=",
        "note=$NOTE",
    ]);
    assert!(
        !ended.out.contains("s3cr3t")
            && !ended.err.contains("s3cr3t")
            && !ended.out.contains("whisper"),
        "{}{}",
        ended.out,
        ended.err
    );
    assert!(
        ended
            .err
            .contains(".env: 4 variables, masked: API_TOKEN, NOTE\n"),
        "{}",
        ended.err
    );
    assert!(
        !ended.err.contains("not committed"),
        "the env file is no change: {}",
        ended.err
    );

    checkout.write("other.env", "GREETING=bye\n");
    checkout
        .pipewright(&["run", "--env-file", "other.env"])
        .expect(0)
        .prints(&["bye", "token="]);
    checkout.write(".env", "1x=2\n");
    let ended = checkout.pipewright(&["run"]).expect(2);
    assert!(
        ended.err.contains("line 1: ") && ended.err.contains("--env-file /dev/null"),
        "{}",
        ended.err
    );
    checkout
        .pipewright(&["run", "--env-file", "/dev/null"])
        .expect(0)
        .prints(&["token="]);
}

#[test]
fn default_variables_fit_the_checkout() {
    let checkout = Checkout::new(&steps(&[
        "{name: Env, script: [\"env | grep -E '^(CI|BITBUCKET_.*)=' | sort\", git remote get-url origin || true]}",
    ]));
    checkout.git(&[
        "remote",
        "add",
        "origin",
        "https://mia:pass@bitbucket.org/acme/shop.git",
    ]);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    let commit = format!("BITBUCKET_COMMIT={head}");
    let ended = checkout.pipewright(&["run"]).expect(0).prints(&[
        "BITBUCKET_BRANCH=main",
        "BITBUCKET_BUILD_NUMBER=0",
        commit.as_str(),
        "BITBUCKET_GIT_HTTP_ORIGIN=http://bitbucket.org/acme/shop",
        "BITBUCKET_GIT_SSH_ORIGIN=git@bitbucket.org:acme/shop.git",
        "BITBUCKET_REPO_FULL_NAME=acme/shop",
        "BITBUCKET_REPO_OWNER=acme",
        "BITBUCKET_REPO_SLUG=shop",
        "BITBUCKET_STEP_RUN_NUMBER=1",
        "BITBUCKET_WORKSPACE=acme",
        "CI=true",
    ]);
    assert!(!ended.out.contains("mia:pass"), "{}", ended.out);
    checkout.git(&["remote", "remove", "origin"]);
    checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["BITBUCKET_REPO_FULL_NAME=local/work"]);
}

#[test]
fn the_work_tree_is_neither_read_nor_touched_unless_asked() {
    let script = "[ls, cat tracked, \"echo changed > tracked; rm -rf other; git commit -qam mine; git tag mine\"]";
    let checkout = Checkout::new(&steps(&[&format!("{{name: Look, script: {script}}}")]));
    for (file, text) in [
        ("tracked", "committed"),
        ("other", "x"),
        ("gone", "x"),
        (".gitignore", "ignored\n"),
    ] {
        checkout.write(file, text);
    }
    checkout.commit();
    checkout.write("tracked", "edited");
    checkout.write("new", "x");
    checkout.write("ignored", "x");
    std::fs::remove_file(checkout.path().join("gone")).expect("it is there");
    let before = checkout.state();

    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["gone", "committed"]);
    assert!(!ended.out.contains("\nnew\n"), "{}", ended.out);
    assert!(
        ended
            .err
            .contains("3 changed files are not committed and left out; --dirty includes them"),
        "{}",
        ended.err
    );
    assert_eq!(before, checkout.state());

    let ended = checkout
        .pipewright(&["run", "--dirty"])
        .expect(0)
        .prints(&["new", "edited"]);
    assert!(
        !ended.out.contains("\ngone\n") && !ended.out.contains("\nignored\n"),
        "{}",
        ended.out
    );
    assert_eq!(before, checkout.state());
    checkout.assert_tidy();
}

#[test]
fn each_step_begins_in_a_fresh_checkout() {
    let checkout = Checkout::new(&steps(&[
        "{name: A, script: [touch left-over, touch ~/left-over]}",
        "{name: B, script: [\"ls -A . ~\"]}",
        "{name: C, clone: {enabled: false}, script: [\"ls -A | wc -l\"]}",
    ]));
    let ended = checkout
        .pipewright(&["run"])
        .expect(0)
        .prints(&["bitbucket-pipelines.yml", "0"]);
    assert!(!ended.out.contains("\nleft-over\n"), "{}", ended.out);
}

#[test]
fn keep_leaves_the_directories_to_look_at() {
    let checkout = Checkout::new(&steps(&["{name: A, script: [echo x > made]}"]));
    let ended = checkout.pipewright(&["run", "--keep"]).expect(0);
    let root = ended
        .err
        .trim()
        .strip_prefix("The steps' directories are kept in ")
        .expect("it says where");
    assert_eq!(
        std::fs::read_to_string(format!("{root}/1-1/build/made")).expect("it is kept"),
        "x\n"
    );
}

#[test]
fn a_file_that_cannot_run_is_explained_and_nothing_runs() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step: {name: A, script: [echo ran]}\n    - step: {name: B}\n",
    );
    let ended = checkout.pipewright(&["run"]).expect(2);
    assert!(
        ended
            .err
            .contains("error[PW0102]: the step has no `script`\n --> bitbucket-pipelines.yml:4:7"),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .ends_with("pipewright run: bitbucket-pipelines.yml cannot run here: 1 problem\n"),
        "{}",
        ended.err
    );
    assert_eq!(ended.out, "");
    checkout.write(
        "bitbucket-pipelines.yml",
        &steps(&["{name: A, script: [echo ran]}"]),
    );
    checkout.pipewright(&["run"]).expect(2);
    checkout
        .pipewright(&["run", "--dirty"])
        .expect(0)
        .prints(&["ran"]);
}

#[test]
fn what_is_not_supported_matters_only_for_the_steps_that_run() {
    let checkout = Checkout::new(&steps(&[
        "{name: Build, script: [echo built]}",
        "{name: Ship, oidc: true, script: [echo shipped]}",
    ]));
    let ended = checkout.pipewright(&["run"]).expect(2);
    assert!(
        ended.err.contains("not supported yet: `oidc`") && ended.out.is_empty(),
        "{}",
        ended.err
    );
    checkout
        .pipewright(&["run", "--step", "Build"])
        .expect(0)
        .prints(&["built"]);
    checkout.pipewright(&["run", "--from", "2"]).expect(2);
}

#[test]
fn outside_of_a_checkout_it_says_what_is_missing() {
    let nowhere = Checkout::empty();
    assert!(
        nowhere
            .pipewright(&["run"])
            .expect(2)
            .err
            .contains("is not in a git checkout")
    );
    nowhere.git(&["init", "-q", "-b", "main"]);
    assert!(
        nowhere
            .pipewright(&["run"])
            .expect(2)
            .err
            .contains("nothing was committed here yet")
    );
    nowhere.write("README", "x");
    nowhere.commit();
    assert!(
        nowhere
            .pipewright(&["run"])
            .expect(2)
            .err
            .contains("there is no bitbucket-pipelines.yml")
    );
    nowhere.write("bitbucket-pipelines.yml", &steps(&["{script: [echo ran]}"]));
    assert!(
        nowhere
            .pipewright(&["run"])
            .expect(2)
            .err
            .contains("is not committed")
    );
    nowhere.commit();
    nowhere.git(&["checkout", "-q", "--detach"]);
    assert!(
        nowhere
            .pipewright(&["run"])
            .expect(2)
            .err
            .contains("HEAD is detached")
    );
    nowhere
        .pipewright(&["run", "--branch", "main"])
        .expect(0)
        .prints(&["ran"]);
}

#[test]
fn json_is_one_object_beside_the_progress() {
    let checkout = Checkout::new(&steps(&[
        "{name: A, script: [echo hello]}",
        "{name: B, script: [exit 5]}",
    ]));
    let ended = checkout.pipewright(&["run", "--json"]).expect(1);
    assert!(ended.err.contains("\nhello\n"), "{}", ended.err);
    let object: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(
        (
            &object["outcome"],
            &object["exit_code"],
            &object["pipeline"]
        ),
        (&"failed".into(), &1.into(), &"default".into())
    );
    assert_eq!(
        (
            &object["steps"][0]["outcome"],
            &object["steps"][1]["exit_code"]
        ),
        (&"passed".into(), &5.into())
    );
}

#[test]
fn a_linked_work_tree_is_a_checkout_too() {
    let checkout = Checkout::new(&steps(&["{name: A, script: [git log --format=%s]}"]));
    let linked = checkout.tmp().join("linked");
    checkout.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        &linked.display().to_string(),
    ]);
    let output = checkout
        .command(&["run"])
        .current_dir(&linked)
        .output()
        .expect("it runs");
    crate::checkout::Ended::from(output)
        .expect(0)
        .prints(&["A commit"]);
}

const CONDITIONS: &str = r#"
pipelines:
  default:
    - step: {name: Docs, script: [echo docs], condition: {changesets: {includePaths: ["docs/**"]}}}
    - step: {name: Wished, script: [echo wished], condition: {state: 'WISH == "yes"'}}
    - step: {name: Last, script: [echo last]}
"#;

#[test]
fn conditions_skip_steps_and_say_why() {
    let checkout = Checkout::new(CONDITIONS);
    let ended = checkout.pipewright(&["run"]).expect(0).prints(&[
        "── 1/3 Docs · Skipped: condition.changesets: the one changed file does not match docs/**.",
        "── 2/3 Wished · Skipped: condition.state: `WISH == \"yes\"` is false.",
        "last",
    ]);
    assert_eq!(
        (
            ended.outcome("Docs"),
            ended.outcome("Wished"),
            ended.outcome("Last")
        ),
        ("skipped", "skipped", "passed")
    );
    // What is not committed counts where it takes part, and a push sends all that `origin` does not have.
    checkout.write("docs/a/b.md", "b");
    checkout.write(".env", "WISH=yes\n");
    assert_eq!(
        checkout.pipewright(&["run"]).expect(0).outcome("Docs"),
        "skipped"
    );
    let ended = checkout.pipewright(&["run", "--dirty"]).expect(0);
    assert_eq!(
        (ended.outcome("Docs"), ended.outcome("Wished")),
        ("passed", "passed")
    );
    checkout.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    checkout.commit();
    checkout.write("other", "o");
    checkout.commit();
    assert_eq!(
        checkout.pipewright(&["run"]).expect(0).outcome("Docs"),
        "passed"
    );
    checkout.assert_tidy();
}

#[test]
fn a_step_that_is_asked_for_runs_whatever_its_condition() {
    let ended = Checkout::new(CONDITIONS)
        .pipewright(&["run", "--from", "Docs", "--json"])
        .expect(0);
    let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
    let outcomes: Vec<_> = answer["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| step["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["passed", "skipped", "passed"]);
    assert_eq!(
        answer["steps"][1]["message"],
        "Skipped: condition.state: `WISH == \"yes\"` is false."
    );
}

#[test]
fn a_condition_sees_what_a_step_before_handed_on() {
    let counts = "{name: Count, output-variables: [COUNT], script: [\"echo COUNT=4 >> $BITBUCKET_PIPELINES_VARIABLES_PATH\"]}";
    let checkout = Checkout::new(&steps(&[
        counts,
        "{name: Many, script: [echo many], condition: {state: 'COUNT > 3'}}",
        "{name: Few, script: [echo few], condition: {state: 'COUNT <= 3'}}",
    ]));
    let ended = checkout.pipewright(&["run"]).expect(0);
    assert_eq!(
        (ended.outcome("Many"), ended.outcome("Few")),
        ("passed", "skipped")
    );
}

#[test]
fn steps_of_one_group_run_one_after_another() {
    let alone =
        "concurrency-group: g-$BITBUCKET_BRANCH, script: [\"mkdir $LOCK; sleep 0.1; rmdir $LOCK\"]";
    let text = format!(
        "pipelines:\n  default:\n    - parallel:\n        - step: {{name: A, {alone}}}\n        - step: {{name: B, {alone}}}\n        - step: {{name: C, deployment: Test, script: ['echo to $BITBUCKET_DEPLOYMENT_ENVIRONMENT']}}\n"
    );
    let checkout = Checkout::new(&text);
    let lock = tempfile::tempdir().expect("a directory");
    checkout.write(".env", &format!("LOCK={}/lock\n", lock.path().display()));
    checkout
        .pipewright(&["run", "--host", "--jobs", "3"])
        .expect(0)
        .prints(&["C | to Test"]);
}
