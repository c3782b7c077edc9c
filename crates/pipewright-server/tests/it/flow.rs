//! A push becomes a build, on both products.

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};
use pipewright_simulator::Product;
use pipewright_store::attempts;
use rstest::rstest;

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_built_and_its_status_is_told(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    let commit = server.push("main", PIPELINE).await;
    let build = server.expect_build(1, "passed").await;
    assert_eq!(build.commit.as_str(), commit);
    assert_eq!(
        (
            build.commit_message.as_deref(),
            build.commit_author.as_deref()
        ),
        (Some("Change main"), Some("Mara Lindqvist"))
    );
    server.expect_status(&commit, "SUCCESSFUL").await;
    assert_eq!(
        server.statuses(&commit),
        ["INPROGRESS", "SUCCESSFUL"],
        "in order, and closed once"
    );
    let log = server.log(&build).await;
    assert!(log.contains("hello from main"), "{log}");
    // The log's length is that of the raw log, which leaves out the marks of commands.
    let attempt = &attempts::of_build(&server.app.db, build.id)
        .await
        .expect("reads")[0];
    let marks = log.matches('\u{1d}').count();
    assert!(marks > 0, "{log:?}");
    assert_eq!(attempt.log_bytes as usize, log.len() - marks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_script_fails_its_build_and_a_rerun_of_it_passes() {
    let server = TestServer::start().await;
    let marker = server.directory().join("seen");
    let script = format!(
        "test -e '{0}' || {{ touch '{0}'; exit 3; }}",
        marker.display()
    );
    let commit = server.push_script("main", &[&script]).await;
    let build = server.expect_build(1, "failed").await;
    server.expect_status(&commit, "FAILED").await;
    server.rerun_failed(build.id).await;
    server.expect_build(1, "passed").await;
    server.expect_status(&commit, "SUCCESSFUL").await;
    assert_eq!(
        server.statuses(&commit),
        ["INPROGRESS", "FAILED", "INPROGRESS", "SUCCESSFUL"]
    );
}

#[rstest]
#[case(Product::Cloud, "STOPPED")]
#[case(Product::Datacenter, "CANCELLED")]
#[tokio::test(flavor = "multi_thread")]
async fn t4_a_stopped_build_is_not_a_failed_one(#[case] product: Product, #[case] word: &str) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    let commit = server
        .push_script("main", &["echo begun", "sleep 600"])
        .await;
    let build = server.expect_build(1, "running").await;
    server
        .until("the script's first line", async || {
            server
                .log_of(&build)
                .await
                .filter(|log| log.contains("begun"))
        })
        .await;
    server.stop(build.id).await;
    server.expect_build(1, "stopped").await;
    server.expect_status(&commit, word).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_run_says_why() {
    let server = TestServer::start().await;
    let broken = server
        .push(
            "broken",
            "pipelines:\n  default:\n    - step: {scrpt: [make]}\n",
        )
        .await;
    let invalid = server.expect_build(1, "invalid").await;
    assert!(
        invalid.diagnostics.to_string().contains("scrpt"),
        "{}",
        invalid.diagnostics
    );
    server.expect_status(&broken, "FAILED").await;
    server
        .push_files("none", &[("README", "x")], "No pipeline")
        .await;
    let files = server.bitbucket().clone();
    drop(files);
    let large = format!("pipelines: {{}} # {}", "x".repeat(5_000_000));
    server.push("large", &large).await;
    let large = server
        .until("the large file", async || {
            server
                .builds()
                .await
                .into_iter()
                .find(|build| build.ref_name.short() == "large" && build.state.is_finished())
        })
        .await;
    assert_eq!(large.state.as_str(), "invalid");
    assert!(
        large
            .state_message
            .expect("a sentence")
            .contains("larger than")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_of_one_branch_begin_in_their_order_and_newer_ones_replace_them_by_setting() {
    let server = TestServer::with(TestOptions {
        cancel_superseded: true,
        runner_slots: 1,
        ..TestOptions::default()
    })
    .await;
    server.push_script("main", &["sleep 600"]).await;
    server.expect_build(1, "running").await;
    server.push_script("main", &["true"]).await;
    let first = server.expect_build(1, "stopped").await;
    assert!(first.state_message.expect("a sentence").contains("#2"));
    server.expect_build(2, "passed").await;
}
