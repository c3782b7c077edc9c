//! Reports go in and come out on both databases, and go with their build.

use pipewright_core::Timestamp;
use pipewright_core::build::{
    AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepRun, StepState,
};
use pipewright_core::ids::{ApplicationId, BuildId, RunnerId};
use pipewright_core::wire::{TestCase, TestReport, TestState};
use uuid::Uuid;

use super::{
    CaseFilter, by_step, case, cases, flaky, of_case, past_builds, past_results, summaries,
};
use crate::attempts::{Claim, Ended};
use crate::db::{Db, Tx};
use crate::runners::{RunnerKind, register};
use crate::testing::on_each_database;
use crate::testing_builds::{Made, a_planned_build, an_application};

const NOW: Timestamp = Timestamp::from_seconds(300);

fn a_case(name: &str, state: TestState, micros: u64) -> TestCase {
    TestCase {
        suite: "acme::Größe".to_owned(),
        name: name.to_owned(),
        file: Some("tests/größe.rs".to_owned()),
        line: Some(7),
        state,
        is_flaky: false,
        micros,
        message: if state.is_failure() {
            format!("{name} does \"not\" hold\n'\\")
        } else {
            String::new()
        },
        output: String::new(),
    }
}

fn a_report(cases: Vec<TestCase>) -> TestReport {
    let mut report = TestReport {
        files: 2,
        bytes: 300,
        ..TestReport::default()
    };
    for case in cases {
        report.push(case);
    }
    report.push_unread("test-results/bench.xml", "is empty");
    report
}

struct Bench {
    db: Db,
    made: Made,
    runner: RunnerId,
}

impl Bench {
    async fn new(db: Db, slug: &str) -> Self {
        let made = an_application(&db, slug).await;
        let runner = RunnerId::new();
        let mut tx = db.begin().await.expect("begins");
        register(&mut tx, runner, "runner", RunnerKind::Embedded, 2, NOW)
            .await
            .expect("registers");
        tx.commit().await.expect("commits");
        Self { db, made, runner }
    }

    /// Runs a build's queued attempt.
    async fn attempt(&self, tx: &mut Tx, build: BuildId, number: u32, cases: Vec<TestCase>) {
        let claim = Claim {
            runner: self.runner,
            lease: Uuid::now_v7(),
            until: NOW,
            now: NOW,
        };
        let claimed = crate::attempts::claim(tx, claim)
            .await
            .expect("claims")
            .expect("one");
        let mut ended = Ended::of(AttemptOutcome::Failed, None);
        ended.tests = Some(a_report(cases).into());
        assert!(
            crate::attempts::finish(tx, claimed.id, claim.lease, &ended, NOW)
                .await
                .expect("ends")
        );
        let state = StepState::Finished(StepOutcome::Failed);
        let step = StepRun::new(state, number);
        crate::steps::set(tx, build, 0, step, None, NOW)
            .await
            .expect("moves");
    }

    async fn build(&self, digit: char, cases: Vec<TestCase>) -> BuildId {
        let mut tx = self.db.begin().await.expect("begins");
        let build = a_planned_build(&mut tx, self.made, "main", digit).await;
        self.attempt(&mut tx, build, 1, cases).await;
        tx.commit().await.expect("commits");
        build
    }

    /// Ends a build.
    async fn end(&self, build: BuildId) {
        let failed = BuildState::Finished(BuildOutcome::Failed);
        let mut tx = self.db.begin().await.expect("begins");
        crate::builds::set_state(&mut tx, build, BuildState::Running, failed, None, NOW)
            .await
            .expect("ends");
        tx.commit().await.expect("commits");
    }

    async fn names(&self, build: BuildId, filter: CaseFilter) -> Vec<String> {
        let rows = cases(&self.db, build, &filter, 10).await.expect("reads");
        rows.into_iter().map(|row| row.name).collect()
    }
}

#[test]
fn what_tests_said_is_told_of_the_last_attempt_failures_first() {
    on_each_database(async |db| {
        let bench = Bench::new(db, "tests").await;
        let build = bench
            .build(
                'a',
                vec![
                    a_case("quick", TestState::Passed, 10),
                    a_case("slow", TestState::Passed, 9_000_000),
                    a_case("broken", TestState::Errored, 5),
                    a_case("not_here", TestState::Skipped, 0),
                ],
            )
            .await;
        let steps = by_step(&bench.db, build).await.expect("reads");
        assert_eq!(steps.len(), 1);
        assert_eq!(
            (
                steps[0].totals.all(),
                steps[0].listed,
                steps[0].unread_files
            ),
            (4, 4, 1)
        );
        assert_eq!(steps[0].unread[0].path, "test-results/bench.xml");
        assert_eq!(
            bench.names(build, CaseFilter::default()).await,
            ["broken", "slow", "quick", "not_here"]
        );
        let of_state = |state| CaseFilter {
            state: Some(state),
            ..CaseFilter::default()
        };
        let looked_for = |text: &str| CaseFilter {
            text: Some(text.to_owned()),
            ..CaseFilter::default()
        };
        for (filter, expected) in [
            (of_state(TestState::Failed), &["broken"][..]),
            (of_state(TestState::Skipped), &["not_here"]),
            (
                looked_for("ACME::"),
                &["broken", "slow", "quick", "not_here"],
            ),
            (looked_for("t_h"), &["not_here"]),
            (looked_for("%"), &[]),
        ] {
            assert_eq!(bench.names(build, filter).await, expected);
        }
        let row = &cases(&bench.db, build, &CaseFilter::default(), 1)
            .await
            .expect("reads")[0];
        assert_eq!(row.message, "broken does \"not\" hold\n'\\");
        assert_eq!((row.file.as_str(), row.line), ("tests/größe.rs", 7));

        // A second attempt says what holds now.
        let mut tx = bench.db.begin().await.expect("begins");
        crate::attempts::queue(&mut tx, build, 0, 2, NOW)
            .await
            .expect("queues");
        bench
            .attempt(
                &mut tx,
                build,
                2,
                vec![
                    a_case("broken", TestState::Passed, 6),
                    a_case("slow", TestState::Passed, 8_000_000),
                ],
            )
            .await;
        tx.commit().await.expect("commits");
        assert_eq!(
            bench.names(build, CaseFilter::default()).await,
            ["slow", "broken"]
        );
        let said = summaries(&bench.db, &[build, BuildId::new()])
            .await
            .expect("reads");
        assert_eq!(said.len(), 1);
        assert_eq!((said[&build].all(), said[&build].passed), (2, 2));
        let both: Vec<_> = flaky(&bench.db, build, 10).await.expect("reads");
        assert_eq!(both.len(), 1);
        assert_eq!(both[0].name, "broken");
    });
}

#[test]
fn a_case_has_a_history_and_goes_with_its_last_build() {
    on_each_database(async |db| {
        let bench = Bench::new(db, "history").await;
        let first = bench
            .build(
                'a',
                vec![
                    a_case("stays", TestState::Passed, 10),
                    a_case("goes", TestState::Passed, 10),
                ],
            )
            .await;
        // Builds of one branch begin one after another.
        bench.end(first).await;
        let second = bench
            .build('b', vec![a_case("stays", TestState::Failed, 20)])
            .await;
        let row = cases(&bench.db, second, &CaseFilter::default(), 1)
            .await
            .expect("reads")
            .remove(0);
        let main = pipewright_core::RefName::branch("main").expect("a branch");
        let builds = past_builds(&bench.db, bench.made.application, &main, 2, 24)
            .await
            .expect("reads");
        assert_eq!(
            builds.iter().map(|build| build.number).collect::<Vec<_>>(),
            [2, 1]
        );
        let past = past_results(&bench.db, &builds, &[row.id])
            .await
            .expect("reads");
        let mut states: Vec<_> = past.iter().map(|past| (past.build, past.state)).collect();
        states.sort();
        let mut expected = vec![(first, TestState::Passed), (second, TestState::Failed)];
        expected.sort();
        assert_eq!(states, expected);
        // Another commit is no sign of a flaky case.
        assert!(
            flaky(&bench.db, second, 10)
                .await
                .expect("reads")
                .is_empty()
        );

        let goes = cases(&bench.db, first, &CaseFilter::default(), 9)
            .await
            .expect("reads")
            .into_iter()
            .find(|row| row.name == "goes")
            .expect("the case");
        let known = async |id| {
            case(&bench.db, bench.made.application, id)
                .await
                .expect("reads")
                .is_some()
        };
        assert!(known(goes.id).await && known(row.id).await);
        let strangers = case(&bench.db, ApplicationId::new(), row.id).await;
        assert!(strangers.expect("reads").is_none());
        bench.end(second).await;
        let mut tx = bench.db.begin().await.expect("begins");
        assert!(
            crate::retention::remove_build(&mut tx, first)
                .await
                .expect("removes")
        );
        tx.commit().await.expect("commits");
        assert!(!known(goes.id).await && known(row.id).await);
        let left = of_case(&bench.db, bench.made.application, row.id, 10)
            .await
            .expect("reads");
        assert_eq!(left.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
    });
}

#[test]
fn steps_of_one_name_and_cases_of_one_name_are_told_apart() {
    on_each_database(async |db| {
        let bench = Bench::new(db, "alike").await;
        let same = || a_case("same", TestState::Passed, 1);
        let build = bench.build('a', vec![same(), same()]).await;
        assert_eq!(
            bench.names(build, CaseFilter::default()).await,
            ["same", "same #2"]
        );
    });
}
