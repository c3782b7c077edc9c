//! Builds by the clock, in the whole server with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use pipewright_core::{Timestamp, TriggerKind};
use pipewright_server::ManualClock;
use pipewright_server::testing::{PIPELINE, TestOptions, TestServer};

const HOUR: Duration = Duration::from_hours(1);

/// A server at 2027-01-15T08:00:01Z, with a build of `main`.
async fn server() -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let server = TestServer::with(TestOptions {
        clock: Some(Arc::clone(&clock)),
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    (server, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_builds_its_branch_at_its_time_and_of_missed_times_the_newest() {
    let (mut server, clock) = server().await;
    let id = server.schedule("main", "0 * * * *", "Europe/Berlin").await;
    clock.advance(HOUR);
    let build = server.expect_build(2, "passed").await;
    let due = build.detail.schedule.clone().expect("a due time");
    assert_eq!(
        (build.trigger, due.id, due.missed),
        (TriggerKind::Schedule, id, 0)
    );
    assert_eq!(due.due_at, Timestamp::from_seconds(1_800_000_000 + 3600));

    // The server is down for three hours.
    server.kill().await;
    clock.advance(HOUR * 3);
    server.restart().await;
    let late = server
        .expect_build(3, "passed")
        .await
        .detail
        .schedule
        .expect("a due time");
    assert_eq!(
        (late.due_at, late.missed),
        (Timestamp::from_seconds(1_800_000_000 + 4 * 3600), 2)
    );
    assert_eq!(server.builds().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_gone_is_said_and_the_next_time_is_tried_again() {
    let (server, clock) = server().await;
    server.push("short", PIPELINE).await;
    server.expect_build(2, "passed").await;
    let id = server.schedule("short", "0 * * * *", "UTC").await;
    server
        .bitbucket()
        .delete_branch(server.repository(), "short", "mara")
        .await
        .expect("deletes");
    clock.advance(HOUR);
    let said = server
        .until("a sentence", async || server.schedule_now(id).await.message)
        .await;
    assert!(
        said.contains("09:00") && said.contains("there is no branch short"),
        "{said}"
    );
    server.push("short", PIPELINE).await;
    server.expect_build(3, "passed").await;
    clock.advance(HOUR);
    let build = server.expect_build(4, "passed").await;
    assert_eq!(build.trigger, TriggerKind::Schedule);
    assert_eq!(server.schedule_now(id).await.message, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_access_is_said_and_the_schedule_goes_on() {
    let (server, clock) = server().await;
    let id = server.schedule("main", "0 * * * *", "UTC").await;
    server.revoke_access();
    clock.advance(HOUR);
    let said = server
        .until("a sentence", async || server.schedule_now(id).await.message)
        .await;
    assert!(said.contains("No build"), "{said}");
    let schedule = server.schedule_now(id).await;
    assert!(
        schedule.spec.is_on && schedule.next_at.is_some(),
        "it keeps trying"
    );
}
