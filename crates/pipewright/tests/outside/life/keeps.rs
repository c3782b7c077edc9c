//! A step goes on while its server is away: killed, stopped or upgraded. Nothing of it is lost, and nothing runs twice.

use std::path::Path;

use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_store::attempts::Attempt;
use pipewright_store::builds::Build;
use pipewright_store::logs::{LogStore, read_lines};

use super::served::{Rows, Serve, pause, simulator, team};

/// Lines that the step prints.
const LINES: usize = 400;

/// A step that prints numbered lines for some seconds, and leaves a file.
const NUMBERED: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - for i in $(seq 1 400); do echo \"line $i\"; sleep 0.03; done\n          - echo done > result.txt\n        artifacts:\n          - result.txt\n";

/// A step that ends when it is ended.
const ENDLESS: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - echo \"line 1\"; sleep 1000\n";

/// The numbered lines in an attempt's log, in order.
fn numbers(data: &Path, attempt: &Attempt) -> Vec<usize> {
    let store = LogStore::open(data.join("logs")).expect("opens");
    let window = read_lines(&store, attempt.id, 0, LINES * 2).expect("reads");
    window
        .lines
        .iter()
        .filter_map(|line| {
            let text = String::from_utf8_lossy(line);
            text.strip_prefix("line ")?.trim().parse().ok()
        })
        .collect()
}

async fn only_attempt(rows: &Rows, build: &Build) -> Attempt {
    let mut attempts = pipewright_store::attempts::of_build(&rows.db, build.id)
        .await
        .expect("reads");
    assert_eq!(attempts.len(), 1, "the step began once: {attempts:#?}");
    attempts.remove(0)
}

/// Waits until the attempt's log has `more` numbered lines more than `before`, or all of them.
async fn prints(data: &Path, attempt: &Attempt, before: usize, more: usize) -> usize {
    loop {
        let now = numbers(data, attempt).len();
        if now >= (before + more).min(LINES) {
            return now;
        }
        pause().await;
    }
}

async fn passes_once(rows: &Rows, data: &Path, build: &Build) {
    let build = rows
        .newest("its end", |newest| {
            newest.id == build.id && newest.state.is_finished()
        })
        .await;
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{build:#?}"
    );
    let attempt = only_attempt(rows, &build).await;
    let all: Vec<_> = (1..=LINES).collect();
    assert_eq!(numbers(data, &attempt), all, "each line once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_outlives_kills_and_restarts_of_its_server() {
    let simulator = simulator(NUMBERED).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path());
    let mut served = serve.start();
    let _team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    let attempt = only_attempt(&rows, &build).await;
    let mut printed = prints(data.path(), &attempt, 0, 1).await;
    for restart in 0..6 {
        if restart % 2 == 0 {
            drop(served);
        } else {
            served.signal("TERM");
            assert_eq!(served.ended().await.code(), Some(0), "an orderly end");
        }
        served = serve.start();
        printed = prints(data.path(), &attempt, printed, 20).await;
    }
    passes_once(&rows, data.path(), &build).await;
    drop(served);
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_ends_while_the_server_is_away_is_told_at_the_next_start() {
    let simulator = simulator(NUMBERED).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path());
    let served = serve.start();
    let mut team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    let attempt = only_attempt(&rows, &build).await;
    prints(data.path(), &attempt, 0, 1).await;
    drop(served);
    let kept = data.path().join("runner/kept");
    let ended = || {
        let folders = std::fs::read_dir(&kept).expect("a directory");
        let mut folders = folders.flatten();
        folders.any(|folder| folder.path().join("end.json").exists())
    };
    while !ended() {
        pause().await;
    }
    let served = serve.start();
    passes_once(&rows, data.path(), &build).await;
    let page = team
        .person
        .goes_to(&team.page(&format!("/applications/life/builds/{}", build.number)))
        .await
        .expect("opens");
    assert!(page.text().contains("result.txt"), "{}", page.text());
    while std::fs::read_dir(&kept).expect("a directory").count() > 0 {
        pause().await;
    }
    drop(served);
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_outlived_its_server_is_stopped_by_the_next_one() {
    let simulator = simulator(ENDLESS).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path());
    let served = serve.start();
    let mut team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    let attempt = only_attempt(&rows, &build).await;
    prints(data.path(), &attempt, 0, 1).await;
    drop(served);
    let served = serve.start();
    team.person
        .goes_to(&team.page(&format!("/applications/life/builds/{}", build.number)))
        .await
        .expect("opens");
    team.person.presses("Stop", &[]).await.expect("stops");
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    assert_eq!(build.state, BuildState::Finished(BuildOutcome::Stopped));
    only_attempt(&rows, &build).await;
    drop(served);
    simulator.shutdown().await;
}
