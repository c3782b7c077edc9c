//! `pipewright run`: what a step leaves for later ones.

use crate::checkout::Checkout;

#[test]
fn variables_travel_to_later_steps() {
    let checkout = Checkout::new(
        "
pipelines:
  default:
    - step:
        name: Version
        on-fail: {strategy: retry}
        output-variables: [VERSION, NAME]
        script:
          - echo VERSION=$BITBUCKET_STEP_RUN_NUMBER >> $BITBUCKET_PIPELINES_VARIABLES_PATH
          - echo NAME=theirs >> $BITBUCKET_PIPELINES_VARIABLES_PATH
          - test $BITBUCKET_STEP_RUN_NUMBER = 2
    - step:
        name: Ship
        script: ['echo \"ships $VERSION of $NAME\"']
",
    );
    checkout.write(".env", "NAME=mine\n");
    let ended = checkout.pipewright(&["run"]).expect(0);
    ended.prints(&[
        "Variables from earlier steps:",
        "  VERSION=2",
        "  NAME=theirs",
        "ships 2 of theirs",
    ]);
    checkout.assert_tidy();
}

#[test]
fn a_variable_that_is_not_declared_fails_the_step() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step:\n        name: Version\n        output-variables: [A]\n        script: [echo B=1 >> $BITBUCKET_PIPELINES_VARIABLES_PATH]\n",
    );
    let ended = checkout.pipewright(&["run"]).expect(1);
    assert_eq!(ended.outcome("Version"), "failed");
    assert!(
        ended
            .out
            .contains("B is not defined in the output variables of this step (A)"),
        "{}",
        ended.out
    );
}

const TRAVELLING: &str = "
pipelines:
  default:
    - step:
        name: Build
        on-fail: {strategy: retry}
        artifacts: [\"dist/**\"]
        script: [mkdir dist, \"echo $BITBUCKET_STEP_RUN_NUMBER > dist/app\", chmod +x dist/app, test $BITBUCKET_STEP_RUN_NUMBER = 2]
    - parallel:
        - step:
            name: Left side
            artifacts: {upload: [{name: left, paths: [side]}, {name: report, type: scoped, paths: [note]}]}
            script: [test -x dist/app, test ! -e side, echo left > side, echo note > note]
        - step:
            name: Right
            artifacts: {download: false, paths: [side]}
            script: [test ! -e dist, echo right > side]
    - step:
        name: Ship
        artifacts: {download: [left]}
        script: [test ! -e dist, test ! -e note, cat side]
    - step:
        name: All
        script: [cat dist/app side]
";

#[test]
fn artifacts_travel_to_later_steps() {
    let checkout = Checkout::new(TRAVELLING);
    let before = checkout.state();
    let ended = checkout.pipewright(&["run"]).expect(0);
    let ended = ended.prints(&["left", "2", "right"]);
    assert!(
        ended
            .out
            .contains("Restored artifact dist/** of Build (1 file)")
            && ended.out.contains("Kept artifact report (1 file"),
        "{}",
        ended.out
    );
    assert_eq!(checkout.state(), before, "the work tree is not touched");
    checkout.assert_tidy();
}

#[test]
fn artifacts_are_put_where_the_person_wants_them() {
    let checkout = Checkout::new(TRAVELLING);
    let wanted = tempfile::tempdir().expect("a directory");
    let directory = wanted.path().join("new/place");
    let ended = checkout
        .pipewright(&["run", "--artifacts", directory.to_str().expect("UTF-8")])
        .expect(0);
    assert!(
        ended.err.contains("files of artifacts are in "),
        "{}",
        ended.err
    );
    let read = |file: &str| std::fs::read_to_string(directory.join(file)).expect("a file");
    assert_eq!(
        [
            read("1-build/dist/app"),
            read("2-left-side/side"),
            read("2-left-side/note"),
            read("3-right/side")
        ],
        ["2\n", "left\n", "note\n", "right\n"]
    );
    checkout.assert_tidy();
}
