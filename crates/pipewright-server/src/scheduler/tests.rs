//! The server may be killed at any instruction: each transaction is dropped at each of its waits, and what is stored is
//! then either as before or as after, never between.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::{ArtifactId, BuildId, RunnerId};
use pipewright_core::wire::{ArtifactKind, AttemptReport, NewArtifact};
use pipewright_runner::runner::Dispatcher;
use pipewright_store::builds::{self, Build};
use pipewright_store::deliveries;
use pipewright_store::runners::{RunnerKind, register};
use pipewright_store::{artifacts, attempts, decisions, output_variables, statuses, steps};

use super::EmbeddedDispatcher;
use crate::builds::PlanLane;
use crate::clock::ManualClock;
use crate::deliveries::decide::DecideLane;
use crate::ground::Lane;
use crate::testing::{PIPELINE, TestOptions, TestServer};

/// More polls than anything here takes.
pub(crate) const MANY: usize = 300;

/// Runs a future for this many polls and drops it. True if it was done by then.
pub(crate) async fn interrupted<T>(polls: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Waits for a commit that was under way when its future was dropped: the database has one writer, so whoever begins next
/// comes after it.
pub(crate) async fn written(server: &TestServer) {
    let tx = server.app.db.begin().await.expect("begins");
    tx.rollback().await.expect("nothing was written");
}

/// A server in which nothing happens by itself.
async fn still() -> TestServer {
    TestServer::with(TestOptions {
        works: false,
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await
}

/// A runner that can claim.
async fn a_runner(server: &TestServer) -> RunnerId {
    let (runner, now) = (RunnerId::new(), server.app.clock.now());
    let mut tx = server.app.db.begin().await.expect("begins");
    register(&mut tx, runner, "test", RunnerKind::Embedded, 1, now)
        .await
        .expect("registers");
    tx.commit().await.expect("commits");
    runner
}

async fn of_branch(server: &TestServer, branch: &str) -> Vec<Build> {
    server
        .builds()
        .await
        .into_iter()
        .filter(|build| build.ref_name.short() == branch)
        .collect()
}

async fn drain<L: Lane>(lane: &L, key: L::Key) {
    while let Some(unit) = lane.next(key).await.expect("reads") {
        lane.step(unit).await.expect("moves");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deciding_is_all_or_nothing_and_happens_once() {
    let server = still().await;
    let lane = DecideLane(server.app.clone());
    let repository = server.repository_id();
    let mut whole = 0;
    for polls in 0..MANY {
        let branch = format!("branch-{polls}");
        let id = server.deliver(&branch, None, &"a".repeat(40)).await;
        let unit = lane
            .next(repository)
            .await
            .expect("reads")
            .expect("the delivery");
        whole += usize::from(Box::pin(interrupted(polls, lane.step(unit))).await);
        written(&server).await;
        let delivery = deliveries::get(&server.app.db, server.account(), id)
            .await
            .expect("reads")
            .expect("the delivery");
        let made = decisions::of_delivery(&server.app.db, server.account(), id)
            .await
            .expect("reads")
            .len();
        let decided = usize::from(delivery.state == deliveries::DeliveryState::Decided);
        assert_eq!(
            [made, of_branch(&server, &branch).await.len()],
            [decided; 2],
            "after {polls} polls"
        );
        // Whoever comes next finds what is left to do, and does it once.
        drain(&lane, repository).await;
        assert_eq!(
            of_branch(&server, &branch).await.len(),
            1,
            "after {polls} polls"
        );
        if whole > 3 {
            return;
        }
    }
    panic!("deciding was never whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_claiming_and_ending_are_all_or_nothing() {
    let server = still().await;
    let repository = server.repository_id();
    let commit = server.push("main", PIPELINE).await;
    let (decide, plan) = (DecideLane(server.app.clone()), PlanLane(server.app.clone()));
    let runner = a_runner(&server).await;
    // The commit is brought into the mirror once; the branches after it are only names of it.
    server.deliver("main", None, &commit).await;
    drain(&decide, repository).await;
    drain(&plan, repository).await;
    let mut whole = 0;
    for polls in 0..MANY {
        let branch = format!("branch-{polls}");
        server.deliver(&branch, None, &commit).await;
        drain(&decide, repository).await;
        let build = of_branch(&server, &branch).await.remove(0).id;
        let unit = plan
            .next(repository)
            .await
            .expect("reads")
            .expect("the build");
        let planned = Box::pin(interrupted(polls, plan.step(unit))).await;
        written(&server).await;
        is_planned_whole_or_not(&server, build, polls).await;
        drain(&plan, repository).await;

        let claiming = EmbeddedDispatcher::new(server.app.clone(), runner);
        let claimed = Box::pin(interrupted(polls, claiming.claim(100))).await;
        written(&server).await;
        // What was claimed and not handed out comes back: the process died.
        EmbeddedDispatcher::new(server.app.clone(), runner)
            .begin(&[])
            .await
            .expect("ends");
        let ended = end(
            &server,
            &EmbeddedDispatcher::new(server.app.clone(), runner),
            build,
            polls,
        )
        .await;
        whole += usize::from(planned && claimed && ended);
        if whole > 3 {
            return;
        }
    }
    panic!("planning, claiming and ending were never whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_step_had_put_already_is_not_kept() {
    let server = still().await;
    let repository = server.repository_id();
    let (decide, plan) = (DecideLane(server.app.clone()), PlanLane(server.app.clone()));
    let runner = a_runner(&server).await;
    let commit = server.push("main", PIPELINE).await;
    for (branch, outcome, kept) in [
        ("main", AttemptOutcome::Stopped, 0),
        ("lost", AttemptOutcome::Lost, 0),
        ("failed", AttemptOutcome::Failed, 1),
    ] {
        server.deliver(branch, None, &commit).await;
        drain(&decide, repository).await;
        drain(&plan, repository).await;
        let build = of_branch(&server, branch).await.remove(0).id;
        let dispatcher = EmbeddedDispatcher::new(server.app.clone(), runner);
        let assignment = dispatcher
            .claim(1)
            .await
            .expect("claims")
            .pop()
            .expect("the attempt");
        let artifact = NewArtifact {
            id: ArtifactId::new(),
            position: 0,
            name: "dist".to_owned(),
            kind: ArtifactKind::Shared,
            files: 1,
            bytes: 4,
            listing: vec![("app".to_owned(), 4)],
        };
        let (attempt, lease) = (assignment.attempt, assignment.lease);
        dispatcher
            .put_artifact(attempt, lease, &artifact, Box::pin(&b"file"[..]))
            .await
            .expect("is put");
        let output_variables = vec![("VERSION".to_owned(), "7".to_owned())];
        let report = AttemptReport {
            output_variables,
            ..AttemptReport::of(outcome, None, None)
        };
        dispatcher
            .finished(attempt, lease, report)
            .await
            .expect("ends");
        assert_eq!(
            artifacts::of_build(&server.app.db, build)
                .await
                .expect("reads")
                .len(),
            kept,
            "{outcome:?}"
        );
        let mut tx = server.app.db.begin().await.expect("begins");
        assert_eq!(
            output_variables::of_build(&mut tx, &server.app.vault, build)
                .await
                .expect("reads")
                .len(),
            kept,
            "{outcome:?}"
        );
        tx.rollback().await.expect("ends");
        // What was lost is queued again, and must not be claimed by the next.
        for again in dispatcher.claim(9).await.expect("claims") {
            let stopped = AttemptReport::of(AttemptOutcome::Failed, None, None);
            dispatcher
                .finished(again.attempt, again.lease, stopped)
                .await
                .expect("ends");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_failed_while_the_disk_was_full_runs_again_and_not_for_ever() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let server = TestServer::with(TestOptions {
        works: false,
        runner_slots: 0,
        clock: Some(Arc::clone(&clock)),
        ..TestOptions::default()
    })
    .await;
    let repository = server.repository_id();
    let (decide, plan) = (DecideLane(server.app.clone()), PlanLane(server.app.clone()));
    let dispatcher = EmbeddedDispatcher::new(server.app.clone(), a_runner(&server).await);
    let commit = server.push("main", PIPELINE).await;
    server.deliver("main", None, &commit).await;
    drain(&decide, repository).await;
    drain(&plan, repository).await;
    let build = of_branch(&server, "main").await.remove(0).id;
    for number in 1..=4 {
        // A machine that gave a step back rests for a while.
        clock.advance(Duration::from_mins(2));
        let claimed = dispatcher.claim(1).await.expect("claims").remove(0);
        let (attempt, lease) = (claimed.attempt, claimed.lease);
        dispatcher.ran_short(attempt, "the disk had only 1 MB left");
        let failed = AttemptReport::of(AttemptOutcome::Failed, Some(1), None);
        dispatcher
            .finished(attempt, lease, failed)
            .await
            .expect("ends");
        let ended = attempts::of_build(&server.app.db, build)
            .await
            .expect("reads")
            .into_iter()
            .find(|one| one.id == attempt)
            .expect("the attempt");
        let message = ended.message.unwrap_or_default();
        assert!(message.contains("only 1 MB left"), "{message}");
        let state = of_branch(&server, "main").await.remove(0).state;
        assert_eq!(
            (ended.outcome, state.is_finished()),
            if number < 4 {
                (Some(AttemptOutcome::Interrupted), false)
            } else {
                (Some(AttemptOutcome::Failed), true)
            },
            "attempt {number}: {message}"
        );
    }
}

/// Rows of steps, attempts and statuses are there exactly where the build is planned.
async fn is_planned_whole_or_not(server: &TestServer, id: BuildId, polls: usize) {
    let build = builds::get(&server.app.db, server.account(), id)
        .await
        .expect("reads")
        .expect("the build");
    let rows = steps::list(&server.app.db, id).await.expect("reads").len();
    let queued = attempts::of_build(&server.app.db, id)
        .await
        .expect("reads")
        .len();
    let told = statuses::of_build(&server.app.db, id)
        .await
        .expect("reads")
        .len();
    assert_eq!(
        [rows, queued, told],
        [usize::from(build.planned_at.is_some()); 3],
        "after {polls} polls"
    );
}

/// Claims everything, and interrupts the end of this build's attempt.
async fn end(
    server: &TestServer,
    dispatcher: &EmbeddedDispatcher,
    id: BuildId,
    polls: usize,
) -> bool {
    let report = || AttemptReport::of(AttemptOutcome::Passed, Some(0), None);
    let mut ended = false;
    for assignment in dispatcher.claim(100).await.expect("claims") {
        let (attempt, lease) = (assignment.attempt, assignment.lease);
        if assignment.build == id {
            ended = Box::pin(interrupted(
                polls,
                dispatcher.finished(attempt, lease, report()),
            ))
            .await;
            written(server).await;
            let build = builds::get(&server.app.db, server.account(), id)
                .await
                .expect("reads")
                .expect("the build");
            let last = attempts::of_build(&server.app.db, id)
                .await
                .expect("reads")
                .pop()
                .expect("an attempt");
            let told = statuses::of_build(&server.app.db, id)
                .await
                .expect("reads")
                .len();
            let over = last.outcome.is_some();
            assert_eq!(
                (over, told),
                (build.state.is_finished(), 1 + usize::from(over)),
                "after {polls} polls"
            );
            if over {
                continue;
            }
        }
        dispatcher
            .finished(attempt, lease, report())
            .await
            .expect("ends");
    }
    let build = builds::get(&server.app.db, server.account(), id)
        .await
        .expect("reads")
        .expect("the build");
    assert!(
        build.state.is_finished(),
        "after {polls} polls: {}",
        build.state.as_str()
    );
    ended
}
