//! Somebody sets the clock while the server works: nothing runs twice, and nothing waits for the clock to come back.

use std::sync::Arc;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};
use pipewright_server::{Clock as _, ManualClock};

const DAY: Duration = Duration::from_hours(24);

async fn server() -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let options = TestOptions {
        clock: Some(Arc::clone(&clock)),
        ..TestOptions::default()
    };
    (TestServer::with(options).await, clock)
}

async fn compared_at(server: &TestServer) -> Option<Timestamp> {
    pipewright_store::applications::get(&server.app.db, server.application())
        .await
        .expect("reads")
        .and_then(|found| found.refs_compared_at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forward_takes_no_running_step_away() {
    let (server, clock) = server().await;
    let (begun, go_on) = (
        server.directory().join("begun"),
        server.directory().join("go-on"),
    );
    let script = format!(
        "touch '{}'; until [ -e '{}' ]; do sleep 0.05; done",
        begun.display(),
        go_on.display()
    );
    server.push_script("main", &[&script]).await;
    server
        .until("the step runs", async || begun.exists().then_some(()))
        .await;
    let tomorrow = clock.now() + DAY;
    clock.set(tomorrow);
    // The loops that look every few seconds have looked since: leases as often as refs.
    for _ in 0..2 {
        let now = clock.now() + Duration::from_hours(2);
        clock.set(now);
        server
            .until("a comparison", async || {
                (compared_at(&server).await >= Some(now)).then_some(())
            })
            .await;
    }
    std::fs::write(&go_on, "").expect("goes on");
    let build = server.expect_build(1, "passed").await;
    let attempts = pipewright_store::attempts::of_build(&server.app.db, build.id)
        .await
        .expect("reads");
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_keeps_no_lost_push_waiting() {
    let (mut server, clock) = server().await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    clock.set(clock.now() - DAY);
    server.lose_next_webhook();
    server.push_script("main", &["echo again"]).await;
    server.expect_build(2, "passed").await;
    // And what the clock showed before is no reason to wait at a start either.
    clock.set(clock.now() - DAY);
    server.kill().await;
    server.push("other", PIPELINE).await;
    server.bitbucket().settled().await;
    server.restart().await;
    server.expect_build(3, "passed").await;
}
