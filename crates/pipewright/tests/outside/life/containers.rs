//! The server with a container engine: steps run in their images, outlive their server, wait for an engine that is away, and leave
//! nothing (B19).

use std::path::Path;

use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_runner::testing::{IMAGE, TestEngine};
use pipewright_store::builds::Build;
use pipewright_store::logs::{LogStore, read_lines};

use super::served::{Rows, Serve, pause, simulator, team};

/// The whole log of the build's attempts, the marks of commands left out.
async fn logs(rows: &Rows, data: &Path, build: &Build) -> Vec<String> {
    let store = LogStore::open(data.join("logs")).expect("opens");
    let attempts = pipewright_store::attempts::of_build(&rows.db, build.id)
        .await
        .expect("reads");
    attempts
        .iter()
        .map(|attempt| {
            let window = read_lines(&store, attempt.id, 0, 10_000).expect("reads");
            let lines = window.lines.iter();
            lines
                .map(|line| {
                    String::from_utf8_lossy(line)
                        .trim_start_matches('\u{1d}')
                        .to_owned()
                })
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect()
}

/// Waits until the engine has no container of this server any more but those that are kept ready.
async fn only_holders_are_left(engine: &TestEngine, label: &str) {
    loop {
        let left = engine.containers(label);
        if left.iter().all(|said| said.contains("\"holder\"")) && left.len() <= 1 {
            return;
        }
        pause().await;
    }
}

/// The label of the containers of the server on this data directory.
fn label(data: &Path) -> String {
    let id = std::fs::read_to_string(data.join("runner/id")).expect("the runner's id");
    format!("app.pipewright.runner=embedded-{}", &id.trim()[20..])
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_step_runs_in_its_image_with_its_service_and_pipe() {
    let Some(engine) = TestEngine::find() else {
        return;
    };
    engine.make_image(
        "pipewright-test/b19-service",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"while :; do nc -l -p 8097 -e echo hello $WHO; done\"]\nEXPOSE 8097",
    );
    engine.make_image(
        "pipewright-test/b19-pipe",
        "ENTRYPOINT [\"/bin/sh\",\"-c\",\"echo pipe on $BITBUCKET_BRANCH says $WORD; echo $WORD >piped\"]",
    );
    let file = format!(
        "image: {IMAGE}\ndefinitions:\n  services:\n    greeter:\n      image: pipewright-test/b19-service:1\n      memory: 128\n      variables: {{WHO: world}}\npipelines:\n  default:\n    - step:\n        services: [greeter]\n        script:\n          - until nc greeter 8097 </dev/null; do sleep 0.1; done\n          - cat bitbucket-pipelines.yml | head -1\n          - ls / | grep -c '^usr$' || true\n          - export SAID=this\n          - pipe: docker://pipewright-test/b19-pipe:1\n            variables: {{WORD: $SAID}}\n          - cat piped\n        after-script:\n          - echo after $BITBUCKET_EXIT_CODE\n    - step:\n        script:\n          - test ! -e piped && echo clean\n"
    );
    let simulator = simulator(&file).await;
    let data = tempfile::tempdir().expect("a directory");
    let address = format!("engine.address=unix://{}", engine.socket().display());
    let mut served = Serve::on(&simulator, data.path()).set(&address).start();
    let mut team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    let logs = logs(&rows, data.path(), &build).await;
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{logs:#?}"
    );
    for line in [
        "hello world",
        &format!("image: {IMAGE}"),
        "pipe on main says this",
        "\nthis",
        "after 0",
        "\n0\n",
    ] {
        assert!(logs[0].contains(line), "{line} in {}", logs[0]);
    }
    assert!(logs[1].contains("clean"), "{}", logs[1]);
    let page = team
        .person
        .goes_to(&team.page(&format!("/applications/life/builds/{}", build.number)))
        .await
        .expect("opens");
    assert!(!page.text().contains("without"), "{}", page.text());
    let label = label(data.path());
    only_holders_are_left(&engine, &label).await;
    served.signal("TERM");
    served.ended().await;
    assert!(engine.containers(&label).is_empty(), "nothing is left");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_container_outlives_kills_of_its_server_and_loses_no_line() {
    const LINES: usize = 300;
    let Some(engine) = TestEngine::find() else {
        return;
    };
    let file = format!(
        "image: {IMAGE}\npipelines:\n  default:\n    - step:\n        script:\n          - for i in $(seq 1 {LINES}); do echo \"line $i\"; sleep 0.03; done\n"
    );
    let simulator = simulator(&file).await;
    let data = tempfile::tempdir().expect("a directory");
    let address = format!("engine.address=unix://{}", engine.socket().display());
    let serve = Serve::on(&simulator, data.path()).set(&address);
    let mut served = serve.start();
    let _team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    let mut printed = 0;
    for restart in 0..4 {
        let wanted = (printed + 20).min(LINES);
        loop {
            let logs = logs(&rows, data.path(), &build).await;
            printed = logs.iter().map(|log| log.matches("line ").count()).sum();
            if printed >= wanted {
                break;
            }
            pause().await;
        }
        if restart % 2 == 0 {
            drop(served);
        } else {
            served.signal("TERM");
            served.ended().await;
        }
        served = serve.start();
    }
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    let logs = logs(&rows, data.path(), &build).await;
    assert_eq!(logs.len(), 1, "it began once: {logs:#?}");
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{logs:#?}"
    );
    let numbers: Vec<usize> = logs[0]
        .lines()
        .filter_map(|line| line.strip_prefix("line ")?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=LINES).collect::<Vec<_>>());
    let label = label(data.path());
    only_holders_are_left(&engine, &label).await;
    served.signal("TERM");
    served.ended().await;
    assert!(engine.containers(&label).is_empty(), "nothing is left");
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_steps_wait_for_an_engine_that_is_away_and_go_on_when_it_comes() {
    let Some(engine) = TestEngine::find() else {
        return;
    };
    let file = format!(
        "image: {IMAGE}\npipelines:\n  default:\n    - step:\n        script: [echo here]\n"
    );
    let simulator = simulator(&file).await;
    let data = tempfile::tempdir().expect("a directory");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let socket = elsewhere.path().join("engine.sock");
    let address = format!("engine.address=unix://{}", socket.display());
    let mut served = Serve::on(&simulator, data.path()).set(&address).start();
    let mut team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.newest("the build", |_| true).await;
    let path = team.page(&format!("/applications/life/builds/{}", build.number));
    loop {
        let page = team.person.goes_to(&path).await.expect("opens");
        if page.text().contains("does not answer") {
            break;
        }
        pause().await;
    }
    assert!(!rows.builds().await[0].state.is_finished(), "it waits");
    std::os::unix::fs::symlink(engine.socket(), &socket).expect("a link");
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    assert_eq!(build.state, BuildState::Finished(BuildOutcome::Passed));
    served.signal("TERM");
    served.ended().await;
    assert!(
        engine.containers(&label(data.path())).is_empty(),
        "nothing is left"
    );
    simulator.shutdown().await;
}
