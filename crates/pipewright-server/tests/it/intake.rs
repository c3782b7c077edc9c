//! Receiving: what is believed, what is stored, what is answered.

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};
use pipewright_simulator::{Product, sign};
use reqwest::StatusCode;
use rstest::rstest;

async fn send(
    url: &str,
    secret: Option<&str>,
    request: &str,
    event: &str,
    body: &str,
) -> (StatusCode, String) {
    let mut sent = reqwest::Client::new()
        .post(url)
        .header("x-event-key", event)
        .header("x-request-id", request)
        .body(body.to_owned());
    if let Some(secret) = secret {
        sent = sent.header("x-hub-signature", sign(secret, body.as_bytes()));
    }
    let answer = sent.send().await.expect("an answer");
    (answer.status(), answer.text().await.expect("a body"))
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_only_what_is_signed_with_the_webhooks_secret_is_believed() {
    let server = TestServer::with(TestOptions {
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await;
    let webhook = server
        .bitbucket()
        .webhooks(server.repository())
        .expect("the repository")
        .remove(0);
    let secret = webhook.secret.clone().expect("a secret");
    let body = "{\"changes\": []}";
    let post = async |secret: Option<&str>, request: &str, event: &str, body: &str| {
        send(&webhook.url, secret, request, event, body).await.0
    };
    assert_eq!(
        post(None, "a", "repo:refs_changed", body).await,
        StatusCode::UNAUTHORIZED,
        "unsigned"
    );
    assert_eq!(
        post(Some("guess"), "b", "repo:refs_changed", body).await,
        StatusCode::UNAUTHORIZED,
        "forged"
    );
    assert_eq!(
        post(None, "c", "diagnostics:ping", "{\"test\": true}").await,
        StatusCode::OK,
        "the unsigned ping"
    );
    assert!(
        server.expect_deliveries(0).await.is_empty(),
        "nothing of it is kept"
    );
    assert_eq!(
        post(Some(&secret), "d", "repo:refs_changed", "not json").await,
        StatusCode::ACCEPTED,
        "stored before it is read"
    );
    assert_eq!(
        post(Some(&secret), "d", "repo:refs_changed", "not json").await,
        StatusCode::OK,
        "known"
    );
    let kept = server.expect_deliveries(1).await;
    assert_eq!((kept.len(), kept[0].0.state.as_str()), (1, "failed"));
    assert!(
        kept[0]
            .0
            .message
            .as_ref()
            .expect("a sentence")
            .contains("repo:refs_changed")
    );
    let elsewhere = webhook.url.replace("/hooks/", "/hooks/x");
    assert_eq!(
        send(&elsewhere, Some(&secret), "e", "repo:refs_changed", body)
            .await
            .0,
        StatusCode::NOT_FOUND
    );
    let (status, sentence) = send(
        &webhook.url,
        Some(&secret),
        "f",
        "repo:refs_changed",
        &"x".repeat(2 << 20),
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(sentence.contains("1048576 bytes"), "{sentence}");
}

/// Whoever administers a repository of their own cannot have another one built by what its webhook signs.
#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_rightly_about_another_repository_builds_nothing(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await;
    let webhook = server
        .bitbucket()
        .webhooks(server.repository())
        .expect("the repository")
        .remove(0);
    let secret = webhook.secret.clone().expect("a secret");
    let hash = "a".repeat(40);
    let (key, body) = match product {
        Product::Cloud => (
            "repo:push",
            serde_json::json!({
                "repository": {"uuid": "{0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f}", "full_name": "evil/other"},
                "push": {"changes": [{"new": {"type": "branch", "name": "main", "target": {"hash": hash}}}]},
            }),
        ),
        Product::Datacenter => (
            "repo:refs_changed",
            serde_json::json!({
                "repository": {"id": 987_654, "slug": "other", "project": {"key": "EVIL"}},
                "changes": [{"refId": "refs/heads/main", "toHash": hash, "type": "ADD"}],
            }),
        ),
    };
    let body = body.to_string();
    for (secret, request, expected) in [
        (None, "a", StatusCode::UNAUTHORIZED),
        (Some("guess"), "b", StatusCode::UNAUTHORIZED),
        (Some(secret.as_str()), "c", StatusCode::ACCEPTED),
    ] {
        let (status, said) = send(&webhook.url, secret, request, key, &body).await;
        assert_eq!(status, expected, "{request}: {said}");
    }
    let kept = server.expect_deliveries(1).await;
    let reasons: Vec<&str> = kept
        .iter()
        .flat_map(|(_, decisions)| decisions)
        .map(|decision| decision.reason.as_str())
        .collect();
    assert_eq!(reasons, ["other_repository"]);
    assert!(server.builds().await.is_empty(), "nothing is built of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_delivery_twice_is_one_build_and_reordered_ones_lose_nothing() {
    let server = TestServer::start().await;
    server.bitbucket().faults().duplicate_webhooks(1);
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.bitbucket().faults().reorder_webhooks(2);
    server.push_files("main", &[("a", "1")], "second").await;
    let last = server.push_files("main", &[("a", "2")], "third").await;
    server.expect_build(3, "passed").await;
    let builds = server.builds().await;
    assert_eq!(builds.len(), 3);
    // Whatever came first: the refs stand where Bitbucket's stand, so comparing them finds nothing.
    server.compare_refs().await;
    assert_eq!(server.builds().await.len(), 3);
    assert!(builds.iter().any(|build| build.commit.as_str() == last));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deliveries_at_once_are_each_stored() {
    let server = TestServer::with(TestOptions {
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await;
    let webhook = server
        .bitbucket()
        .webhooks(server.repository())
        .expect("the repository")
        .remove(0);
    let secret = webhook.secret.clone().expect("a secret");
    let sent = (0..100).map(|number| {
        let (url, secret) = (webhook.url.clone(), secret.clone());
        tokio::spawn(async move {
            send(
                &url,
                Some(&secret),
                &format!("request-{number}"),
                "pr:comment:added",
                "{}",
            )
            .await
            .0
        })
    });
    for answer in sent.collect::<Vec<_>>() {
        assert_eq!(answer.await.expect("ends"), StatusCode::ACCEPTED);
    }
    assert_eq!(server.expect_deliveries(100).await.len(), 100);
}
