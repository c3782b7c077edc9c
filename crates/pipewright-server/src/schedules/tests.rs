//! A due time is built exactly once, wherever the server dies.

use std::sync::Arc;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::ScheduleId;
use pipewright_store::schedules;

use super::fire::look;
use crate::clock::{Clock, ManualClock};
use crate::scheduler::tests::{MANY, interrupted, written};
use crate::testing::{PIPELINE, TestOptions, TestServer};

/// How many builds there are of a schedule.
async fn builds_of(server: &TestServer, id: ScheduleId) -> usize {
    server
        .builds()
        .await
        .iter()
        .filter(|build| {
            build
                .detail
                .schedule
                .as_ref()
                .is_some_and(|schedule| schedule.id == id)
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_time_is_built_once_wherever_the_server_dies() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let options = TestOptions {
        works: false,
        runner_slots: 0,
        clock: Some(Arc::clone(&clock)),
        ..TestOptions::default()
    };
    let server = TestServer::with(options).await;
    server.push("main", PIPELINE).await;
    let far = Timestamp::from_seconds(4_000_000_000);
    let mut whole = 0;
    for polls in 0..MANY {
        let id = server.schedule("main", "0 * * * *", "UTC").await;
        let due = server.schedule_now(id).await.next_at.expect("a next time");
        clock.advance(Duration::from_hours(1));
        whole += usize::from(Box::pin(interrupted(polls, look(&server.app))).await);
        written(&server).await;

        // Either it is still due, or it waits for its build, or it has it: never two of them, never none.
        let is_due = server.schedule_now(id).await.next_at == Some(due);
        let waits = schedules::firings(&server.app.db, far, 1000)
            .await
            .expect("reads")
            .len();
        let built = builds_of(&server, id).await;
        assert_eq!(
            usize::from(is_due) + waits + built,
            1,
            "after {polls} polls: due {is_due}, waits {waits}, built {built}"
        );

        // Whoever comes next finds what is left to do, and does it once.
        for _ in 0..2 {
            look(&server.app).await.expect("looks");
            assert_eq!(builds_of(&server, id).await, 1, "after {polls} polls");
        }
        let after = server.schedule_now(id).await;
        assert_eq!(
            (after.next_at > Some(clock.now()), after.message),
            (true, None)
        );
        let mut tx = server.app.db.begin().await.expect("begins");
        schedules::delete(&mut tx, server.account(), id)
            .await
            .expect("deletes");
        tx.commit().await.expect("commits");
        if whole > 3 {
            return;
        }
    }
    panic!("firing was never whole");
}
