//! Files that a step leaves for later ones and for people.

use std::time::Duration;

use pipewright_server::testing::{TestOptions, TestServer};
use pipewright_store::artifacts;

const PIPELINE: &str = r#"
pipelines:
  default:
    - step:
        name: Build
        artifacts: ["dist/**"]
        script: [mkdir dist, "echo built $BITBUCKET_STEP_RUN_NUMBER > dist/app", "echo one > dist/same"]
    - parallel:
        - step:
            name: Left
            artifacts:
              upload:
                - {name: left, paths: [same-side]}
                - {name: private, type: scoped, paths: [dist/app]}
            script: [cat dist/app, "test ! -e same-side", "echo left > same-side"]
        - step:
            name: Right
            artifacts: {download: false, paths: [same-side, dist/same]}
            script: ["test ! -e dist", mkdir dist, "echo right > same-side", "echo two > dist/same"]
    - step:
        name: Ship
        script: ['cat dist/app dist/same same-side', 'test -e FLAG']
"#;

fn pipeline(server: &TestServer) -> (std::path::PathBuf, String) {
    let flag = server.directory().join("flag");
    let text = PIPELINE.replace("FLAG", &flag.display().to_string());
    (flag, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_travel_to_later_steps_and_a_rerun_finds_them_again() {
    let mut server = TestServer::start().await;
    let (flag, text) = pipeline(&server);
    server.push("main", &text).await;
    let build = server.expect_build(1, "failed").await;
    let log = server.log(&build).await;
    assert!(
        log.contains("\nbuilt 1\ntwo\nright\n"),
        "the last in the order of the file wins: {log}"
    );
    let kept = artifacts::of_build(&server.app.db, build.id)
        .await
        .expect("reads");
    let names: Vec<_> = kept
        .iter()
        .map(|artifact| {
            (
                artifact.step_name.as_str(),
                artifact.name.as_str(),
                artifact.files,
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("Build", "dist/**", 2),
            ("Left", "left", 1),
            ("Left", "private", 1),
            ("Right", "same-side, dist/same", 2)
        ]
    );
    std::fs::write(&flag, "").expect("a file");
    // They are kept through a restart.
    server.restart().await;
    server.rerun_failed(build.id).await;
    let build = server.expect_build(1, "passed").await;
    assert!(server.log(&build).await.contains("\nbuilt 1\ntwo\nright\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_said_by_the_step_that_misses_it() {
    let server = TestServer::with(TestOptions {
        artifact_keep: Duration::ZERO,
        ..TestOptions::default()
    })
    .await;
    server
        .push(
            "main",
            "pipelines:\n  default:\n    - step: {name: Build, artifacts: [f], script: [echo > f]}\n    - step: {name: Ship, trigger: manual, script: ['test ! -e f']}\n",
        )
        .await;
    let build = server.expect_build(1, "paused").await;
    assert_eq!(server.sweep_artifacts().await, (1, 0));
    assert_eq!(server.sweep_artifacts().await, (0, 0));
    server.resume(build.id).await;
    let build = server.expect_build(1, "passed").await;
    let log = server.log(&build).await;
    assert!(
        log.contains("The artifact f of Build has expired and is not restored"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_artifacts_are_kept_it_runs_the_step_again_and_knows_one_of_each() {
    let mut server = TestServer::start().await;
    // Slow to keep: much that does not compress.
    server
        .push(
            "main",
            "pipelines:\n  default:\n    - step: {name: Build, artifacts: [f], script: [head -c 100000000 /dev/urandom > f]}\n    - step: {name: Ship, script: [wc -c < f]}\n",
        )
        .await;
    let blobs = server.directory().join("artifacts");
    let any =
        || std::fs::read_dir(&blobs).is_ok_and(|mut places| places.any(|place| place.is_ok()));
    server
        .until("the artifact is being written", async || {
            any().then_some(())
        })
        .await;
    server.restart().await;
    let build = server.expect_build(1, "passed").await;
    assert!(server.log(&build).await.contains("100000000"));
    let kept = artifacts::of_build(&server.app.db, build.id)
        .await
        .expect("reads");
    assert_eq!(kept.len(), 1, "one row, whatever files a kill left");
}
