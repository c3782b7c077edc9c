//! What was decided of refs that moved meanwhile, or whose deliveries came in another order.

use pipewright_core::{CommitHash, RefName};
use pipewright_store::decisions::{self, Decision};
use pipewright_store::deliveries::Origin;
use pipewright_store::refs;

use super::super::COMPARED;
use super::DecideLane;
use crate::tasks::Lane;
use crate::testing::{TestOptions, TestServer};

async fn still(cancel_superseded: bool) -> TestServer {
    TestServer::with(TestOptions {
        works: false,
        runner_slots: 0,
        cancel_superseded,
        ..TestOptions::default()
    })
    .await
}

fn commit(digit: &str) -> String {
    digit.repeat(40)
}

/// Decides everything, and answers the reasons in order.
async fn decide(server: &TestServer) -> Vec<String> {
    let lane = DecideLane(server.app.clone());
    let mut reasons = Vec::new();
    while let Some(unit) = lane.next(server.repository_id()).await.expect("reads") {
        let id = unit.id;
        lane.step(unit).await.expect("decides");
        let made: Vec<Decision> = decisions::of_delivery(&server.app.db, server.account(), id)
            .await
            .expect("reads");
        reasons.extend(made.into_iter().map(|decision| decision.reason));
    }
    reasons
}

async fn stands(server: &TestServer, branch: &str) -> Option<String> {
    let name = RefName::branch(branch).expect("a branch");
    let all: Vec<(RefName, CommitHash)> = refs::list(&server.app.db, server.application())
        .await
        .expect("reads");
    all.into_iter()
        .find(|(found, _)| *found == name)
        .map(|(_, commit)| commit.as_str().to_owned())
}

async fn compared(server: &TestServer, branch: &str, old: Option<&str>, new: Option<&str>) {
    let change =
        serde_json::json!({"name": format!("refs/heads/{branch}"), "old": old, "new": new});
    let body = serde_json::json!({ "changes": [change] })
        .to_string()
        .into_bytes();
    server.store(Origin::Comparison, COMPARED, body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_overtaken_is_built_and_moves_nothing_back() {
    let server = still(true).await;
    let (a, b, c) = (commit("a"), commit("b"), commit("c"));
    server.deliver("main", None, &a).await;
    // The second push arrives before the first.
    server.deliver("main", Some(&b), &c).await;
    server.deliver("main", Some(&a), &b).await;
    assert_eq!(decide(&server).await, ["built", "built", "built"]);
    assert_eq!(stands(&server, "main").await, Some(c), "not moved back");
    let states: Vec<_> = server
        .builds()
        .await
        .iter()
        .map(|build| build.state.as_str())
        .collect();
    assert_eq!(
        states,
        ["stopped", "queued", "queued"],
        "the late one replaces nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_a_delivery_explained_meanwhile_is_known() {
    let server = still(false).await;
    let (a, b) = (commit("a"), commit("b"));
    server.deliver("main", None, &a).await;
    // Refs were compared before that was decided, and again before the next push was.
    compared(&server, "main", None, Some(&a)).await;
    server.deliver("main", Some(&a), &b).await;
    compared(&server, "main", Some(&b), Some(&a)).await;
    compared(&server, "main", Some(&a), None).await;
    assert_eq!(
        decide(&server).await,
        ["built", "known", "built", "duplicate", "deleted"]
    );
    assert_eq!(stands(&server, "main").await, None);
    assert_eq!(server.builds().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_fails_and_holds_nothing_up() {
    let server = still(false).await;
    let broken = server
        .store(Origin::Bitbucket, "repo:refs_changed", b"{".to_vec())
        .await;
    server.deliver("main", None, &commit("a")).await;
    assert_eq!(decide(&server).await, ["built"]);
    let failed = pipewright_store::deliveries::get(&server.app.db, server.account(), broken)
        .await
        .expect("reads")
        .expect("the delivery");
    assert_eq!(
        failed.state,
        pipewright_store::deliveries::DeliveryState::Failed
    );
    assert!(failed.message.expect("a sentence").contains("redeliver"));
}
