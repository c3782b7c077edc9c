//! Stopping and starting again: what answers meanwhile, and that no build pays for it.

use std::os::unix::net::UnixDatagram;

use pipewright_core::build::{BuildOutcome, BuildState};

use super::served::{PATIENCE, Rows, Serve, pause, simulator, team};

/// A step of some seconds.
const LONG: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - for i in $(seq 1 100); do echo \"line $i\"; sleep 0.1; done\n";

/// A step that ends when it is ended.
const ENDLESS: &str =
    "pipelines:\n  default:\n    - step:\n        script:\n          - sleep 1000\n";

#[tokio::test(flavor = "multi_thread")]
async fn l6_orderly_restarts_are_never_charged_to_a_build() {
    let simulator = simulator(LONG).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path())
        .set("runner.unattended_minutes=0")
        .set("server.drain_seconds=0");
    let mut served = serve.start();
    let _team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    // More than a runner may be lost, and crashes between.
    for restart in 1..=6 {
        rows.runs(&build, restart).await;
        if restart % 3 == 0 {
            drop(served);
        } else {
            served.signal("TERM");
            assert_eq!(served.ended().await.code(), Some(0), "an orderly end");
        }
        served = serve.start();
    }
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    assert_eq!(
        build.state,
        BuildState::Finished(BuildOutcome::Passed),
        "{build:#?}"
    );
    let steps = pipewright_store::steps::list(&rows.db, build.id)
        .await
        .expect("reads");
    assert_eq!(
        (
            steps[0].attempts,
            steps[0].lost,
            steps[0].interrupted + steps[0].crashed
        ),
        (7, 0, 6)
    );
    drop(served);
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_requests_are_answered_until_the_process_ends() {
    let simulator = simulator(ENDLESS).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path())
        .set("runner.unattended_minutes=0")
        .set("server.drain_seconds=3");
    let mut served = serve.start();
    let _team = team(&simulator, &served).await;
    let rows = Rows::of(data.path()).await;
    let build = rows.first_runs().await;
    assert_eq!(served.get("/health").await, (200, "ok\n".to_owned()));
    served.signal("HUP");
    while served.get("/health/ready").await.1 != "stopping\n" {
        pause().await;
    }
    // Pages and webhooks go on meanwhile: a hook that nobody knows is told so by the intake.
    assert_eq!(served.get("/health/live").await.0, 200);
    assert!(served.get("/sign-in").await.1.contains("Sign in"));
    let hook = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(format!("{}/hooks/nobody", served.url))
        .body("{}")
        .send()
        .await
        .expect("is answered");
    assert_eq!(hook.status().as_u16(), 404);
    assert_eq!(served.ended().await.code(), Some(0));

    let mut served = serve.start();
    rows.runs(&build, 2).await;
    served.signal("TERM");
    while served.get("/health/ready").await.1 != "stopping\n" {
        pause().await;
    }
    served.signal("TERM");
    assert_eq!(
        served.ended().await.code(),
        Some(130),
        "a second one ends at once"
    );
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_hears_of_readiness_and_of_the_end() {
    let simulator = simulator(ENDLESS).await;
    let data = tempfile::tempdir().expect("a directory");
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("binds");
    manager
        .set_read_timeout(Some(PATIENCE))
        .expect("a patience");
    let hears = |beginning: &str| {
        let mut buffer = [0; 500];
        loop {
            let length = manager.recv(&mut buffer).expect("hears");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with(beginning) {
                return;
            }
        }
    };
    let mut serve = Serve::on(&simulator, data.path());
    serve.manager = Some(path);
    let mut served = serve.start();
    hears("READY=1\n");
    served.signal("TERM");
    hears("STOPPING=1\n");
    assert_eq!(served.ended().await.code(), Some(0));
    simulator.shutdown().await;
}
