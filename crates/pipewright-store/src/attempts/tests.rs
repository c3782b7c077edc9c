//! What is kept of attempts, on each database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::build::{AttemptOutcome, StepOutcome, StepRun, StepState};
use pipewright_core::ids::{AttemptId, BuildId, RunnerId};
use pipewright_core::plan::{Lock, Locks};
use uuid::Uuid;

use super::claim::testing::force_running;
use super::{Claim, Ended};
use crate::db::Db;
use crate::logs::LogSize;
use crate::macros::Statement;
use crate::runners::{RunnerKind, register};
use crate::testing::on_each_database;
use crate::testing_builds::{Made, a_planned_build, a_planned_build_of, an_application};
use crate::vault::{Vault, VaultKey};

const NOW: Timestamp = Timestamp::from_seconds(300);

const WITHOUT_SSH_KEYS: Statement = Statement {
    name: "WITHOUT_SSH_KEYS",
    sqlite: "UPDATE integrations SET ssh_private_key_sealed = NULL",
    postgres: "UPDATE integrations SET ssh_private_key_sealed = NULL",
};

/// A log of one line.
fn printed(bytes: u64) -> LogSize {
    LogSize {
        stored: bytes + 1,
        printed: bytes,
        lines: 1,
    }
}

async fn a_runner(db: &Db, name: &str) -> RunnerId {
    let id = RunnerId::new();
    let mut tx = db.begin().await.expect("begins");
    register(&mut tx, id, name, RunnerKind::Embedded, 2, NOW)
        .await
        .expect("registers");
    tx.commit().await.expect("commits");
    id
}

fn a_claim(runner: RunnerId) -> Claim {
    Claim {
        runner,
        lease: Uuid::now_v7(),
        until: NOW + Duration::from_secs(30),
        now: NOW,
    }
}

async fn claim(db: &Db, claim: Claim) -> Option<super::Claimed> {
    let mut tx = db.begin().await.expect("begins");
    let claimed = super::claim(&mut tx, claim).await.expect("claims");
    if let Some(claimed) = &claimed {
        crate::builds::set_begun(&mut tx, claimed.build_id, claim.now)
            .await
            .expect("begins");
    }
    tx.commit().await.expect("commits");
    claimed
}

fn ended(outcome: AttemptOutcome) -> Ended {
    Ended {
        exit_code: Some(0),
        log_bytes: 10,
        log_lines: 1,
        ..Ended::of(outcome, None)
    }
}

#[test]
fn many_claim_and_each_attempt_is_claimed_once() {
    on_each_database(async |db| {
        let made = an_application(&db, "many").await;
        let mut tx = db.begin().await.expect("begins");
        for number in 0..40 {
            a_planned_build(&mut tx, made, &format!("branch-{number}"), 'a').await;
        }
        tx.commit().await.expect("commits");
        let runner = a_runner(&db, "runner").await;
        let workers = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(claimed) = claim(&db, a_claim(runner)).await {
                    mine.push(claimed.id);
                }
                mine
            })
        });
        let mut all: Vec<AttemptId> = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            all.extend(worker.await.expect("ends"));
        }
        assert_eq!(
            all.iter().collect::<HashSet<_>>().len(),
            all.len(),
            "none twice"
        );
        assert_eq!(all.len(), 40, "none left");
    });
}

#[test]
fn builds_of_one_branch_begin_in_order() {
    on_each_database(async |db| {
        let made = an_application(&db, "branch").await;
        let mut tx = db.begin().await.expect("begins");
        let unplanned = crate::testing_builds::a_build(made, "main", 'a');
        crate::builds::create(&mut tx, &unplanned)
            .await
            .expect("creates");
        let second = a_planned_build(&mut tx, made, "main", 'b').await;
        let other = a_planned_build(&mut tx, made, "other", 'c').await;
        tx.commit().await.expect("commits");
        let runner = a_runner(&db, "runner").await;
        let build = crate::builds::get(&db, made.account, second)
            .await
            .expect("reads")
            .expect("is there");
        assert_eq!(
            crate::builds::waiting_before(&db, &build)
                .await
                .expect("reads"),
            (0, Some(1))
        );
        assert_eq!(
            claim(&db, a_claim(runner)).await.expect("one").build_id,
            other,
            "main's older build is not planned yet"
        );
        assert!(claim(&db, a_claim(runner)).await.is_none());
        let mut tx = db.begin().await.expect("begins");
        crate::builds::set_begun(&mut tx, unplanned.id, NOW)
            .await
            .expect("begins");
        tx.commit().await.expect("commits");
        assert_eq!(
            claim(&db, a_claim(runner)).await.expect("one").build_id,
            second
        );
    });
}

#[test]
fn a_lease_that_ran_out_is_found_and_its_holder_changes_nothing_any_more() {
    on_each_database(async |db| {
        let made = an_application(&db, "lease").await;
        let mut tx = db.begin().await.expect("begins");
        a_planned_build(&mut tx, made, "main", 'a').await;
        tx.commit().await.expect("commits");
        let runner = a_runner(&db, "runner").await;
        let first = a_claim(runner);
        let claimed = claim(&db, first).await.expect("one");
        let later = NOW + Duration::from_secs(29);
        let mut tx = db.begin().await.expect("begins");
        let renewed = super::renew(
            &mut tx,
            claimed.id,
            first.lease,
            later + Duration::from_secs(30),
            printed(5),
        )
        .await
        .expect("renews");
        assert_eq!(renewed, Some(false));
        assert_eq!(
            super::renew(
                &mut tx,
                claimed.id,
                Uuid::now_v7(),
                later,
                LogSize::default()
            )
            .await
            .expect("is refused"),
            None
        );
        assert_eq!(
            super::request_stop(&mut tx, claimed.build_id, 0)
                .await
                .expect("asks"),
            Some(claimed.id)
        );
        let renewed = super::renew(
            &mut tx,
            claimed.id,
            first.lease,
            later + Duration::from_secs(30),
            printed(7),
        )
        .await
        .expect("renews");
        assert_eq!(renewed, Some(true));
        tx.commit().await.expect("commits");

        let running = super::running(&db, 10).await.expect("reads");
        assert_eq!(
            running
                .iter()
                .map(|held| (held.id, held.lease, held.until))
                .collect::<Vec<_>>(),
            [(claimed.id, first.lease, later + Duration::from_secs(30))]
        );
        assert_eq!(super::held_by(&db, runner).await.expect("reads"), running);
        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::finish(
                &mut tx,
                claimed.id,
                first.lease,
                &ended(AttemptOutcome::Lost),
                later
            )
            .await
            .expect("ends")
        );
        assert!(
            !super::finish(
                &mut tx,
                claimed.id,
                first.lease,
                &ended(AttemptOutcome::Passed),
                later
            )
            .await
            .expect("too late")
        );
        assert_eq!(
            super::renew(&mut tx, claimed.id, first.lease, later, LogSize::default())
                .await
                .expect("too late"),
            None
        );
        tx.commit().await.expect("commits");
        let attempts = super::of_build(&db, claimed.build_id).await.expect("reads");
        assert_eq!(
            (attempts.len(), attempts[0].outcome, attempts[0].log_bytes),
            (1, Some(AttemptOutcome::Lost), 10)
        );
    });
}

#[test]
fn an_attempt_that_nobody_has_is_withdrawn() {
    on_each_database(async |db| {
        let made = an_application(&db, "withdraw").await;
        let mut tx = db.begin().await.expect("begins");
        let build = a_planned_build(&mut tx, made, "main", 'a').await;
        assert_eq!(
            super::request_stop(&mut tx, build, 0).await.expect("asks"),
            None,
            "no runner has it"
        );
        assert!(
            super::withdraw(&mut tx, build, 0, NOW)
                .await
                .expect("withdraws")
        );
        assert!(
            !super::withdraw(&mut tx, build, 0, NOW)
                .await
                .expect("has ended")
        );
        tx.commit().await.expect("commits");
        let runner = a_runner(&db, "runner").await;
        assert!(claim(&db, a_claim(runner)).await.is_none());
    });
}

#[test]
fn variables_of_the_last_attempt_are_seen_by_later_steps_and_the_last_step_wins() {
    on_each_database(async |db| {
        let made = an_application(&db, "outputs").await;
        let mut tx = db.begin().await.expect("begins");
        let build = a_planned_build_of(&mut tx, made, "main", 'a', 3).await;
        tx.commit().await.expect("commits");
        let runner = a_runner(&db, "runner").await;
        let vault = Vault::new(&VaultKey::generate());
        let sealed =
            |name: &str, value: &str| crate::output_variables::seal(&vault, build, name, value);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let left = [
            (0, 1, vec![pair("A", "first"), pair("B", "first")]),
            (1, 1, vec![pair("A", "second")]),
            // The rerun of a step replaces what it left.
            (0, 2, vec![pair("A", "again"), pair("C", "again")]),
        ];
        for (position, number, variables) in left {
            let mut tx = db.begin().await.expect("begins");
            if (position, number) != (0, 1) {
                crate::attempts::queue(&mut tx, build, position, number, NOW)
                    .await
                    .expect("queues");
            }
            tx.commit().await.expect("commits");
            let by = a_claim(runner);
            let claimed = claim(&db, by).await.expect("one");
            assert_eq!((claimed.position, claimed.number), (position, number));
            let ended = Ended {
                output_variables: variables
                    .iter()
                    .map(|(name, value)| (name.clone(), sealed(name, value)))
                    .collect(),
                ..ended(AttemptOutcome::Passed)
            };
            let mut tx = db.begin().await.expect("begins");
            assert!(
                super::finish(&mut tx, claimed.id, by.lease, &ended, NOW)
                    .await
                    .expect("ends")
            );
            assert!(
                !super::finish(
                    &mut tx,
                    claimed.id,
                    by.lease,
                    &Ended {
                        output_variables: vec![("A".to_owned(), sealed("A", "late"))],
                        ..ended
                    },
                    NOW
                )
                .await
                .expect("refused")
            );
            tx.commit().await.expect("commits");
        }
        let mut tx = db.begin().await.expect("begins");
        let before = async |tx: &mut crate::Tx, steps| {
            crate::output_variables::before(tx, &vault, build, steps)
                .await
                .expect("reads")
        };
        assert_eq!(before(&mut tx, 0).await, []);
        let mut first = before(&mut tx, 1).await;
        first.sort();
        assert_eq!(first, [pair("A", "again"), pair("C", "again")]);
        assert_eq!(
            before(&mut tx, 2).await,
            [pair("C", "again"), pair("A", "second")]
        );
        let skipped = StepRun::new(StepState::Finished(StepOutcome::Skipped), 1);
        crate::steps::set(&mut tx, build, 1, skipped, None, NOW)
            .await
            .expect("moves");
        assert_eq!(before(&mut tx, 2).await.len(), 2);
        assert!(
            before(&mut tx, 2).await.contains(&pair("A", "again")),
            "what was passed over leaves nothing"
        );
        // Whoever has the rows and not the key has nothing, until the key is changed to theirs.
        let stranger = Vault::new(&VaultKey::generate());
        crate::output_variables::of_build(&mut tx, &stranger, build)
            .await
            .expect_err("they are sealed");
        // What the tables of these tests hold beside them was never sealed.
        within!(tx, WITHOUT_SSH_KEYS, |executor, sql| sqlx::query(sql)
            .execute(executor)
            .await
            .map(drop))
        .expect("clears");
        let count = crate::sealed::seal_all_anew(&mut tx, &vault, &stranger)
            .await
            .expect("seals");
        assert_eq!(count, 3, "A and C of one step, A of another");
        let all = crate::output_variables::of_build(&mut tx, &stranger, build)
            .await
            .expect("opens");
        assert_eq!(all.len(), 3, "{all:?}");
    });
}

/// Has a build's queued attempt wait for these.
async fn with_locks(db: &Db, made: Made, build: BuildId, own: Option<&str>, stage: Option<&str>) {
    let lock = |word: Option<&str>| word.map(|word| Lock::parse(word).expect("a lock"));
    let attempt = super::of_build(db, build).await.expect("reads").remove(0);
    let mut tx = db.begin().await.expect("begins");
    super::set_locks(
        &mut tx,
        attempt.id,
        made.application,
        &Locks {
            own: lock(own),
            stage: lock(stage),
        },
    )
    .await
    .expect("stores");
    tx.commit().await.expect("commits");
}

async fn finish(db: &Db, claimed: &super::Claimed, lease: Uuid) {
    let mut tx = db.begin().await.expect("begins");
    assert!(
        super::finish(
            &mut tx,
            claimed.id,
            lease,
            &ended(AttemptOutcome::Passed),
            NOW
        )
        .await
        .expect("ends")
    );
    tx.commit().await.expect("commits");
}

#[test]
fn of_those_that_exclude_one_another_one_runs_at_a_time_in_order() {
    on_each_database(async |db| {
        let (made, elsewhere) = (
            an_application(&db, "locks").await,
            an_application(&db, "elsewhere").await,
        );
        let mut tx = db.begin().await.expect("begins");
        let first = a_planned_build(&mut tx, made, "one", 'a').await;
        let second = a_planned_build(&mut tx, made, "two", 'b').await;
        let third = a_planned_build(&mut tx, made, "three", 'c').await;
        let apart = a_planned_build(&mut tx, elsewhere, "one", 'a').await;
        tx.commit().await.expect("commits");
        let group = Some("group:deploy");
        for (made, build) in [
            (made, first),
            (made, second),
            (made, third),
            (elsewhere, apart),
        ] {
            with_locks(&db, made, build, group, None).await;
        }
        let runner = a_runner(&db, "locker").await;
        let one = a_claim(runner);
        let claimed = claim(&db, one).await.expect("the oldest");
        assert_eq!(claimed.build_id, first);
        assert_eq!(
            claim(&db, a_claim(runner))
                .await
                .expect("another application's")
                .build_id,
            apart
        );
        assert_eq!(claim(&db, a_claim(runner)).await, None);
        let held = super::held_back(&db, second).await.expect("reads");
        assert_eq!(
            held.iter()
                .map(|held| (held.holder, held.is_own))
                .collect::<Vec<_>>(),
            [(1, false)]
        );
        assert_eq!(
            held[0].lock.to_string(),
            "holds the concurrency group deploy"
        );
        assert_eq!(super::held_back(&db, first).await.expect("reads"), []);
        finish(&db, &claimed, one.lease).await;
        assert_eq!(
            claim(&db, a_claim(runner))
                .await
                .expect("the next")
                .build_id,
            second
        );
        assert_eq!(claim(&db, a_claim(runner)).await, None);
    });
}

#[test]
fn a_stage_has_its_lock_until_it_is_released() {
    on_each_database(async |db| {
        let made = an_application(&db, "stage").await;
        let mut tx = db.begin().await.expect("begins");
        let stage = a_planned_build(&mut tx, made, "one", 'a').await;
        let step = a_planned_build(&mut tx, made, "two", 'b').await;
        let other_stage = a_planned_build(&mut tx, made, "three", 'c').await;
        tx.commit().await.expect("commits");
        let production = Some("environment:production");
        with_locks(&db, made, stage, Some("group:own"), production).await;
        with_locks(&db, made, step, production, None).await;
        with_locks(&db, made, other_stage, production, production).await;
        let runner = a_runner(&db, "stager").await;
        let one = a_claim(runner);
        let claimed = claim(&db, one).await.expect("the oldest");
        assert_eq!(claimed.build_id, stage);
        finish(&db, &claimed, one.lease).await;
        assert_eq!(
            claim(&db, a_claim(runner)).await,
            None,
            "its build has the environment between its steps"
        );
        assert_eq!(
            super::held_back(&db, step).await.expect("reads")[0]
                .lock
                .to_string(),
            "deploys to production"
        );
        // Its own next step is not kept back.
        let mut tx = db.begin().await.expect("begins");
        let next = super::queue(&mut tx, stage, 0, 2, NOW)
            .await
            .expect("queues");
        super::set_locks(
            &mut tx,
            next,
            made.application,
            &Locks {
                own: Lock::parse("environment:production"),
                stage: Lock::parse("environment:production"),
            },
        )
        .await
        .expect("stores");
        tx.commit().await.expect("commits");
        let two = a_claim(runner);
        let claimed = claim(&db, two).await.expect("its next step");
        assert_eq!(claimed.build_id, stage);
        finish(&db, &claimed, two.lease).await;
        let mut tx = db.begin().await.expect("begins");
        super::release(&mut tx, stage).await.expect("releases");
        tx.commit().await.expect("commits");
        let three = a_claim(runner);
        let claimed = claim(&db, three).await.expect("the next");
        assert_eq!(claimed.build_id, step);
        assert_eq!(
            claim(&db, a_claim(runner)).await,
            None,
            "a stage waits for a running step"
        );
        finish(&db, &claimed, three.lease).await;
        assert_eq!(
            claim(&db, a_claim(runner))
                .await
                .expect("the stage")
                .build_id,
            other_stage
        );
    });
}

#[test]
fn many_claim_and_never_two_of_a_group() {
    on_each_database(async |db| {
        let made = an_application(&db, "crowd").await;
        let mut builds = Vec::new();
        let mut tx = db.begin().await.expect("begins");
        for number in 0..12 {
            builds.push(a_planned_build(&mut tx, made, &format!("branch-{number}"), 'a').await);
        }
        tx.commit().await.expect("commits");
        for (number, build) in builds.iter().enumerate() {
            let own = ["group:a", "group:b"][number % 2];
            with_locks(&db, made, *build, Some(own), None).await;
        }
        let runner = a_runner(&db, "crowd").await;
        let left = Arc::new(AtomicUsize::new(builds.len()));
        let running = Arc::new(AtomicUsize::new(0));
        let workers = (0..6).map(|_| {
            let (db, left, running) = (db.clone(), Arc::clone(&left), Arc::clone(&running));
            tokio::spawn(async move {
                while left.load(Ordering::SeqCst) > 0 {
                    let wish = a_claim(runner);
                    let mut tx = db.begin().await.expect("begins");
                    let claimed = match super::claim(&mut tx, wish).await {
                        Ok(claimed) => claimed,
                        Err(error) => {
                            assert!(error.is_unique_violation(), "{error:?}");
                            None
                        }
                    };
                    let Some(claimed) = claimed else {
                        tx.rollback().await.expect("rolls back");
                        tokio::task::yield_now().await;
                        continue;
                    };
                    tx.commit().await.expect("commits");
                    assert!(
                        running.fetch_add(1, Ordering::SeqCst) < 2,
                        "there are two groups"
                    );
                    running.fetch_sub(1, Ordering::SeqCst);
                    finish(&db, &claimed, wish.lease).await;
                    left.fetch_sub(1, Ordering::SeqCst);
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.expect("ends");
        }
        let mut tx = db.begin().await.expect("begins");
        let attempt = async |build| {
            super::of_build(&db, build)
                .await
                .expect("reads")
                .remove(0)
                .id
        };
        force_running(&mut tx, attempt(builds[0]).await)
            .await
            .expect("the first");
        let refused = force_running(&mut tx, attempt(builds[2]).await)
            .await
            .expect_err("the index refuses");
        assert!(refused.is_unique_violation());
    });
}
