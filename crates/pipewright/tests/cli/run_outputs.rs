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
    ended.prints(&["Variables from earlier steps:", "  VERSION=2", "  NAME=theirs", "ships 2 of theirs"]);
    checkout.assert_tidy();
}

#[test]
fn a_variable_that_is_not_declared_fails_the_step() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step:\n        name: Version\n        output-variables: [A]\n        script: [echo B=1 >> $BITBUCKET_PIPELINES_VARIABLES_PATH]\n",
    );
    let ended = checkout.pipewright(&["run"]).expect(1);
    assert_eq!(ended.outcome("Version"), "failed");
    assert!(ended.out.contains("B is not defined in the output variables of this step (A)"), "{}", ended.out);
}
