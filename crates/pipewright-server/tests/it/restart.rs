//! The server may be killed at any instruction.

use std::time::{Duration, Instant};

use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_ran_when_the_server_died_runs_again_at_once() {
    let mut server = TestServer::start().await;
    let marker = server.directory().join("again");
    let script = format!(
        "if [ -e '{0}' ]; then echo second; else touch '{0}'; sleep 600; fi",
        marker.display()
    );
    let commit = server.push_script("main", &[&script]).await;
    server
        .until("the script runs", async || marker.exists().then_some(()))
        .await;
    server.kill().await;
    let begun = Instant::now();
    server.restart().await;
    let build = server.expect_build(1, "passed").await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "not only after its lease"
    );
    assert!(server.log(&build).await.contains("second"));
    server.expect_status(&commit, "SUCCESSFUL").await;
    assert_eq!(server.builds().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_while_the_server_was_down_is_found_at_its_start() {
    let mut server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    server.kill().await;
    server
        .push_files("main", &[("a", "1")], "while it was down")
        .await;
    server.push("other", PIPELINE).await;
    server.bitbucket().settled().await;
    server.restart().await;
    server.expect_build(2, "passed").await;
    server.expect_build(3, "passed").await;
    assert_eq!(server.builds().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_while_pushes_arrive_it_loses_none_and_builds_none_twice() {
    let mut server = TestServer::with(TestOptions {
        runner_slots: 2,
        ..TestOptions::default()
    })
    .await;
    let ran = server.directory().join("ran");
    std::fs::create_dir(&ran).expect("a directory");
    server.push_script("main", &["true"]).await;
    let mut commits = Vec::new();
    for round in 0..6 {
        for push in 0..3 {
            // Of two lost pushes of one branch only the last can be found, so each has its own.
            let branch = format!("branch-{round}-{push}");
            let script = format!("echo x >> '{}/{round}-{push}'", ran.display());
            commits.push(server.push_script(&branch, &[&script]).await);
        }
        // Wherever it stands: some rounds die at once, some later.
        let wait = if round % 2 == 0 { 1 } else { round as usize };
        server
            .until("some builds", async || {
                (server.builds().await.len() >= wait).then_some(())
            })
            .await;
        server.restart().await;
    }
    server
        .until("every commit built", async || {
            let builds = server.builds().await;
            let done = commits.iter().all(|commit| {
                builds.iter().any(|build| {
                    build.commit.as_str() == commit && build.state.as_str() == "passed"
                })
            });
            done.then_some(())
        })
        .await;
    let builds = server.builds().await;
    for commit in &commits {
        assert_eq!(
            builds
                .iter()
                .filter(|build| build.commit.as_str() == commit)
                .count(),
            1,
            "{commit} is built once"
        );
        server.expect_status(commit, "SUCCESSFUL").await;
    }
}
