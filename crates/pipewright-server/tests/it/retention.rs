//! What is not kept for ever.

use std::sync::Arc;
use std::time::Duration;

use pipewright_server::testing::{Swept, TestOptions, TestServer};
use pipewright_server::{ManualClock, Retention};

const PIPELINE: &str = "pipelines:\n  default:\n    - step: {script: ['echo built > file', 'echo a line'], artifacts: [file]}\n";

/// How many logs there are on the disk; what lies beside one goes with it.
fn logs(server: &TestServer) -> usize {
    let files = server.files_below("logs");
    let logs = files
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "log"))
        .count();
    if logs == 0 {
        assert!(files.is_empty(), "left behind: {files:?}");
    }
    logs
}

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn of_each_ref_the_newest_builds_stay_and_the_others_go_with_their_files() {
    let retention = Retention {
        builds_per_ref: 2,
        ..Retention::default()
    };
    let server = TestServer::with(TestOptions {
        retention,
        ..TestOptions::default()
    })
    .await;
    for number in 1..=4 {
        let text = format!("{PIPELINE}# {number}\n");
        server.push("main", &text).await;
        server.expect_build(number, "passed").await;
    }
    server.push("other", PIPELINE).await;
    server.expect_build(5, "passed").await;
    assert_eq!(server.files_below("artifacts").len(), 5);
    assert_eq!(logs(&server), 5);
    let swept = server.sweep().await;
    assert_eq!((swept.builds, swept.logs), (2, 0));
    let left: Vec<i64> = server
        .builds()
        .await
        .iter()
        .map(|build| build.number)
        .collect();
    assert_eq!(left, [3, 4, 5]);
    assert_eq!(server.files_below("artifacts").len(), 3);
    assert_eq!(logs(&server), 3);
    let sizes = server.sizes().await;
    assert_eq!((sizes.builds, sizes.logs, sizes.artifacts), (3, 3, 3));
    assert!(
        sizes.log_bytes > 0 && sizes.mirror_bytes > 0 && sizes.body_bytes > 0,
        "{sizes:?}"
    );
    assert_eq!(
        server.sweep().await,
        Swept::default(),
        "a second look finds nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_and_the_newest_build_of_a_ref_stays_without_its_log() {
    let clock = Arc::new(ManualClock::at(pipewright_core::Timestamp::from_seconds(
        1_800_000_000,
    )));
    let server = TestServer::with(TestOptions {
        clock: Some(Arc::clone(&clock)),
        ..TestOptions::default()
    })
    .await;
    let first = server.push("main", PIPELINE).await;
    server.expect_build(1, "passed").await;
    let second = server.push("main", &format!("{PIPELINE}# 2\n")).await;
    server.expect_build(2, "passed").await;
    for commit in [&first, &second] {
        server.expect_status(commit, "SUCCESSFUL").await;
    }
    assert_eq!(server.sweep().await, Swept::default());
    clock.advance(DAY * 31);
    let swept = server.sweep().await;
    assert!(
        swept.builds == 0 && swept.logs == 0 && swept.bodies >= 2 && swept.statuses >= 2,
        "{swept:?}"
    );
    assert_eq!(server.sizes().await.body_bytes, 0);
    clock.advance(DAY * 150);
    assert_eq!(server.sweep().await.logs, 2);
    assert_eq!(logs(&server), 0);
    clock.advance(DAY * 200);
    let swept = server.sweep().await;
    assert_eq!(swept.builds, 1);
    let left: Vec<i64> = server
        .builds()
        .await
        .iter()
        .map(|build| build.number)
        .collect();
    assert_eq!(left, [2], "the newest of its branch stays");
    assert!(swept.deliveries >= 1, "{swept:?}");
}
