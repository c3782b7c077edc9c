//! Pull requests: one's own are built from their source, those of forks are listed and not built.

use pipewright_server::testing::{TestOptions, TestServer};
use pipewright_simulator::{NewPullRequest, Product, PullRequestChange};
use rstest::rstest;

const PIPELINE: &str = "pipelines:\n  default:\n    - step: {script: ['echo push']}\n  pull-requests:\n    '**':\n      - step: {script: ['echo request $BITBUCKET_PR_ID into $BITBUCKET_PR_DESTINATION_BRANCH']}\n";

fn a_request<'a>(
    repository: &'a str,
    source: &'a str,
    fork: Option<&'a str>,
) -> NewPullRequest<'a> {
    NewPullRequest {
        repository,
        title: "Gift cards",
        source,
        source_repository: fork,
        destination: "main",
        author: "mara",
    }
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn ones_own_is_built_when_it_is_opened_and_when_its_source_moves(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server
        .push_files("feature/gift", &[("a", "1")], "gift cards")
        .await;
    server.expect_build(2, "passed").await;
    let bitbucket = server.bitbucket().clone();
    let number = bitbucket
        .open_pull_request(a_request(server.repository(), "feature/gift", None))
        .await
        .expect("opens");
    let build = server.expect_build(3, "passed").await;
    assert_eq!(
        (build.trigger.as_str(), build.ref_name.short()),
        ("pull_request", "feature/gift")
    );
    assert_eq!(
        build.commit.as_str().len(),
        40,
        "a shortened commit is asked for"
    );
    assert!(
        server
            .log(&build)
            .await
            .contains(&format!("request {number} into main"))
    );
    // Another title is no other commit.
    let change = PullRequestChange {
        title: Some("Gift cards, again"),
        ..PullRequestChange::default()
    };
    bitbucket
        .update_pull_request(server.repository(), number, change, "mara")
        .await
        .expect("changes");
    let reasons = server.reasons(4).await;
    assert_eq!(reasons[2..], ["built", "duplicate"]);
    // A push moves it: built for the push, and for the request.
    server
        .push_files("feature/gift", &[("a", "2")], "more gift cards")
        .await;
    let builds = server
        .until("five builds", async || {
            Some(server.builds().await).filter(|builds| builds.len() == 5)
        })
        .await;
    let mut triggers: Vec<_> = builds[3..]
        .iter()
        .map(|build| build.trigger.as_str())
        .collect();
    triggers.sort_unstable();
    assert_eq!(triggers, ["pull_request", "push"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forks_is_listed_and_not_built() {
    let server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    let datacenter = server.simulator.datacenter();
    datacenter
        .add_project("OPS", "Operations")
        .expect("a project");
    datacenter
        .add_member(
            "OPS",
            "mara",
            pipewright_simulator::state::Permission::Admin,
        )
        .expect("a member");
    datacenter
        .fork(server.repository(), "OPS", "ledger", "mara")
        .await
        .expect("forks");
    datacenter
        .commit(
            "OPS/ledger",
            "evil",
            &[("a", "1")],
            "steal the secrets",
            "mara",
        )
        .await
        .expect("pushes");
    datacenter
        .open_pull_request(a_request(server.repository(), "evil", Some("OPS/ledger")))
        .await
        .expect("opens");
    let all = server
        .until("the decision", async || {
            Some(server.expect_deliveries(2).await)
        })
        .await;
    let last = &all.last().expect("a delivery").1[0];
    assert_eq!(last.reason, "fork");
    assert!(last.sentence.contains("OPS/ledger"), "{}", last.sentence);
    assert_eq!(server.builds().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn t15_a_pull_request_from_a_tag_is_built() {
    let server = TestServer::with(TestOptions {
        build_tags: false,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    let datacenter = server.simulator.datacenter();
    datacenter
        .create_tag(server.repository(), "v1", "main", None, "mara")
        .await
        .expect("a tag");
    datacenter
        .open_pull_request_from_tag(server.repository(), "Release", "v1", "main", "mara")
        .await
        .expect("opens");
    let build = server.expect_build(2, "passed").await;
    assert_eq!(
        (build.trigger.as_str(), build.ref_name.full()),
        ("pull_request", "refs/tags/v1")
    );
}

const MERGED: &str = "pipelines:\n  default:\n    - step: {script: ['echo push']}\n  pull-requests:\n    '**':\n      - step: {script: [ls, test -e dst, 'echo of $BITBUCKET_COMMIT at $(git rev-parse HEAD^1)']}\n      - step: {script: ['echo again $(git rev-parse HEAD)']}\n";

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_tested_is_what_will_be_merged(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    server.push("main", MERGED).await;
    server.expect_build(1, "passed").await;
    server
        .push_files("feature/gift", &[("src", "1")], "gift cards")
        .await;
    server.expect_build(2, "passed").await;
    server
        .push_files("main", &[("dst", "2")], "meanwhile")
        .await;
    let main = server.expect_build(3, "passed").await;
    let bitbucket = server.bitbucket().clone();
    bitbucket
        .open_pull_request(a_request(server.repository(), "feature/gift", None))
        .await
        .expect("opens");
    let build = server.expect_build(4, "passed").await;
    let request = build
        .detail
        .pull_request
        .clone()
        .expect("of a pull request");
    assert_eq!(request.merged, Some(main.commit), "both commits are kept");
    let log = server.log_of_step(&build, 1).await;
    assert!(
        log.contains(&format!("of {0} at {0}", build.commit)),
        "the variable is the source, the files are the merge: {log}"
    );
    // What cannot be merged is the author's matter.
    server
        .push_files("main", &[("src", "another")], "in the way")
        .await;
    server.expect_build(5, "passed").await;
    server
        .push_files("feature/gift", &[("src", "3")], "more gift cards")
        .await;
    let failed = server
        .until("the request's build", async || {
            let builds = server.builds().await;
            builds
                .into_iter()
                .find(|build| build.number > 5 && build.trigger.as_str() == "pull_request")
                .filter(|build| build.state.is_finished())
        })
        .await;
    assert_eq!(failed.state.as_str(), "failed");
    let log = server.log_of_step(&failed, 1).await;
    assert!(
        log.contains("The pull request cannot be merged: main at ")
            && log.contains(" conflicts with it in src; "),
        "{log}"
    );
}
