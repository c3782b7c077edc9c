//! B7: builds of one branch keep their order, branches do not wait for one another, whoever waits says for what, and
//! superseded builds are stopped by setting.

use std::path::Path;

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::team::House;

const PASSED: BuildState = BuildState::Finished(BuildOutcome::Passed);

/// A step that runs until the gate is open.
fn gated(gate: &Path) -> String {
    let gate = gate.display();
    format!(
        "pipelines:\n  default:\n    - step:\n        script:\n          - until test -e '{gate}'; do sleep 0.05; done\n"
    )
}

async fn pushes(house: &House, branch: &str, file: &str) {
    house
        .simulator
        .cloud()
        .commit(
            "harbor/subject",
            branch,
            &[(file, "x")],
            &format!("Add {file}"),
            "ivo",
        )
        .await
        .expect("a push");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_builds_of_a_branch_keep_their_order_and_the_queue_is_visible() {
    let directory = tempfile::tempdir().expect("a directory");
    let gate = directory.path().join("open");
    let mut house = House::without_sandboxes(&gated(&gate)).await;
    house.build(1, |build| build.started_at.is_some()).await;
    // The runner works on two steps at a time: the second build of main takes the last place.
    for (number, branch) in [
        (2, "main"),
        (3, "main"),
        (4, "main"),
        (5, "feature/a"),
        (6, "feature/b"),
    ] {
        pushes(&house, branch, &format!("{number}.txt")).await;
        house
            .build(number, |build| build.planned_at.is_some())
            .await;
    }
    house.build(2, |build| build.started_at.is_some()).await;
    for (number, sentence) in [
        (3, "Next in the queue: waits for a runner."),
        (4, "Waits for #3, an older build of main, to begin."),
        (
            5,
            "Waits for a runner; 2 steps of older builds are before it.",
        ),
        (
            6,
            "Waits for a runner; 3 steps of older builds are before it.",
        ),
    ] {
        let path = house
            .team
            .page(&format!("/applications/subject/builds/{number}"));
        let text = house
            .team
            .person
            .goes_to(&path)
            .await
            .expect("the page")
            .text();
        assert!(text.contains(sentence), "#{number}: {text}");
    }
    std::fs::write(&gate, "").expect("opens the gate");
    let mut begun = Vec::new();
    for number in 1..=6 {
        begun.push(
            house
                .build(number, |build| build.state == PASSED)
                .await
                .started_at
                .expect("it began"),
        );
    }
    assert!(
        begun[..4].is_sorted(),
        "builds of main began in the order of their pushes: {begun:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_newer_push_stops_the_older_build_where_the_application_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let gate = directory.path().join("open");
    let mut house = House::without_sandboxes(&gated(&gate)).await;
    house
        .team
        .person
        .goes_to(&house.team.page("/applications/subject"))
        .await
        .expect("the page");
    house
        .team
        .person
        .presses("Save", &[("Stop superseded builds", "on")])
        .await
        .expect("saves");
    house.build(1, |build| build.started_at.is_some()).await;
    pushes(&house, "main", "older.txt").await;
    house.build(2, |build| build.started_at.is_some()).await;
    pushes(&house, "main", "newer.txt").await;
    let older = house.build(2, |build| build.state.is_finished()).await;
    assert_eq!(older.state, BuildState::Finished(BuildOutcome::Stopped));
    assert!(
        older
            .state_message
            .as_deref()
            .is_some_and(|sentence| sentence.contains("#3")),
        "{:?}",
        older.state_message
    );
    std::fs::write(&gate, "").expect("opens the gate");
    // The first build is a person's, who made the application: no push takes its place.
    house.build(1, |build| build.state == PASSED).await;
    house.build(3, |build| build.state == PASSED).await;
}
