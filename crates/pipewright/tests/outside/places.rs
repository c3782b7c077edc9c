//! B16: wherever the data directory lies, a step runs and sees nothing of it: where sandboxes hide everything (`/home`), where
//! they show the machine's programs (`/usr/local`) and its settings (`/etc`), and where services keep theirs (`/var/lib`).

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::team::House;

#[tokio::test(flavor = "multi_thread")]
async fn b16_a_step_runs_wherever_the_data_directory_lies() {
    for parent in ["/home", "/usr/local", "/etc", "/var/lib"] {
        a_step_runs_below(parent).await;
    }
}

async fn a_step_runs_below(parent: &str) {
    let Ok(data) = tempfile::Builder::new()
        .prefix("pipewright-test-")
        .tempdir_in(parent)
    else {
        #[expect(clippy::print_stderr, reason = "the test's output")]
        {
            eprintln!("skipped: only root may make a directory in {parent}");
        }
        return;
    };
    let path = data.path().display().to_string();
    let pipeline = format!(
        "pipelines:\n  default:\n    - step:\n        script:\n          - ls {path} 2>&1 | sed 's/^/SEEN /'\n          - ls bitbucket-pipelines.yml\n"
    );
    let house = House::with_application_in(data, &pipeline).await;
    let build = house
        .build(1, |build| matches!(build.state, BuildState::Finished(_)))
        .await;
    let log = house.log_of(&build).await;
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{:?} {log}",
        build.state_message
    );
    for secret in ["secret.key", "pipewright.db", "mirrors", "logs"] {
        assert!(!log.contains(&format!("SEEN {secret}")), "{log}");
    }
}
