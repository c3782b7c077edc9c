//! Webhooks: what is sent when, how it is signed, sent again, and recorded.

use std::time::Duration;

use pipewright_simulator::state::{AttemptOutcome, DeliveryState};
use pipewright_simulator::{NewPullRequest, PullRequestChange, RefUpdate, sign};
use serde_json::{Value, json};

use crate::support::{Receiver, team};

#[tokio::test]
async fn one_push_of_many_refs_is_one_delivery_with_many_changes() {
    let sim = team().await;
    let cloud = sim.cloud();
    let first = cloud
        .commit("harbor/api", "main", &[("a", "1")], "One", "mara")
        .await
        .expect("a commit");
    cloud
        .create_branch("harbor/api", "old", "main", "mara")
        .await
        .expect("a branch");
    let receiver = Receiver::start(&[]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    let updates = [
        RefUpdate::branch("main")
            .commit(&[("a", "2")], "Two")
            .commit(&[("a", "3")], "Three"),
        RefUpdate::branch("feature/50%").commit(&[("b", "1")], "Branch off"),
        RefUpdate::branch("old").delete(),
        RefUpdate::tag("v1").to(&first),
        RefUpdate::tag("v2").annotated(&first, "Version two"),
    ];
    let hashes = cloud
        .push("harbor/api", &updates, "ivo")
        .await
        .expect("a push");
    cloud.settled().await;
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    let body = got[0].json();
    let changes = body["push"]["changes"].as_array().expect("changes");
    let by_name = |name: &str| {
        let named = |change: &&Value| {
            [&change["new"]["name"], &change["old"]["name"]].contains(&&json!(name))
        };
        changes
            .iter()
            .find(named)
            .unwrap_or_else(|| panic!("no change of {name}"))
    };
    assert_eq!(changes.len(), 5);
    let main = by_name("main");
    assert_eq!(main["new"]["target"]["hash"].as_str(), hashes[0].as_deref());
    assert_eq!(main["old"]["target"]["hash"], first);
    let subjects: Vec<_> = main["commits"]
        .as_array()
        .expect("commits")
        .iter()
        .map(|commit| commit["message"].clone())
        .collect();
    assert_eq!(subjects, ["Three\n", "Two\n"]);
    assert_eq!(
        (
            main["created"].clone(),
            main["closed"].clone(),
            main["forced"].clone()
        ),
        (json!(false), json!(false), json!(false))
    );
    assert!(main["links"]["diff"]["href"].is_string());

    let created = by_name("feature/50%");
    assert_eq!(
        (created["old"].clone(), created["created"].clone()),
        (Value::Null, json!(true))
    );
    assert!(created["links"].get("diff").is_none());
    assert!(
        created["new"]["links"]["self"]["href"]
            .as_str()
            .expect("a link")
            .ends_with("/refs/branches/feature/50%25")
    );

    let deleted = by_name("old");
    assert_eq!(
        (deleted["new"].clone(), deleted["closed"].clone()),
        (Value::Null, json!(true))
    );
    assert!(deleted.get("links").is_none() && deleted.get("commits").is_none());

    for (name, message) in [("v1", Value::Null), ("v2", json!("Version two\n"))] {
        let tag = by_name(name);
        assert_eq!(tag["new"]["type"], "tag");
        assert_eq!(
            tag["new"]["target"]["hash"], first,
            "the commit, not the tag object"
        );
        assert_eq!(tag["new"]["message"], message);
        assert!(tag.get("commits").is_none());
        assert_eq!(
            tag["links"]
                .as_object()
                .expect("links")
                .keys()
                .collect::<Vec<_>>(),
            ["commits"]
        );
    }
}

#[tokio::test]
async fn forced_and_truncated() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .commit("harbor/api", "main", &[("a", "0")], "Begin", "mara")
        .await
        .expect("a commit");
    let receiver = Receiver::start(&[]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    let mut update = RefUpdate::branch("main");
    for number in 1..=7 {
        update = update.commit(&[("a", &number.to_string())], &format!("Commit {number}"));
    }
    cloud
        .push("harbor/api", &[update], "mara")
        .await
        .expect("a push");
    cloud
        .force_push("harbor/api", "main", &[("a", "amended")], "Amended", "mara")
        .await
        .expect("a push");
    cloud.settled().await;
    let mut bodies: Vec<Value> = receiver
        .got()
        .iter()
        .map(|received| received.json()["push"]["changes"][0].clone())
        .collect();
    bodies.sort_by_key(|change| change["forced"].as_bool());
    assert_eq!(bodies[0]["truncated"], true);
    assert_eq!(bodies[0]["commits"].as_array().map(Vec::len), Some(5));
    assert_eq!(bodies[0]["commits"][0]["message"], "Commit 7\n");
    assert_eq!(
        (bodies[1]["forced"].clone(), bodies[1]["truncated"].clone()),
        (json!(true), json!(false))
    );
    assert!(bodies[1]["links"].get("diff").is_none());
}

#[tokio::test]
async fn a_5xx_is_sent_twice_more_with_the_same_request_id() {
    let sim = team().await;
    let cloud = sim.cloud();
    let receiver = Receiver::start(&[500, 503, 500]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), Some("hush"), &["repo:push"])
        .expect("a webhook");
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud.settled().await;
    let got = receiver.got();
    assert_eq!(
        got.iter()
            .map(|received| received.headers["x-attempt-number"].as_str())
            .collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    assert!(
        got.iter()
            .all(|received| received.headers["x-request-uuid"] == got[0].headers["x-request-uuid"])
    );
    assert!(
        got.iter()
            .all(|received| received.headers["x-hub-signature"] == sign("hush", &received.body))
    );
    assert_eq!(got[0].headers["user-agent"], "Bitbucket-Webhooks/2.0");
    assert_eq!(got[0].headers["x-event-key"], "repo:push");
    let deliveries = cloud.deliveries("harbor/api").expect("deliveries");
    assert_eq!(
        (
            deliveries.len(),
            deliveries[0].attempts.len(),
            deliveries[0].state
        ),
        (1, 3, DeliveryState::Done)
    );
    assert!(matches!(
        deliveries[0].attempts[2].outcome,
        AttemptOutcome::Answered { status: 500, .. }
    ));
}

#[tokio::test]
async fn a_4xx_or_a_dead_receiver_is_not_sent_again() {
    let sim = team().await;
    let cloud = sim.cloud();
    let receiver = Receiver::start(&[404]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    cloud
        .add_webhook(
            "harbor/api",
            "http://127.0.0.1:1/nobody",
            None,
            &["repo:push"],
        )
        .expect("a webhook");
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud.settled().await;
    assert_eq!(receiver.got().len(), 1);
    let deliveries = cloud.deliveries("harbor/api").expect("deliveries");
    assert!(
        deliveries
            .iter()
            .all(|delivery| delivery.attempts.len() == 1)
    );
    assert!(matches!(
        deliveries[1].attempts[0].outcome,
        AttemptOutcome::Failed(_)
    ));
}

#[tokio::test]
async fn only_webhooks_that_listen_hear_and_inactive_ones_do_not() {
    let sim = team().await;
    let cloud = sim.cloud();
    let receiver = Receiver::start(&[]).await;
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &["pullrequest:created"])
        .expect("a webhook");
    let silent = cloud
        .add_webhook("harbor/api", receiver.url(), None, &["repo:push"])
        .expect("a webhook");
    cloud.write(|tables| {
        tables
            .webhooks
            .get_mut(&silent)
            .expect("it is there")
            .active = false;
    });
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud.settled().await;
    assert!(receiver.got().is_empty());
}

#[tokio::test]
async fn a_pull_request_lives_through_its_events() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud
        .commit("harbor/api", "feature/x", &[("b", "b")], "Feature", "ivo")
        .await
        .expect("a commit");
    cloud
        .create_branch("harbor/api", "release", "main", "mara")
        .await
        .expect("a branch");
    let receiver = Receiver::start(&[]).await;
    let events = [
        "created",
        "updated",
        "approved",
        "comment_created",
        "fulfilled",
        "rejected",
    ]
    .map(|name| format!("pullrequest:{name}"));
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &events)
        .expect("a webhook");
    let new = NewPullRequest {
        repository: "harbor/api",
        title: "Feature",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "ivo",
    };
    let number = cloud
        .open_pull_request(new.clone())
        .await
        .expect("a pull request");
    cloud.settled().await;
    let tip = cloud
        .commit("harbor/api", "feature/x", &[("b", "c")], "More", "ivo")
        .await
        .expect("a commit");
    cloud.settled().await;
    let change = PullRequestChange {
        title: Some("Better"),
        destination: Some("release"),
        ..PullRequestChange::default()
    };
    cloud
        .update_pull_request("harbor/api", number, change, "ivo")
        .await
        .expect("a change");
    cloud.settled().await;
    cloud
        .approve_pull_request("harbor/api", number, "mara", true)
        .await
        .expect("an approval");
    cloud.settled().await;
    cloud
        .comment_pull_request("harbor/api", number, "run <again>", "mara")
        .await
        .expect("a comment");
    cloud.settled().await;
    let merged = cloud
        .merge_pull_request("harbor/api", number, "mara")
        .await
        .expect("a merge");
    cloud.settled().await;

    let got = receiver.got();
    let keys: Vec<_> = got
        .iter()
        .map(|received| received.headers["x-event-key"].clone())
        .collect();
    let expected = [
        "created",
        "updated",
        "updated",
        "approved",
        "comment_created",
        "fulfilled",
    ]
    .map(|name| format!("pullrequest:{name}"));
    assert_eq!(keys, expected);
    let updated = got[1].json();
    assert_eq!(
        updated["pullrequest"]["source"]["commit"]["hash"],
        tip[..12]
    );
    assert_eq!(
        got[2].json()["pullrequest"]["destination"]["branch"]["name"],
        "release"
    );
    assert_eq!(got[4].json()["comment"]["content"]["raw"], "run <again>");
    let fulfilled = got[5].json();
    assert_eq!(fulfilled["pullrequest"]["state"], "MERGED");
    assert_eq!(
        fulfilled["pullrequest"]["merge_commit"]["hash"],
        merged[..12]
    );
    assert_eq!(
        cloud
            .head("harbor/api", "release")
            .await
            .expect("a branch")
            .as_deref(),
        Some(merged.as_str())
    );

    let declined = cloud
        .open_pull_request(NewPullRequest { title: "No", ..new })
        .await
        .expect("a pull request");
    cloud
        .decline_pull_request("harbor/api", declined, "mara")
        .await
        .expect("a no");
    cloud.settled().await;
    assert_eq!(
        receiver
            .got()
            .last()
            .map(|received| received.headers["x-event-key"].clone())
            .as_deref(),
        Some("pullrequest:rejected")
    );
}

#[tokio::test]
async fn a_push_to_a_fork_is_heard_at_the_parent_only_as_a_pull_request() {
    let sim = team().await;
    let cloud = sim.cloud();
    cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    cloud
        .add_personal_workspace("noor", "noor")
        .expect("a workspace");
    let receiver = Receiver::start(&[]).await;
    let events = [
        "repo:push",
        "repo:fork",
        "pullrequest:created",
        "pullrequest:updated",
    ];
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &events)
        .expect("a webhook");
    cloud
        .fork("harbor/api", "noor", "api", "noor")
        .await
        .expect("a fork");
    cloud
        .commit("noor/api", "fix", &[("a", "fixed")], "Fix", "noor")
        .await
        .expect("a commit");
    let new = NewPullRequest {
        repository: "harbor/api",
        title: "Fix",
        source: "fix",
        source_repository: Some("noor/api"),
        destination: "main",
        author: "noor",
    };
    let number = cloud.open_pull_request(new).await.expect("a pull request");
    cloud.settled().await;
    cloud
        .commit(
            "noor/api",
            "fix",
            &[("a", "fixed well")],
            "Fix well",
            "noor",
        )
        .await
        .expect("a commit");
    cloud.settled().await;
    let mut keys: Vec<_> = receiver
        .got()
        .iter()
        .map(|received| received.headers["x-event-key"].clone())
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        ["pullrequest:created", "pullrequest:updated", "repo:fork"]
    );
    cloud
        .merge_pull_request("harbor/api", number, "mara")
        .await
        .expect("the fork's commits are brought over");
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up_on_and_the_push_does_not_wait() {
    let sim = team().await;
    let cloud = sim.cloud();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    cloud
        .add_webhook("harbor/api", &url, None, &["repo:push"])
        .expect("a webhook");
    let push = cloud.commit("harbor/api", "main", &[("a", "a")], "Begin", "mara");
    tokio::time::timeout(Duration::from_secs(8), push)
        .await
        .expect("a push ends before the receiver's time is over")
        .expect("a commit");
    let delivery = cloud.deliveries("harbor/api").expect("deliveries")[0].clone();
    assert_eq!(delivery.state, DeliveryState::Pending);
    drop(listener);
    sim.shutdown().await;
}
