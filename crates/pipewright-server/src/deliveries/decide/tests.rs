//! What was decided of refs that moved meanwhile, or whose deliveries came in another order.

use pipewright_core::ids::AccountId;
use pipewright_core::{CommitHash, RefName};
use pipewright_store::decisions::{self, Decision};
use pipewright_store::deliveries::Origin;
use pipewright_store::refs;

use super::super::COMPARED;
use super::DecideLane;
use crate::ground::Lane;
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
        let ids: Vec<_> = unit.iter().map(|delivery| delivery.id).collect();
        lane.step(unit).await.expect("decides");
        for id in ids {
            let made: Vec<Decision> = decisions::of_delivery(&server.app.db, server.account(), id)
                .await
                .expect("reads");
            reasons.extend(made.into_iter().map(|decision| decision.reason));
        }
    }
    reasons
}

/// True where refs are to be compared as soon as somebody works.
async fn will_compare(server: &TestServer) -> bool {
    let (owner, now) = (server.app.live().instance, server.app.clock.now());
    let mut tx = server.app.db.begin().await.expect("begins");
    let lease = std::time::Duration::from_secs(1);
    let task = pipewright_store::tasks::claim(&mut tx, owner, now, lease)
        .await
        .expect("reads");
    tx.rollback().await.expect("leaves it there");
    task.is_some_and(|task| task.kind == "compare_refs")
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
    // Everything before it was decided when the refs were listed.
    let body = serde_json::json!({ "newest": 1_000_000, "changes": [change] })
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
    assert!(
        will_compare(&server).await,
        "Bitbucket knows what came last"
    );
    compared(&server, "main", Some(&a), Some(&c)).await;
    assert_eq!(decide(&server).await, ["known"]);
    assert_eq!(stands(&server, "main").await, Some(c), "not moved back");
    let states: Vec<_> = server
        .builds()
        .await
        .iter()
        .map(|build| build.state.as_str())
        .collect();
    assert_eq!(
        states,
        ["stopped", "queued", "stopped"],
        "the newest replaces the others, the late one too"
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
        ["built", "known", "built", "built", "deleted"],
        "back to where it was is a push of its own"
    );
    assert_eq!(stands(&server, "main").await, None);
    assert_eq!(server.builds().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_told_last_first_leave_the_newest_running() {
    let server = still(true).await;
    let (a, b, c, d) = (commit("a"), commit("b"), commit("c"), commit("d"));
    server.deliver("main", None, &a).await;
    for (from, to) in [(&c, &d), (&b, &c), (&a, &b)] {
        server.deliver("main", Some(from), to).await;
    }
    assert_eq!(decide(&server).await, ["built", "built", "built", "built"]);
    compared(&server, "main", Some(&a), Some(&d)).await;
    assert_eq!(decide(&server).await, ["known"]);
    assert_eq!(stands(&server, "main").await, Some(d.clone()));
    let builds = server.builds().await;
    let newest = builds.iter().find(|build| build.commit.as_str() == d);
    assert_eq!(newest.expect("a build of it").state.as_str(), "queued");
    let others = builds.iter().filter(|build| build.commit.as_str() != d);
    for other in others {
        assert_eq!(other.state.as_str(), "stopped", "{}", other.commit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_deletion_stops_nothing_of_the_branch_that_was_made_again() {
    let server = still(true).await;
    let (a, b) = (commit("a"), commit("b"));
    server.deliver("main", None, &a).await;
    server.deliver("main", None, &b).await;
    server.deliver("main", Some(&a), &"0".repeat(40)).await;
    assert_eq!(decide(&server).await, ["built", "built", "deleted"]);
    let made_again = &server.builds().await[1];
    assert_eq!(
        (made_again.commit.as_str(), made_again.state.as_str()),
        (b.as_str(), "queued")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_change_that_cannot_be_completed_leaves_the_others_alone() {
    let server = still(false).await;
    let change = |name: &str, to: serde_json::Value| serde_json::json!({"refId": name, "fromHash": "0".repeat(40), "toHash": to, "type": "ADD"});
    let body = serde_json::json!({"changes": [
        change("refs/heads/first", commit("a").into()),
        change("refs/heads/odd", serde_json::Value::Null),
        change("refs/tags/nobody-knows", commit("b").into()),
        change("refs/heads/last", commit("c").into()),
    ]});
    server
        .store(
            Origin::Bitbucket,
            "repo:refs_changed",
            body.to_string().into_bytes(),
        )
        .await;
    // The token is revoked: the tag's commit cannot be asked for.
    server.revoke_access();
    assert_eq!(
        decide(&server).await,
        ["built", "unreadable", "tag_unknown", "built"]
    );
    assert!(will_compare(&server).await, "the refs are compared instead");
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
    assert!(will_compare(&server).await, "the refs are compared instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_cannot_be_stored_spoils_none_that_wait_with_it() {
    let server = still(false).await;
    for branch in ["first", "odd", "last"] {
        server.deliver(branch, None, &commit("a")).await;
    }
    let lane = DecideLane(server.app.clone());
    let mut bad = None;
    while let Some(mut unit) = lane.next(server.repository_id()).await.expect("reads") {
        let odd = *bad.get_or_insert(unit[1].id);
        for delivery in unit.iter_mut().filter(|delivery| delivery.id == odd) {
            // No such account: the database refuses the rows.
            delivery.account_id = AccountId::new();
        }
        lane.step(unit).await.expect("decides");
    }
    let built = async || -> Vec<String> {
        let builds = server.builds().await;
        let names = builds.iter().map(|build| build.ref_name.short().to_owned());
        names.collect()
    };
    assert_eq!(built().await, ["first"], "the others wait in their order");
    let odd = pipewright_store::deliveries::get(
        &server.app.db,
        server.account(),
        bad.expect("three waited together"),
    );
    let odd = odd.await.expect("reads").expect("the delivery");
    let message = odd.message.expect("a sentence");
    assert!(message.contains("cannot be stored"), "{message}");
}
