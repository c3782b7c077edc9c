//! Variables that a step hands to later ones.

use pipewright_server::testing::TestServer;

const PIPELINE: &str = r#"
pipelines:
  default:
    - step:
        name: Version
        output-variables: [VERSION, CI]
        script:
          - echo "VERSION=1.$BITBUCKET_STEP_RUN_NUMBER" >> $BITBUCKET_PIPELINES_VARIABLES_PATH
          - echo "CI=ours" >> $BITBUCKET_PIPELINES_VARIABLES_PATH
    - parallel:
        - step:
            name: Left
            output-variables: [SIDE]
            script: [echo "SIDE=left $VERSION" >> $BITBUCKET_PIPELINES_VARIABLES_PATH]
        - step:
            name: Right
            output-variables: [SIDE]
            script: ['test -z "$SIDE"', echo "SIDE=right $VERSION" >> $BITBUCKET_PIPELINES_VARIABLES_PATH]
    - step:
        name: Deploy
        script: ['echo "$CI ships $VERSION from $SIDE"', 'test -e FLAG']
"#;

#[tokio::test(flavor = "multi_thread")]
async fn later_steps_are_given_what_earlier_ones_left_and_parallel_ones_do_not_see_each_other() {
    let server = TestServer::start().await;
    let marker = server.directory().join("flag");
    server
        .push(
            "main",
            &PIPELINE.replace("FLAG", &marker.display().to_string()),
        )
        .await;
    let build = server.expect_build(1, "failed").await;
    let log = server.log(&build).await;
    assert!(log.contains("Variables from earlier steps:\n"), "{log}");
    assert!(
        log.contains("\nours ships 1.1 from right 1.1\n"),
        "the last in the order of the file wins, and over the defaults: {log}"
    );
    // Only what failed runs again, with what the others left.
    std::fs::write(&marker, "").expect("a file");
    server.rerun_failed(build.id).await;
    let build = server.expect_build(1, "passed").await;
    let log = server.log(&build).await;
    assert!(log.contains("\nours ships 1.1 from right 1.1\n"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_is_not_declared_fails_the_build_with_a_sentence() {
    let server = TestServer::start().await;
    server
        .push("main", "pipelines:\n  default:\n    - step:\n        output-variables: [A]\n        script: [echo B=1 >> $BITBUCKET_PIPELINES_VARIABLES_PATH]\n")
        .await;
    let build = server.expect_build(1, "failed").await;
    assert!(
        build
            .state_message
            .expect("a sentence")
            .contains("B is not defined in the output variables of this step (A)")
    );
}
