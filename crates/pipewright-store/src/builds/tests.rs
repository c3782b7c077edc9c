//! What is kept of builds, on each database.

use pipewright_core::Timestamp;
use pipewright_core::build::{BuildOutcome, BuildState, StepOutcome, StepRun, StepState};
use pipewright_core::ids::AccountId;

use super::{BuildFilter, Created};
use crate::PageStart;
use crate::testing::on_each_database;
use crate::testing_builds::{a_build, a_plan, a_planned_build, an_application};

#[test]
fn a_build_is_unique_and_numbered_without_gaps() {
    on_each_database(async |db| {
        let (made, other) = (
            an_application(&db, "one").await,
            an_application(&db, "two").await,
        );
        let mut tx = db.begin().await.expect("begins");
        let first = a_build(made, "main", 'a');
        assert_eq!(
            super::create(&mut tx, &first).await.expect("creates"),
            Created::New { number: 1 }
        );
        let again = super::create(&mut tx, &a_build(made, "main", 'a'))
            .await
            .expect("knows it");
        assert_eq!(
            again,
            Created::Existing {
                id: first.id,
                number: 1
            }
        );
        assert_eq!(
            super::create(&mut tx, &a_build(made, "other", 'a'))
                .await
                .expect("creates"),
            Created::New { number: 2 }
        );
        assert_eq!(
            super::create(&mut tx, &a_build(made, "main", 'b'))
                .await
                .expect("creates"),
            Created::New { number: 3 }
        );
        let mut rerun = a_build(made, "main", 'a');
        rerun.repeatable = true;
        assert_eq!(
            super::create(&mut tx, &rerun).await.expect("creates"),
            Created::New { number: 4 }
        );
        assert_eq!(
            super::create(&mut tx, &a_build(other, "main", 'a'))
                .await
                .expect("creates"),
            Created::New { number: 1 }
        );
        tx.commit().await.expect("commits");
        let builds = super::list(&db, made.account, &BuildFilter::default(), 10)
            .await
            .expect("lists");
        assert_eq!(
            builds.iter().map(|build| build.number).collect::<Vec<_>>(),
            [4, 3, 2, 1]
        );
        assert!(
            super::get(&db, AccountId::new(), first.id)
                .await
                .expect("reads")
                .is_none(),
            "another account's"
        );
        let main = BuildFilter {
            ref_name: Some(first.ref_name.clone()),
            state: Some(BuildState::Queued),
            ..BuildFilter::default()
        };
        assert_eq!(
            super::list(&db, made.account, &main, 10)
                .await
                .expect("lists")
                .len(),
            3
        );
    });
}

#[test]
fn many_servers_make_one_build_of_one_push() {
    on_each_database(async |db| {
        let made = an_application(&db, "race").await;
        let makers = (0..8).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.expect("begins");
                let created = super::create(&mut tx, &a_build(made, "main", 'a'))
                    .await
                    .expect("creates or knows");
                tx.commit().await.expect("commits");
                matches!(created, Created::New { .. })
            })
        });
        let mut made_by = 0;
        for maker in makers.collect::<Vec<_>>() {
            made_by += usize::from(maker.await.expect("ends"));
        }
        assert_eq!(made_by, 1);
    });
}

#[test]
fn a_rolled_back_creation_leaves_number_and_place_free() {
    on_each_database(async |db| {
        let made = an_application(&db, "undo").await;
        let mut tx = db.begin().await.expect("begins");
        super::create(&mut tx, &a_build(made, "main", 'a'))
            .await
            .expect("creates");
        tx.rollback().await.expect("rolls back");
        let mut tx = db.begin().await.expect("begins");
        assert_eq!(
            super::create(&mut tx, &a_build(made, "main", 'a'))
                .await
                .expect("creates"),
            Created::New { number: 1 }
        );
        tx.commit().await.expect("commits");
    });
}

#[test]
fn a_state_moves_only_from_where_it_was_read() {
    on_each_database(async |db| {
        let made = an_application(&db, "moves").await;
        let now = Timestamp::from_seconds(200);
        let mut tx = db.begin().await.expect("begins");
        let id = a_planned_build(&mut tx, made, "main", 'a').await;
        let stored = super::load_run(&mut tx, id)
            .await
            .expect("reads")
            .expect("is there");
        assert_eq!(
            (stored.run.state, stored.run.steps.len(), stored.plan),
            (BuildState::Running, 1, Some(a_plan()))
        );
        let passed = BuildState::Finished(BuildOutcome::Passed);
        super::set_state(&mut tx, id, BuildState::Running, passed, None, now)
            .await
            .expect("moves");
        assert!(
            super::set_state(&mut tx, id, BuildState::Running, passed, None, now)
                .await
                .is_err(),
            "it is not running any more"
        );
        tx.rollback().await.expect("rolls back");
    });
}

#[test]
fn a_build_waits_for_its_plan_and_again_after_a_failure() {
    on_each_database(async |db| {
        let made = an_application(&db, "plan").await;
        let (now, later) = (Timestamp::from_seconds(200), Timestamp::from_seconds(230));
        let new = a_build(made, "main", 'a');
        let mut tx = db.begin().await.expect("begins");
        super::create(&mut tx, &new).await.expect("creates");
        tx.commit().await.expect("commits");
        assert_eq!(
            super::repositories_to_plan(&db, now, 5)
                .await
                .expect("reads"),
            [made.repository]
        );
        assert_eq!(
            super::next_to_plan(&db, made.repository, now)
                .await
                .expect("reads")
                .expect("one")
                .id,
            new.id
        );
        let mut tx = db.begin().await.expect("begins");
        super::retry_planning(&mut tx, new.id, later, "refused")
            .await
            .expect("waits");
        tx.commit().await.expect("commits");
        assert!(
            super::next_to_plan(&db, made.repository, now)
                .await
                .expect("reads")
                .is_none()
        );
        assert_eq!(
            super::next_to_plan(&db, made.repository, later)
                .await
                .expect("reads")
                .expect("one")
                .tries,
            1
        );
    });
}

#[test]
fn changed_files_and_reasons_are_kept() {
    on_each_database(async |db| {
        let made = an_application(&db, "reasons").await;
        let now = Timestamp::from_seconds(200);
        let mut tx = db.begin().await.expect("begins");
        let id = a_planned_build(&mut tx, made, "main", 'a').await;
        assert_eq!(
            super::changed_files(&mut tx, id).await.expect("reads"),
            None,
            "not known"
        );
        let files = ["größe \"b\"\n".to_owned(), "a/b".to_owned()];
        super::set_changed_files(&mut tx, id, &files)
            .await
            .expect("stores");
        assert_eq!(
            super::changed_files(&mut tx, id)
                .await
                .expect("reads")
                .as_deref(),
            Some(&files[..])
        );
        let skipped = StepRun::new(StepState::Finished(StepOutcome::Skipped), 0);
        crate::steps::set(&mut tx, id, 0, skipped, Some("Skipped: it is so."), now)
            .await
            .expect("stores");
        tx.commit().await.expect("commits");
        let step = crate::steps::list(&db, id).await.expect("lists").remove(0);
        assert_eq!(
            (step.state, step.message.as_deref()),
            (skipped.state, Some("Skipped: it is so."))
        );
        let mut tx = db.begin().await.expect("begins");
        let waiting = StepRun {
            state: StepState::Waiting,
            ..skipped
        };
        crate::steps::set(&mut tx, id, 0, waiting, None, now)
            .await
            .expect("stores");
        tx.commit().await.expect("commits");
        assert_eq!(
            crate::steps::list(&db, id)
                .await
                .expect("lists")
                .remove(0)
                .message,
            None,
            "it moved without a sentence"
        );
    });
}

#[test]
fn a_list_is_narrowed_by_the_state_that_people_are_shown() {
    on_each_database(async |db| {
        let made = an_application(&db, "seen").await;
        let mut tx = db.begin().await.expect("begins");
        let unplanned = a_build(made, "unplanned", 'a');
        super::create(&mut tx, &unplanned).await.expect("creates");
        let mut ids = vec![unplanned.id];
        for (digit, step) in [('b', StepState::Queued), ('c', StepState::Running)] {
            let id = a_planned_build(&mut tx, made, "main", digit).await;
            let run = StepRun::new(step, 1);
            crate::steps::set(&mut tx, id, 0, run, None, Timestamp::from_seconds(1))
                .await
                .expect("moves");
            ids.push(id);
        }
        tx.commit().await.expect("commits");
        let all = super::list(&db, made.account, &BuildFilter::default(), 10)
            .await
            .expect("lists");
        assert_eq!(all.len(), 3);
        for state in [BuildState::Queued, BuildState::Running, BuildState::Paused] {
            let filter = BuildFilter {
                state: Some(state),
                ..BuildFilter::default()
            };
            let found = super::list(&db, made.account, &filter, 10)
                .await
                .expect("lists");
            let expected: Vec<_> = all
                .iter()
                .filter(|build| build.seen() == state)
                .map(|build| build.id)
                .collect();
            assert_eq!(
                found.iter().map(|build| build.id).collect::<Vec<_>>(),
                expected,
                "{state:?}"
            );
        }
        let running = BuildFilter {
            state: Some(BuildState::Running),
            ..BuildFilter::default()
        };
        let found = super::list(&db, made.account, &running, 10)
            .await
            .expect("lists");
        assert_eq!(found.len(), 1, "what only waits for a runner does not run");
        assert_eq!(found[0].id, ids[2]);
    });
}

#[test]
fn builds_are_found_by_what_people_know_of_them() {
    on_each_database(async |db| {
        let made = an_application(&db, "found").await;
        let mut tx = db.begin().await.expect("begins");
        for (branch, digit, author, message) in [
            (
                "feature/100%_sure",
                'a',
                "Mara Lindqvist",
                "Close the capture",
            ),
            ("main", 'b', "Ivo", "Release 1.2"),
            ("main", 'c', "Ivo", "100 percent"),
        ] {
            let new = a_build(made, branch, digit);
            super::create(&mut tx, &new).await.expect("creates");
            let text = super::CommitText {
                message: message.to_owned(),
                author: author.to_owned(),
                email: String::new(),
                committed_at: Timestamp::from_seconds(1),
            };
            super::set_commit_text(&mut tx, new.id, &text)
                .await
                .expect("keeps");
        }
        tx.commit().await.expect("commits");
        for (text, expected) in [
            ("mara", &[1][..]),
            ("CAPTURE", &[1]),
            ("100%_", &[1]),
            ("ivo", &[3, 2]),
            ("2", &[2]),
            ("#3", &[3]),
            ("bbbb", &[2]),
            ("nobody", &[]),
            ("\\", &[]),
        ] {
            let filter = BuildFilter {
                text: Some(text.to_owned()),
                ..BuildFilter::default()
            };
            let found = super::list(&db, made.account, &filter, 10)
                .await
                .expect("lists");
            assert_eq!(
                found.iter().map(|build| build.number).collect::<Vec<_>>(),
                expected,
                "{text:?}"
            );
        }
        let all = super::list(&db, made.account, &BuildFilter::default(), 10)
            .await
            .expect("lists");
        for (from, expected) in [
            (PageStart::OlderThan(all[1].id), &[1][..]),
            (PageStart::NewerThan(all[2].id), &[3, 2]),
            (PageStart::NewerThan(all[0].id), &[]),
        ] {
            let filter = BuildFilter {
                from,
                ..BuildFilter::default()
            };
            let found = super::list(&db, made.account, &filter, 10)
                .await
                .expect("lists");
            assert_eq!(
                found.iter().map(|build| build.number).collect::<Vec<_>>(),
                expected,
                "{from:?}"
            );
        }
    });
}
