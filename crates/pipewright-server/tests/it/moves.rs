//! Which push is which: branches and tags that come back to a commit they had before, pushes told twice, late and in another
//! order, and pull requests that go somewhere else. On both products.

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};
use pipewright_simulator::{NewPullRequest, Product, PullRequestChange, RefUpdate, sign};
use rstest::rstest;

async fn server(product: Product, cancel_superseded: bool) -> TestServer {
    TestServer::with(TestOptions {
        product,
        cancel_superseded,
        ..TestOptions::default()
    })
    .await
}

async fn moves(server: &TestServer, update: RefUpdate) {
    server
        .bitbucket()
        .push(server.repository(), &[update], "mara")
        .await
        .expect("the push is taken");
}

/// The commits of all builds, in order, once there are so many.
async fn built(server: &TestServer, count: usize) -> Vec<String> {
    server
        .until(&format!("{count} builds"), async || {
            let builds = server.builds().await;
            (builds.len() >= count).then(|| {
                builds
                    .iter()
                    .map(|build| build.commit.as_str().to_owned())
                    .collect()
            })
        })
        .await
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_to_an_old_commit_is_built_again_and_a_resend_is_not(
    #[case] product: Product,
) {
    let server = server(product, false).await;
    let first = server.push("main", PIPELINE).await;
    server.bitbucket().faults().duplicate_webhooks(1);
    let second = server.push_script("main", &["true"]).await;
    moves(&server, RefUpdate::branch("main").to(&first)).await;
    moves(&server, RefUpdate::branch("main").to(&second)).await;
    // A branch deleted and made again, and a tag that moves to and fro.
    moves(&server, RefUpdate::branch("again").to(&first)).await;
    moves(&server, RefUpdate::branch("again").delete()).await;
    moves(&server, RefUpdate::branch("again").to(&first)).await;
    for commit in [&first, &second, &first] {
        moves(&server, RefUpdate::tag("production").to(commit)).await;
    }
    let expected = [
        &first, &second, &first, &second, &first, &first, &first, &second, &first,
    ];
    let all = built(&server, expected.len()).await;
    assert_eq!(all.iter().collect::<Vec<_>>(), expected);
    server.bitbucket().settled().await;
    server.compare_refs().await;
    server.expect_deliveries(10).await;
    assert_eq!(server.builds().await.len(), expected.len());
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn pushes_told_last_first_leave_the_newest_alone(#[case] product: Product) {
    let server = server(product, true).await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.bitbucket().faults().reorder_webhooks(3);
    let mut newest = String::new();
    for number in 1..=3 {
        newest = server
            .push_files(
                "main",
                &[
                    ("bitbucket-pipelines.yml", PIPELINE),
                    ("a", &number.to_string()),
                ],
                "more",
            )
            .await;
    }
    built(&server, 4).await;
    let build = server
        .until("the newest build's end", async || {
            server
                .builds()
                .await
                .into_iter()
                .find(|build| build.commit.as_str() == newest && build.state.is_finished())
        })
        .await;
    assert_eq!(build.state.as_str(), "passed");
    assert_eq!(server.builds().await.len(), 4, "each push once");
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_a_comparison_found_first_is_not_built_again_when_it_is_told(
    #[case] product: Product,
) {
    let server = server(product, false).await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.bitbucket().faults().hold_webhooks();
    server.push_script("main", &["true"]).await;
    server.compare_refs().await;
    server.expect_build(2, "passed").await;
    server.bitbucket().faults().clear();
    server.bitbucket().release_webhooks();
    let reasons = server.reasons(3).await;
    assert_eq!(reasons, ["built", "built", "duplicate"]);
    assert_eq!(server.builds().await.len(), 2);
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_into_another_branch_is_built_again(#[case] product: Product) {
    let server = server(product, false).await;
    let pipeline = "pipelines:\n  pull-requests:\n    '**':\n      - step: {script: ['echo into $BITBUCKET_PR_DESTINATION_BRANCH']}\n";
    server.push("main", pipeline).await;
    let bitbucket = server.bitbucket().clone();
    bitbucket
        .create_branch(server.repository(), "release", "main", "mara")
        .await
        .expect("a branch");
    server.push_files("feature", &[("a", "1")], "gift").await;
    let number = bitbucket
        .open_pull_request(NewPullRequest {
            repository: server.repository(),
            title: "Gift",
            source: "feature",
            source_repository: None,
            destination: "main",
            author: "mara",
        })
        .await
        .expect("opens");
    for destination in ["release", "main"] {
        let change = PullRequestChange {
            destination: Some(destination),
            ..PullRequestChange::default()
        };
        bitbucket
            .update_pull_request(server.repository(), number, change, "mara")
            .await
            .expect("goes elsewhere");
    }
    let into = server
        .until("three builds of it", async || {
            let builds = server.builds().await;
            let into: Vec<String> = builds
                .iter()
                .filter_map(|build| Some(build.detail.pull_request.as_ref()?.destination.clone()))
                .collect();
            (into.len() >= 3).then_some(into)
        })
        .await;
    assert_eq!(into, ["main", "release", "main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_we_compare_refs() {
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
    let body = serde_json::json!({"changes": [{"name": "refs/heads/main", "new": "a".repeat(40)}]})
        .to_string();
    let answer = reqwest::Client::new()
        .post(&webhook.url)
        .header("x-event-key", "pipewright:refs_compared")
        .header("x-request-id", "forged")
        .header("x-hub-signature", sign(&secret, body.as_bytes()))
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), reqwest::StatusCode::BAD_REQUEST);
    assert!(server.expect_deliveries(0).await.is_empty());
    assert!(server.builds().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_choose_required_builds_by_the_applications_name() {
    let server = server(Product::Datacenter, false).await;
    let commit = server.push("main", PIPELINE).await;
    server.expect_status(&commit, "SUCCESSFUL").await;
    let writes = server
        .bitbucket()
        .statuses(server.repository(), &commit)
        .expect("the repository");
    for write in writes {
        let parent = write.extra.get("parent").and_then(|parent| parent.as_str());
        assert!(
            parent.is_some_and(|parent| parent.starts_with("pipewright/") && parent.len() < 40),
            "{parent:?}"
        );
    }
}
