//! Comparing refs: a push whose webhook was lost, and an installation that none reaches.

use std::time::Duration;

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_whose_webhook_was_lost_is_found_and_built_once() {
    let server = TestServer::start().await;
    server.lose_next_webhook();
    let commit = server.push("main", PIPELINE).await;
    server.bitbucket().settled().await;
    assert!(server.builds().await.is_empty(), "nobody told us");
    server.compare_refs().await;
    let build = server.expect_build(1, "passed").await;
    assert_eq!(build.commit.as_str(), commit);
    let all = server.expect_deliveries(1).await;
    assert_eq!(
        (all[0].0.origin.as_str(), all[0].1[0].reason.as_str()),
        ("comparison", "built")
    );
    server.compare_refs().await;
    server.compare_refs().await;
    assert_eq!(
        server.expect_deliveries(1).await.len(),
        1,
        "nothing differs any more"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_no_webhook_reaches_builds_by_comparing_alone() {
    let options = TestOptions {
        webhooks_reach_us: false,
        compare_every: Duration::from_millis(200),
        ..TestOptions::default()
    };
    let server = TestServer::with(options).await;
    assert!(
        server
            .bitbucket()
            .webhooks(server.repository())
            .expect("the repository")
            .is_empty()
    );
    let first = server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.push("feature/x", PIPELINE).await;
    server.expect_build(2, "passed").await;
    server
        .bitbucket()
        .delete_branch(server.repository(), "feature/x", "mara")
        .await
        .expect("deletes");
    let all = server
        .until("the deletion", async || {
            Some(server.expect_deliveries(3).await).filter(|all| all.len() == 3)
        })
        .await;
    assert_eq!(all[2].1[0].reason, "deleted");
    server.expect_status(&first, "SUCCESSFUL").await;
}
