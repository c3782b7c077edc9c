//! What goes wrong at Bitbucket, and what people do about it here.

use std::time::{Duration, Instant};

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};

use crate::cable::Cable;

#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_revoked_is_said_and_nothing_else_breaks() {
    let server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.revoke_access();
    server
        .push_files("main", &[("a", "1")], "after the revocation")
        .await;
    let build = server.expect_build(2, "errored").await;
    let sentence = build.state_message.expect("a sentence");
    assert!(sentence.contains("econnect"), "{sentence}");
    // The server goes on: what needs no Bitbucket still works.
    let redelivered = server.expect_deliveries(2).await[1].0.id;
    server.redeliver(redelivered).await;
    assert_eq!(server.reasons(3).await, ["built", "built", "duplicate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_database_could_store_is_invalid_and_the_next_push_is_built() {
    let server = TestServer::start().await;
    let nul = "pipelines:\n  default:\n    - step: {name: \"a\\0b\", script: [\"echo \\x00\"], \"k\\u0000\": x}\n";
    server.push("main", nul).await;
    let build = server.expect_build(1, "invalid").await;
    let problems = build.diagnostics.to_string();
    assert!(
        problems.contains("NUL (U+0000)") && !problems.contains("\\u0000\""),
        "{problems}"
    );
    server.push("main", PIPELINE).await;
    server.expect_build(2, "passed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bitbucket_that_is_away_is_waited_for() {
    let server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.bitbucket().faults().fail_next(3, 503);
    let commit = server
        .push_files("main", &[("a", "1")], "while it is away")
        .await;
    server.expect_build(2, "passed").await;
    server.expect_status(&commit, "SUCCESSFUL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_goes_on_building() {
    let server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server
        .bitbucket()
        .rename_repository(server.repository(), "ledger-two", "mara")
        .await
        .expect("renames");
    server.expect_deliveries(2).await;
    let bitbucket = server.bitbucket().clone();
    let known = || pipewright_store::repositories::get(&server.app.db, server.repository_id());
    server
        .until("the new name", async || {
            known()
                .await
                .expect("reads")
                .filter(|found| found.slug == "ledger-two")
        })
        .await;
    let commit = bitbucket
        .commit(
            "FIN/ledger-two",
            "main",
            &[("a", "1")],
            "after the rename",
            "mara",
        )
        .await
        .expect("pushes");
    let build = server.expect_build(2, "passed").await;
    assert_eq!(build.commit.as_str(), commit);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_run_by_hand_and_one_that_is_not_there_is_named() {
    let server = TestServer::start().await;
    assert!(
        server
            .run_branch("main")
            .await
            .expect_err("nothing to run")
            .contains("empty")
    );
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    assert_eq!(server.run_branch("main").await, Ok(2));
    server.expect_build(2, "passed").await;
    assert!(
        server
            .run_branch("mian")
            .await
            .expect_err("no such branch")
            .contains("mian")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_that_are_not_selected_say_so() {
    let server = TestServer::with(TestOptions {
        branches: vec!["main", "release/*"],
        build_tags: false,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.push_files("feature/x", &[("a", "1")], "x").await;
    server
        .push_files("release/1", &[("a", "2")], "y [skip ci]")
        .await;
    server
        .bitbucket()
        .create_tag(server.repository(), "v1", "main", None, "mara")
        .await
        .expect("a tag");
    let all = server.expect_deliveries(4).await;
    let reasons: Vec<_> = all
        .iter()
        .map(|(_, made)| made[0].reason.as_str())
        .collect();
    assert_eq!(
        (reasons[0], reasons[1], reasons[3]),
        ("built", "branch_not_selected", "tag_not_selected")
    );
    let skipped = server
        .builds()
        .await
        .into_iter()
        .find(|build| build.ref_name.short() == "release/1");
    if let Some(build) = skipped {
        // Data Center of old does not say the message: then the file's commit does.
        server.expect_build(build.number, "skipped").await;
    } else {
        assert_eq!(reasons[2], "skip_marker");
    }
}

/// The whole way on PostgreSQL, where `PIPEWRIGHT_TEST_EMPTY_POSTGRES` names an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    use std::io::Write as _;

    let Ok(url) = std::env::var("PIPEWRIGHT_TEST_EMPTY_POSTGRES") else {
        writeln!(
            std::io::stderr(),
            "skipped on PostgreSQL: PIPEWRIGHT_TEST_EMPTY_POSTGRES is not set"
        )
        .expect("stderr");
        return;
    };
    let cable = Cable::to(&url).await;
    let mut server = TestServer::with(TestOptions {
        postgres: Some(cable.url.clone()),
        cancel_superseded: true,
        ..TestOptions::default()
    })
    .await;
    let commit = server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.expect_status(&commit, "SUCCESSFUL").await;
    server.push_script("main", &["sleep 600"]).await;
    server.expect_build(2, "running").await;
    server.restart().await;
    server.push_script("main", &["true"]).await;
    server.expect_build(2, "stopped").await;
    server.expect_build(3, "passed").await;

    // L13: nobody waits for a database that is not there.
    cable.cut(true);
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for (method, path) in [
        ("GET", "sign-in"),
        ("GET", "health"),
        ("POST", "hooks/unknown"),
    ] {
        let url = server.url.join(path).expect("an address");
        let method = method.parse().expect("a method");
        let begin = Instant::now();
        let answer = http.request(method, url).send().await.expect("an answer");
        assert_eq!(answer.status(), 503, "{path}");
        assert!(begin.elapsed() < SOON, "{path} took {:?}", begin.elapsed());
        assert!(
            path == "health" || answer.headers().contains_key("retry-after"),
            "{path} says when to come again"
        );
    }
    cable.cut(false);
    let health = server.url.join("health").expect("an address");
    server
        .until("the database is found again", async || {
            let answer = http.get(health.clone()).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    server.push_script("main", &["true"]).await;
    server.expect_build(4, "passed").await;
}

/// More than any answer waits for the database, and much less than Bitbucket's ten seconds.
const SOON: Duration = Duration::from_secs(4);
