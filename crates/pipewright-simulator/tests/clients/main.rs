//! Released clients of other people, as they are installed from the Python package index, against the simulator: what they
//! send and what they need of an answer keeps the simulator honest.
//!
//! Skipped, saying so, where Python or the packages cannot be had; with `CI=true` that is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_simulator::state::Permission;
use pipewright_simulator::{Simulator, SimulatorOptions, TokenLevel};

/// The versions that are held to; newer ones are taken up by hand, so that a release elsewhere breaks nothing here.
const CLIENTS: [&str; 2] = ["atlassian-python-api==5.0.5", "stashy==0.7"];

/// Python with the clients; none, with a word about it, where they cannot be had.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what was skipped"
)]
fn python() -> Option<PathBuf> {
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{}", CLIENTS.join("-")));
    let python = directory.join("bin/python");
    let ready = directory.join("ready");
    // Tests of one process share it; another process may be at it, which only costs time.
    static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _making = MAKING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if ready.is_file() {
        return Some(python);
    }
    let run = |program: &Path, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let place = directory.to_str()?;
    let mut install = vec![
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    install.extend(CLIENTS);
    let made = run(Path::new("python3"), &["-m", "venv", place])
        && run(&python, &install)
        && std::fs::write(&ready, "").is_ok();
    if made {
        return Some(python);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "python3 with venv, and {CLIENTS:?}, are needed here"
    );
    eprintln!("skipped: python3 with venv, or {CLIENTS:?}, cannot be had");
    None
}

async fn calls(which: &'static str, address: String, user: &'static str, secret: String) {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/calls.py");
    let output = tokio::task::spawn_blocking(move || {
        Command::new(python)
            .arg(script)
            .args([which, &address, user, &secret])
            .env("NO_PROXY", "*")
            .output()
            .expect("Python runs")
    })
    .await
    .expect("it ends");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn team() -> Simulator {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    simulator
}

async fn data_center(simulator: &Simulator, branches: &[&str]) -> String {
    let datacenter = simulator.datacenter();
    for branch in branches {
        datacenter
            .commit("FIN/ledger", branch, &[(*branch, "x")], "Change", "mara")
            .await
            .expect("a branch");
    }
    datacenter
        .create_token(
            "mara",
            "scripts",
            &[
                TokenLevel::Project(Permission::Admin),
                TokenLevel::Repository(Permission::Admin),
            ],
        )
        .expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn stashy_works_with_data_center() {
    let simulator = team().await;
    let token = data_center(&simulator, &["stashy", "release", "other"]).await;
    let address = simulator.datacenter_url();
    calls("stashy", address, "mara", token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atlassian_python_api_works_with_data_center() {
    let simulator = team().await;
    let token = data_center(&simulator, &["python", "python-other"]).await;
    let address = simulator.datacenter_url();
    calls("datacenter", address, "mara", token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atlassian_python_api_works_with_cloud() {
    let simulator = team().await;
    let cloud = simulator.cloud();
    for branch in ["python", "python-other"] {
        cloud
            .commit(
                "harbor/checkout-api",
                branch,
                &[(branch, "x")],
                "Change",
                "mara",
            )
            .await
            .expect("a branch");
    }
    let token = cloud
        .add_access_token("harbor", &["account", "pullrequest:write"])
        .expect("a token");
    let api = simulator.cloud_api_url();
    let address = api.strip_suffix("/2.0").unwrap_or(&api).to_owned();
    calls("cloud", address, "mara", token).await;
}
