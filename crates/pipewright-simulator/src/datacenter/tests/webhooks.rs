//! Webhooks: registering them, and what they send.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::lab::{JONAS, Lab, MARA, Receiver, ledger};
use crate::{
    actions::{NewPullRequest, PullRequestChange},
    datacenter::Version,
    git::RefUpdate,
    hooks::sign,
    state::{Delivery, DeliveryState},
};

const REPOSITORY: &str = "FIN/ledger";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn hook(url: &str, events: &[&str]) -> Value {
    json!({ "name": "pipewright", "url": url, "events": events, "active": true, "configuration": { "secret": "tide" } })
}

/// Everything sent so far, as name and body.
async fn sent(lab: &Lab) -> Vec<(String, Value)> {
    deliveries(lab)
        .await
        .into_iter()
        .map(|delivery| (delivery.event_key.clone(), body(&delivery)))
        .collect()
}

async fn deliveries(lab: &Lab) -> Vec<Delivery> {
    lab.dc.settled().await;
    lab.dc.deliveries(REPOSITORY).expect("a repository")
}

fn body(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).expect("bodies are JSON")
}

fn header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    let headers = &delivery.attempts.last()?.headers;
    headers
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn registering_shows_the_secret_in_clear_and_replacing_forgets_it() {
    let lab = Lab::start().await;
    let made = lab
        .post(
            MARA,
            &ledger("/webhooks"),
            hook("https://ci.example.com/hooks/1", &["repo:refs_changed"]),
        )
        .await
        .expect(201);
    assert_eq!(made["configuration"]["secret"], "tide");
    assert_eq!(
        (&made["scopeType"], &made["sslVerificationRequired"]),
        (&json!("repository"), &json!(true))
    );
    let one = ledger(&format!("/webhooks/{}", made["id"]));
    let bare =
        json!({ "name": "n", "url": "https://ci.example.com/hooks/1", "events": ["pr:opened"] });
    let replaced = lab.put(MARA, &one, bare).await.expect(200);
    assert_eq!(
        (&replaced["configuration"], &replaced["events"]),
        (&json!({}), &json!(["pr:opened"]))
    );
    assert_eq!(replaced["createdDate"], made["createdDate"]);
    assert_eq!(
        lab.get(MARA, &ledger("/webhooks?event=pr:opened"))
            .await
            .expect(200)["size"],
        1
    );
    assert_eq!(
        lab.get(MARA, &ledger("/webhooks?event=pr:merged"))
            .await
            .expect(200)["size"],
        0
    );
    lab.delete(MARA, &one).await.expect(204);
    lab.delete(MARA, &one).await.expect(404);
    lab.get(JONAS, &ledger("/webhooks")).await.expect(401);
}

#[tokio::test]
async fn one_unknown_event_refuses_the_whole_registration() {
    let lab = Lab::start().await;
    for event in ["pr:to_ref_updated", "pr:reviewer:changes_requested", "push"] {
        let refused = lab
            .post(
                MARA,
                &ledger("/webhooks"),
                hook("https://ci.example.com/", &["repo:refs_changed", event]),
            )
            .await;
        assert_eq!(refused.expect(400)["errors"][0]["context"], "events");
    }
    for (field, value) in [
        ("events", json!([])),
        ("url", json!("ci.example.com")),
        ("name", json!("")),
    ] {
        let mut wrong = hook("https://ci.example.com/", &["repo:refs_changed"]);
        wrong[field] = value;
        assert_eq!(
            lab.post(MARA, &ledger("/webhooks"), wrong)
                .await
                .expect(400)["errors"][0]["context"],
            field
        );
    }
    let mut empty = hook("https://ci.example.com/", &["repo:refs_changed"]);
    empty["configuration"]["secret"] = json!("");
    lab.post(MARA, &ledger("/webhooks"), empty)
        .await
        .expect(500);
    assert_eq!(
        lab.get(MARA, &ledger("/webhooks")).await.expect(200)["size"],
        0
    );
}

#[tokio::test]
async fn a_push_is_signed_named_and_says_every_ref() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    lab.post(
        MARA,
        &ledger("/webhooks"),
        hook(&receiver.url, &["repo:refs_changed"]),
    )
    .await
    .expect(201);
    let before = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    lab.dc
        .create_branch(REPOSITORY, "old", "main", "mara")
        .await
        .expect("a branch");
    let updates = [
        RefUpdate::branch("main").commit(&[("a.txt", "1\n")], "One"),
        RefUpdate::branch("old").delete(),
        RefUpdate::tag("v1").annotated(&before, "First"),
    ];
    let pushed = lab
        .dc
        .push(REPOSITORY, &updates, "mara")
        .await
        .expect("a push");
    let all = deliveries(&lab).await;
    let last = all.last().expect("a delivery");
    assert_eq!(last.state, DeliveryState::Done);
    assert_eq!(header(last, "X-Event-Key"), Some("repo:refs_changed"));
    assert_eq!(
        header(last, "X-Request-Id"),
        Some(last.request_id.to_string().as_str())
    );
    assert_eq!(
        header(last, "X-Hub-Signature"),
        Some(sign("tide", &last.body).as_str())
    );
    assert_eq!(
        header(last, "Content-Type"),
        Some("application/json; charset=utf-8")
    );
    let body = body(last);
    let main = pushed[0].clone().expect("main is there");
    let tag = lab.get(JONAS, &ledger("/tags/v1")).await.expect(200)["hash"].clone();
    let changes = body["changes"].as_array().expect("changes");
    let told = changes.iter().map(|change| {
        json!([
            change["refId"],
            change["type"],
            change["fromHash"],
            change["toHash"]
        ])
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            json!(["refs/heads/main", "UPDATE", before, main]),
            json!(["refs/heads/old", "DELETE", before, ZERO]),
            json!(["refs/tags/v1", "ADD", ZERO, tag]),
        ]
    );
    assert!(
        body.get("commits").is_none(),
        "commits of several refs are not told"
    );
}

#[tokio::test]
async fn a_push_tells_five_commits_newest_first_and_peels_tags() {
    let lab = Lab::start().await;
    lab.dc
        .add_webhook(
            REPOSITORY,
            "http://127.0.0.1:9/",
            None,
            &["repo:refs_changed"],
        )
        .expect("a repository");
    let mut update = RefUpdate::branch("main");
    for number in 0..7 {
        update = update.commit(
            &[("n.txt", &format!("{number}\n"))],
            &format!("Number {number}"),
        );
    }
    lab.dc
        .push(REPOSITORY, &[update], "mara")
        .await
        .expect("a push");
    lab.dc
        .create_tag(REPOSITORY, "v1", "main", Some("First"), "mara")
        .await
        .expect("a tag");
    lab.dc
        .delete_branch(REPOSITORY, "main", "mara")
        .await
        .expect("a branch");
    let sent = sent(&lab).await;
    let (push, tag, gone) = (&sent[0].1, &sent[1].1, &sent[2].1);
    let messages: Vec<&Value> = push["commits"]
        .as_array()
        .expect("commits")
        .iter()
        .map(|commit| &commit["message"])
        .collect();
    assert_eq!(
        messages,
        ["Number 6", "Number 5", "Number 4", "Number 3", "Number 2"]
    );
    assert_eq!(push["toCommit"]["parents"][0]["message"], "Number 5");
    assert!(push["commits"][0]["parents"][0].get("message").is_none());
    assert_eq!(tag["toCommit"]["id"], push["toCommit"]["id"]);
    assert_ne!(tag["changes"][0]["toHash"], tag["toCommit"]["id"]);
    assert!(gone.get("commits").is_none() && gone.get("toCommit").is_none());
}

#[tokio::test]
async fn dates_and_optional_parts_follow_the_version() {
    let lab = Lab::start().await;
    lab.dc
        .add_webhook(
            REPOSITORY,
            "http://127.0.0.1:9/",
            None,
            &["repo:refs_changed", "pr:opened"],
        )
        .expect("a repository");
    let mut bodies = Vec::new();
    for (number, version) in [(5, 0, 0), (7, 21, 23), (9, 4, 24), (10, 2, 6)]
        .into_iter()
        .enumerate()
    {
        lab.dc
            .set_version(Version::new(version.0, version.1, version.2));
        let branch = format!("topic-{number}");
        lab.dc
            .commit(REPOSITORY, &branch, &[("n.txt", &branch)], "Topic", "mara")
            .await
            .expect("a commit");
        let new = NewPullRequest {
            repository: REPOSITORY,
            title: "Topic",
            source: &branch,
            source_repository: None,
            destination: "main",
            author: "mara",
        };
        lab.dc.open_pull_request(new).await.expect("a pull request");
        bodies.extend(
            sent(&lab)
                .await
                .into_iter()
                .skip(bodies.len())
                .map(|(_, body)| body),
        );
    }
    let [
        old_push,
        old_pr,
        seven_push,
        seven_pr,
        nine_push,
        nine_pr,
        ten_push,
        ten_pr,
    ] = bodies.as_slice()
    else {
        panic!("two bodies per version, not {}", bodies.len());
    };
    for body in &bodies {
        let date = body["date"].as_str().expect("a date");
        assert!(date.ends_with("+0000"), "an offset without a colon: {date}");
    }
    assert!(
        old_push["repository"].get("links").is_none()
            && old_pr["pullRequest"].get("links").is_none()
    );
    assert!(seven_push["repository"]["links"]["clone"].is_array());
    assert!(
        seven_push.get("commits").is_none()
            && seven_pr["pullRequest"]["fromRef"].get("type").is_none()
    );
    assert!(nine_push["toCommit"]["committerTimestamp"].is_i64());
    assert!(nine_pr["pullRequest"]["createdDate"].is_i64());
    assert_eq!(nine_pr["pullRequest"]["draft"], false);
    let iso = ten_push["toCommit"]["committerTimestamp"]
        .as_str()
        .expect("a string");
    assert_eq!(
        iso.split_once('.').map(|(_, rest)| rest),
        Some("000Z"),
        "{iso}"
    );
    assert!(ten_pr["pullRequest"]["createdDate"].is_string());
}

#[tokio::test]
async fn pull_requests_send_their_whole_life() {
    let lab = Lab::start().await;
    let events = [
        "pr:opened",
        "pr:from_ref_updated",
        "pr:modified",
        "pr:merged",
        "pr:declined",
        "pr:deleted",
        "pr:reviewer:updated",
        "pr:reviewer:approved",
        "pr:comment:added",
        "repo:modified",
    ];
    lab.dc
        .add_webhook(REPOSITORY, "http://127.0.0.1:9/", None, &events)
        .expect("a repository");
    lab.dc
        .create_branch(REPOSITORY, "release", "main", "mara")
        .await
        .expect("a branch");
    let first = lab
        .dc
        .commit(REPOSITORY, "topic", &[("t.txt", "1\n")], "Topic", "mara")
        .await
        .expect("a commit");
    let new = || NewPullRequest {
        repository: REPOSITORY,
        title: "Topic",
        source: "topic",
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    let number = lab
        .dc
        .open_pull_request(new())
        .await
        .expect("a pull request");
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "2\n")], "More", "mara")
        .await
        .expect("a commit");
    let change = PullRequestChange {
        destination: Some("release"),
        reviewers: Some(&["jonas"]),
        ..PullRequestChange::default()
    };
    lab.dc
        .update_pull_request(REPOSITORY, number, change, "mara")
        .await
        .expect("open");
    lab.dc
        .approve_pull_request(REPOSITORY, number, "jonas", true)
        .await
        .expect("open");
    lab.dc
        .comment_pull_request(REPOSITORY, number, "Good.", "jonas")
        .await
        .expect("open");
    let merge = lab
        .dc
        .merge_pull_request(REPOSITORY, number, "mara")
        .await
        .expect("no conflict");
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "3\n")], "Again", "mara")
        .await
        .expect("a commit");
    let second = lab
        .dc
        .open_pull_request(new())
        .await
        .expect("a pull request");
    lab.dc
        .decline_pull_request(REPOSITORY, second, "mara")
        .await
        .expect("open");
    lab.dc
        .delete_pull_request(REPOSITORY, second, "mara")
        .await
        .expect("there");
    let sent = sent(&lab).await;
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "pr:opened",
            "pr:from_ref_updated",
            "pr:modified",
            "pr:reviewer:updated",
            "pr:reviewer:approved",
            "pr:comment:added",
            "pr:merged",
            "pr:opened",
            "pr:declined",
            "pr:deleted",
        ]
    );
    for (name, body) in &sent {
        assert_eq!(
            (
                &body["eventKey"],
                &body["pullRequest"]["toRef"]["repository"]["slug"]
            ),
            (&json!(name), &json!("ledger"))
        );
    }
    assert_eq!(sent[1].1["previousFromHash"], json!(first));
    assert_eq!(
        (
            &sent[2].1["previousTarget"]["id"],
            &sent[2].1["previousTitle"]
        ),
        (&json!("refs/heads/main"), &json!("Topic"))
    );
    assert_eq!(
        sent[2].1["pullRequest"]["toRef"]["id"],
        "refs/heads/release"
    );
    assert_eq!(sent[3].1["addedReviewers"][0]["slug"], "jonas");
    assert_eq!(sent[4].1["participant"]["status"], "APPROVED");
    assert_eq!(
        sent[6].1["pullRequest"]["properties"]["mergeCommit"]["id"],
        json!(merge)
    );
    assert_eq!(sent[9].1["pullRequest"]["id"], json!(second));
}

#[tokio::test]
async fn renames_moves_and_empty_pushes_are_announced() {
    let lab = Lab::start().await;
    let id = lab.dc.repository_id(REPOSITORY).expect("a repository");
    lab.dc.add_project("OPS", "Operations").expect("a new key");
    lab.dc
        .add_webhook(
            REPOSITORY,
            "http://127.0.0.1:9/",
            None,
            &["repo:modified", "repo:refs_changed"],
        )
        .expect("a repository");
    lab.dc
        .announce_empty_push(REPOSITORY, "mara")
        .await
        .expect("a repository");
    lab.dc
        .rename_repository(REPOSITORY, "books", "mara")
        .await
        .expect("a free slug");
    lab.dc
        .move_repository("FIN/books", "OPS", "mara")
        .await
        .expect("a free slug");
    lab.dc.settled().await;
    let all = lab.dc.deliveries("OPS/books").expect("a repository");
    let bodies: Vec<Value> = all.iter().map(body).collect();
    assert_eq!(
        (&bodies[0]["changes"], &bodies[0]["repository"]["id"]),
        (&json!([]), &json!(id.0))
    );
    assert_eq!(
        (&bodies[1]["old"]["slug"], &bodies[1]["new"]["slug"]),
        (&json!("ledger"), &json!("books"))
    );
    assert!(bodies[1].get("repository").is_none());
    assert_eq!(
        (
            &bodies[2]["old"]["project"]["key"],
            &bodies[2]["new"]["project"]["key"]
        ),
        (&json!("FIN"), &json!("OPS"))
    );
}

#[tokio::test]
async fn a_failed_delivery_is_never_repeated_and_a_failing_receiver_is_left_alone() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    receiver.answer_with(503);
    lab.dc
        .add_webhook(REPOSITORY, &receiver.url, None, &["repo:refs_changed"])
        .expect("a repository");
    let push = async |number: usize| {
        let text = number.to_string();
        lab.dc
            .commit(REPOSITORY, "main", &[("n.txt", &text)], &text, "mara")
            .await
            .expect("a commit");
        lab.dc.settled().await;
    };
    for number in 0..6 {
        push(number).await;
    }
    let states: Vec<(DeliveryState, usize)> = deliveries(&lab)
        .await
        .iter()
        .map(|delivery| (delivery.state, delivery.attempts.len()))
        .collect();
    assert_eq!(states[..5], [(DeliveryState::Done, 1); 5], "sent once each");
    assert_eq!(
        states[5],
        (DeliveryState::Skipped, 0),
        "the breaker is open"
    );
    receiver.answer_with(200);
    lab.clock.advance(Duration::from_secs(10));
    push(6).await;
    push(7).await;
    let last: Vec<DeliveryState> = deliveries(&lab).await[6..]
        .iter()
        .map(|delivery| delivery.state)
        .collect();
    assert_eq!(last, [DeliveryState::Done; 2]);
}

#[tokio::test]
async fn the_connection_test_sends_an_unsigned_ping() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    let made = lab
        .post(
            MARA,
            &ledger("/webhooks"),
            hook(&receiver.url, &["repo:refs_changed"]),
        )
        .await
        .expect(201);
    let url =
        percent_encoding::utf8_percent_encode(&receiver.url, percent_encoding::NON_ALPHANUMERIC);
    let path = ledger(&format!(
        "/webhooks/test?webhookId={}&url={url}",
        made["id"]
    ));
    let answer = lab.ask(MARA, Method::POST, &path, None).await.expect(200);
    assert_eq!(answer["response"]["statusCode"], 200);
    let ping = lab
        .dc
        .read(|tables| tables.deliveries.values().last().cloned())
        .expect("a delivery");
    assert_eq!(
        (
            header(&ping, "X-Event-Key"),
            header(&ping, "X-Hub-Signature")
        ),
        (Some("diagnostics:ping"), None)
    );
    assert_eq!(body(&ping), json!({ "test": true }));
    lab.ask(MARA, Method::POST, &ledger("/webhooks/test"), None)
        .await
        .expect(500);
    let dead = lab
        .ask(
            MARA,
            Method::POST,
            &ledger("/webhooks/test?url=http://127.0.0.1:9/"),
            None,
        )
        .await
        .expect(200);
    assert!(dead["response"]["error"]["message"].is_string());
}

#[tokio::test]
async fn the_last_delivery_and_the_counters_are_shown() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    let made = lab
        .post(
            MARA,
            &ledger("/webhooks"),
            hook(&receiver.url, &["repo:refs_changed"]),
        )
        .await
        .expect(201);
    let one = ledger(&format!("/webhooks/{}", made["id"]));
    lab.get(MARA, &format!("{one}/latest")).await.expect(204);
    lab.dc
        .commit(REPOSITORY, "main", &[("n.txt", "1")], "One", "mara")
        .await
        .expect("a commit");
    lab.dc.settled().await;
    receiver.answer_with(410);
    lab.dc
        .commit(REPOSITORY, "main", &[("n.txt", "2")], "Two", "mara")
        .await
        .expect("a commit");
    lab.dc.settled().await;
    let latest = lab.get(MARA, &format!("{one}/latest")).await.expect(200);
    assert_eq!(
        (&latest["event"], &latest["result"]["outcome"]),
        (&json!("repo:refs_changed"), &json!("FAILURE"))
    );
    let success = lab
        .get(MARA, &format!("{one}/latest?outcome=SUCCESS"))
        .await
        .expect(200);
    assert_eq!(success["result"]["description"], "200");
    let counts = lab
        .get(MARA, &format!("{one}/statistics"))
        .await
        .expect(200);
    assert_eq!(
        counts["counts"],
        json!({ "successes": 1, "failures": 1, "errors": 0 })
    );
    let summary = lab
        .get(MARA, &format!("{one}/statistics/summary"))
        .await
        .expect(200);
    assert_eq!(summary["repo:refs_changed"]["counts"]["failures"], 1);
    let listed = lab
        .get(MARA, &ledger("/webhooks?statistics=true"))
        .await
        .expect(200);
    assert_eq!(
        listed["values"][0]["statistics"]["repo:refs_changed"]["counts"]["successes"],
        1
    );
}

#[tokio::test]
async fn a_projects_webhook_hears_of_all_its_repositories() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    let made = lab
        .post(
            MARA,
            "/rest/api/1.0/projects/FIN/webhooks",
            hook(&receiver.url, &["repo:refs_changed"]),
        )
        .await
        .expect(201);
    assert_eq!(made["scopeType"], "project");
    lab.dc
        .commit("FIN/handbook", "main", &[("n.txt", "1")], "One", "mara")
        .await
        .expect("a commit");
    lab.dc.settled().await;
    assert_eq!(
        lab.dc
            .deliveries("FIN/handbook")
            .expect("a repository")
            .len(),
        1
    );
    let found = lab
        .get(
            MARA,
            &ledger("/webhooks/search?scopeType=repository&scopeType=project"),
        )
        .await
        .expect(200);
    assert_eq!(found["size"], 1);
    assert_eq!(
        lab.get(MARA, &ledger("/webhooks/search?scopeType=repository"))
            .await
            .expect(200)["size"],
        0
    );
}

#[tokio::test]
async fn credentials_of_a_webhook_are_sent_and_never_shown() {
    let lab = Lab::start().await;
    let receiver = Receiver::start().await;
    let mut wanted = hook(&receiver.url, &["repo:refs_changed"]);
    wanted["credentials"] = json!({ "username": "gate", "password": "keeper" });
    let made = lab
        .post(MARA, &ledger("/webhooks"), wanted)
        .await
        .expect(201);
    assert_eq!(made["credentials"], json!({ "username": "gate" }));
    lab.dc
        .commit(REPOSITORY, "main", &[("n.txt", "1")], "One", "mara")
        .await
        .expect("a commit");
    let all = deliveries(&lab).await;
    assert_eq!(
        header(&all[0], "Authorization"),
        Some("Basic Z2F0ZTprZWVwZXI=")
    );
}
