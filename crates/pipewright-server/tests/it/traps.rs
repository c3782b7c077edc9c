//! Traps of Bitbucket that end in the server, each named after its number.

use std::time::Duration;

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};
use pipewright_simulator::{Product, RefUpdate, Version};
use rstest::rstest;

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn t1_every_ref_of_one_push_is_built(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    let updates: Vec<RefUpdate> = (0..6)
        .map(|number| {
            RefUpdate::branch(&format!("feature/{number}"))
                .commit(&[("a", &number.to_string())], "x")
        })
        .collect();
    server
        .bitbucket()
        .push(server.repository(), &updates, "mara")
        .await
        .expect("one push");
    let builds = server
        .until("seven builds", async || {
            Some(server.builds().await).filter(|builds| builds.len() == 7)
        })
        .await;
    let mut names: Vec<_> = builds[1..]
        .iter()
        .map(|build| build.ref_name.short().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        (0..6)
            .map(|number| format!("feature/{number}"))
            .collect::<Vec<_>>()
    );
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn t11_a_deleted_ref_builds_nothing_and_stops_what_runs_for_it(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        cancel_superseded: true,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.push_script("gone", &["sleep 600"]).await;
    server.expect_build(2, "running").await;
    server
        .bitbucket()
        .delete_branch(server.repository(), "gone", "mara")
        .await
        .expect("deletes");
    server.expect_build(2, "stopped").await;
    let reasons = server.reasons(3).await;
    assert_eq!(reasons, ["built", "built", "deleted"]);
    assert_eq!(server.builds().await.len(), 2, "no build of nothing");
}

#[rstest]
#[case::cloud(Product::Cloud, None)]
#[case::data_center(Product::Datacenter, None)]
// Old servers name the tag object and nothing else.
#[case::old_data_center(Product::Datacenter, Some(Version::new(6, 10, 0)))]
#[tokio::test(flavor = "multi_thread")]
async fn t12_an_annotated_tag_builds_the_commit_it_points_to(
    #[case] product: Product,
    #[case] version: Option<Version>,
) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    if let Some(version) = version {
        server.simulator.datacenter().set_version(version);
    }
    let pipeline = "pipelines:\n  default:\n    - step: {script: [true]}\n  tags:\n    'v*':\n      - step: {script: ['echo tag $BITBUCKET_TAG']}\n";
    let commit = server.push("main", pipeline).await;
    server.expect_build(1, "passed").await;
    server
        .bitbucket()
        .create_tag(
            server.repository(),
            "v1.0",
            "main",
            Some("The first"),
            "mara",
        )
        .await
        .expect("a tag");
    let build = server.expect_build(2, "passed").await;
    assert_eq!(
        (build.ref_name.full(), build.commit.as_str()),
        ("refs/tags/v1.0", commit.as_str())
    );
    assert!(server.log(&build).await.contains("tag v1.0"));
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn t13_t20_hostile_names_are_built_and_never_run(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        runner_slots: 1,
        ..TestOptions::default()
    })
    .await;
    let names = [
        "feature/a/b",
        "100%",
        "a#b",
        "größe/日本",
        "a'b\"c",
        "$(touch${IFS}pwned)",
        "a;touch${IFS}pwned",
        "`touch${IFS}pwned`",
        "-rf",
    ];
    for name in names {
        server.push(name, "pipelines:\n  default:\n    - step:\n        script:\n          - printf 'branch=%s;\\n' \"$BITBUCKET_BRANCH\"\n          - test ! -e pwned\n").await;
    }
    for number in 1..=names.len() {
        let build = server.expect_build(number as i64, "passed").await;
        let log = server.log(&build).await;
        let line = format!("branch={};", build.ref_name.short());
        assert!(
            log.lines().any(|printed| printed == line),
            "{line} is not in {log}"
        );
        server
            .expect_status(build.commit.as_str(), "SUCCESSFUL")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_a_delivery_is_answered_while_everything_else_stands_still() {
    // Without a runner and with a Bitbucket that answers nothing, storing is all there is.
    let server = TestServer::with(TestOptions {
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await;
    server
        .bitbucket()
        .faults()
        .slow(Duration::from_mins(1), None);
    server.push("main", PIPELINE).await;
    let answered = server.until("an answer", async || {
        let sent = server
            .bitbucket()
            .deliveries(server.repository())
            .expect("the repository");
        sent.last()?.attempts.last().cloned()
    });
    let attempt = answered.await;
    assert!(attempt.outcome.is_success(), "{:?}", attempt.outcome);
    assert!(attempt.duration_ms < 5_000, "{} ms", attempt.duration_ms);
    server.bitbucket().faults().clear();
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_a_rate_limit_is_waited_for_and_every_status_is_closed() {
    let server = TestServer::start().await;
    server.bitbucket().faults().rate_limit_next(2, Some(1));
    let commit = server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.expect_status(&commit, "SUCCESSFUL").await;
}
