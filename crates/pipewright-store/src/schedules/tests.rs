//! What is kept of schedules, on each database.

use std::time::Duration;

use pipewright_core::ids::{AccountId, ScheduleId};
use pipewright_core::{RefName, Timestamp, TriggerKind};

use super::{NewSchedule, Settled, Spec};
use crate::builds::{self, Created, ScheduleDetail, TriggerDetail};
use crate::db::Backend;
use crate::testing::on_each_database;
use crate::testing_builds::{Made, a_build, an_application};

const DUE: Timestamp = Timestamp::from_seconds(1000);
const HOUR: Duration = Duration::from_hours(1);
/// What is further away than the longest pause is a clock that jumped.
const SOON: Duration = Duration::from_mins(4);

fn a_schedule(made: Made) -> NewSchedule {
    let spec = Spec {
        ref_name: RefName::branch("main").expect("a branch"),
        custom: Some("nightly".to_owned()),
        variables: vec![("ENV".to_owned(), "größe".to_owned())],
        cron: "0 * * * *".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        is_on: true,
    };
    NewSchedule {
        id: ScheduleId::new(),
        account: made.account,
        application: made.application,
        spec,
        next_at: Some(DUE),
        created_by: "Mara".to_owned(),
        now: Timestamp::from_seconds(500),
    }
}

#[test]
fn a_schedule_is_kept_changed_switched_and_deleted_by_its_account_alone() {
    on_each_database(async |db| {
        let made = an_application(&db, "kept").await;
        let new = a_schedule(made);
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &new).await.expect("inserts");
        assert_eq!(
            super::count(&mut tx, made.application)
                .await
                .expect("counts"),
            1
        );
        tx.commit().await.expect("commits");
        let read = async || {
            super::get(&db, made.account, made.application, new.id)
                .await
                .expect("reads")
        };
        let kept = read().await.expect("is there");
        assert_eq!(
            (kept.spec, kept.next_at, kept.created_by),
            (new.spec.clone(), Some(DUE), "Mara".to_owned())
        );
        assert!(
            super::get(&db, AccountId::new(), made.application, new.id)
                .await
                .expect("reads")
                .is_none(),
            "another account's"
        );
        assert_eq!(
            super::last_zone(&db, made.account)
                .await
                .expect("reads")
                .as_deref(),
            Some("Europe/Berlin")
        );

        let mut tx = db.begin().await.expect("begins");
        let spec = Spec {
            custom: None,
            ..new.spec.clone()
        };
        assert!(
            !super::change(&mut tx, AccountId::new(), new.id, &spec, None, DUE)
                .await
                .expect("is another's")
        );
        assert!(
            super::change(&mut tx, made.account, new.id, &spec, Some(DUE + HOUR), DUE)
                .await
                .expect("changes")
        );
        tx.commit().await.expect("commits");
        let changed = read().await.expect("is there");
        assert_eq!(
            (changed.spec.custom, changed.next_at),
            (None, Some(DUE + HOUR))
        );

        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::switch(&mut tx, made.account, new.id, false, None, DUE)
                .await
                .expect("switches")
        );
        tx.commit().await.expect("commits");
        assert!(
            super::due(&db, DUE + HOUR * 9, 9)
                .await
                .expect("reads")
                .is_empty(),
            "it is off"
        );
        let listed = super::list(&db, made.account, made.application)
            .await
            .expect("lists");
        assert_eq!(
            (listed.len(), listed[0].last, listed[0].schedule.spec.is_on),
            (1, None, false)
        );

        let mut tx = db.begin().await.expect("begins");
        assert!(
            !super::delete(&mut tx, AccountId::new(), new.id)
                .await
                .expect("is another's")
        );
        assert!(
            super::delete(&mut tx, made.account, new.id)
                .await
                .expect("deletes")
        );
        tx.commit().await.expect("commits");
        assert!(read().await.is_none());
    });
}

#[test]
fn a_due_time_is_fired_by_one_and_its_build_made_once() {
    on_each_database(async |db| {
        let made = an_application(&db, "fires").await;
        let new = a_schedule(made);
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &new).await.expect("inserts");
        tx.commit().await.expect("commits");
        assert!(
            super::due(&db, DUE - Duration::from_micros(1), 9)
                .await
                .expect("reads")
                .is_empty()
        );
        assert_eq!(super::due(&db, DUE, 9).await.expect("reads").len(), 1);

        // A transaction that is given up leaves the schedule due; of two servers one moves it on.
        let next = Some(DUE + HOUR);
        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::fire(&mut tx, new.id, DUE, next, Some((DUE, 2)), None)
                .await
                .expect("fires")
        );
        tx.rollback().await.expect("gives up");
        assert_eq!(super::due(&db, DUE, 9).await.expect("reads").len(), 1);
        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::fire(&mut tx, new.id, DUE, next, Some((DUE, 2)), None)
                .await
                .expect("fires")
        );
        assert!(
            !super::fire(&mut tx, new.id, DUE, next, Some((DUE, 2)), None)
                .await
                .expect("came second")
        );
        tx.commit().await.expect("commits");
        assert!(super::due(&db, DUE, 9).await.expect("reads").is_empty());

        let waiting = super::firings(&db, DUE, 9).await.expect("reads");
        assert_eq!(
            (
                waiting.len(),
                waiting[0].due_at,
                waiting[0].missed,
                waiting[0].repository
            ),
            (1, DUE, 2, made.repository)
        );
        let mut tx = db.begin().await.expect("begins");
        super::retry(&mut tx, new.id, DUE, DUE + SOON, "Bitbucket is away.")
            .await
            .expect("waits");
        tx.commit().await.expect("commits");
        assert!(super::firings(&db, DUE, 9).await.expect("reads").is_empty());
        let again = super::firings(&db, DUE + SOON, 9).await.expect("reads");
        assert_eq!(
            (again[0].tries, again[0].schedule.message.as_deref()),
            (1, Some("Bitbucket is away."))
        );

        let detail = ScheduleDetail {
            id: new.id,
            due_at: DUE,
            missed: 2,
        };
        let scheduled = || builds::NewBuild {
            trigger: TriggerKind::Schedule,
            detail: TriggerDetail {
                schedule: Some(detail.clone()),
                ..TriggerDetail::default()
            },
            ..a_build(made, "main", 'a')
        };
        let build = scheduled();
        let mut tx = db.begin().await.expect("begins");
        assert!(matches!(
            builds::create(&mut tx, &build).await.expect("creates"),
            Created::New { number: 1 }
        ));
        assert!(
            super::settle(&mut tx, new.id, DUE, &Settled::Built(build.id))
                .await
                .expect("ends")
        );
        assert!(
            !super::settle(&mut tx, new.id, DUE, &Settled::Built(build.id))
                .await
                .expect("ended before")
        );
        assert_eq!(
            builds::create(&mut tx, &scheduled())
                .await
                .expect("knows it"),
            Created::Existing {
                id: build.id,
                number: 1
            }
        );
        tx.commit().await.expect("commits");
        let listed = super::list(&db, made.account, made.application)
            .await
            .expect("lists");
        assert_eq!(
            (
                listed[0].last.map(|last| last.number),
                listed[0].schedule.message.as_deref()
            ),
            (Some(1), None)
        );
    });
}

#[test]
fn what_waits_goes_with_a_schedule_that_is_switched_off() {
    on_each_database(async |db| {
        let made = an_application(&db, "off").await;
        let new = a_schedule(made);
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &new).await.expect("inserts");
        super::fire(&mut tx, new.id, DUE, None, Some((DUE, 0)), None)
            .await
            .expect("fires");
        assert!(
            super::switch(&mut tx, made.account, new.id, false, None, DUE)
                .await
                .expect("switches")
        );
        assert!(
            !super::settle(
                &mut tx,
                new.id,
                DUE,
                &Settled::NotBuilt("Too late.".to_owned())
            )
            .await
            .expect("is gone")
        );
        tx.commit().await.expect("commits");
        assert!(super::firings(&db, DUE, 9).await.expect("reads").is_empty());
    });
}

/// Both lock the schedule first; in another order one of them would wait for the other for ever, and PostgreSQL end it.
#[test]
fn a_schedule_is_switched_off_while_its_build_is_made() {
    on_each_database(async |db| {
        let Backend::Postgres(pool) = db.backend() else {
            return;
        };
        let made = an_application(&db, "both").await;
        for is_retried in [false, true] {
            let new = a_schedule(made);
            let mut tx = db.begin().await.expect("begins");
            super::insert(&mut tx, &new).await.expect("inserts");
            super::fire(&mut tx, new.id, DUE, None, Some((DUE, 0)), None)
                .await
                .expect("fires");
            tx.commit().await.expect("commits");
            let mut person = db.begin().await.expect("begins");
            assert!(
                super::change(&mut person, made.account, new.id, &new.spec, None, DUE)
                    .await
                    .expect("holds the schedule")
            );
            let making = async {
                let mut tx = db.begin().await.expect("begins");
                if is_retried {
                    super::retry(&mut tx, new.id, DUE, DUE + HOUR, "Bitbucket is away.").await?;
                } else {
                    let why = Settled::NotBuilt("Bitbucket is away.".to_owned());
                    assert!(
                        !super::settle(&mut tx, new.id, DUE, &why).await?,
                        "it was switched off first"
                    );
                }
                tx.commit().await
            };
            let switching = async {
                let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
                while sqlx::query_scalar::<_, i64>(waits)
                    .fetch_one(pool)
                    .await
                    .expect("counts")
                    == 0
                {}
                super::switch(&mut person, made.account, new.id, false, None, DUE).await?;
                person.commit().await
            };
            let (making, switching) = tokio::join!(making, switching);
            assert!(
                making.is_ok() && switching.is_ok(),
                "{making:?}, {switching:?}"
            );
            assert!(
                super::firings(&db, DUE + HOUR, 9)
                    .await
                    .expect("reads")
                    .is_empty()
            );
        }
    });
}
