//! The installation's trouble is never charged to a commit: without room on the disk builds wait, pages say why, and all goes on
//! by itself.

use std::path::Path;
use std::process::Command;

use pipewright_core::build::{BuildOutcome, BuildState};

use super::served::{Rows, Serve, pause, simulator, team};

const PIPELINE: &str =
    "pipelines:\n  default:\n    - step:\n        script:\n          - echo hello\n";

/// A small file system of its own; none where this user may mount none.
struct SmallDisk {
    place: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let place = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=60m", "tmpfs"])
            .arg(place.path())
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then_some(Self { place })
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    /// Fills all but this many bytes.
    fn fill(&self, left: u64) -> std::path::PathBuf {
        let filler = self.path().join("filler");
        let free = rustix::fs::statvfs(self.path()).expect("a file system");
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(left);
        std::fs::write(&filler, vec![b'x'; usize::try_from(bytes).expect("small")]).expect("fills");
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l8_a_full_disk_lets_builds_wait_and_says_why() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let simulator = simulator(PIPELINE).await;
    let data = disk.path().join("data");
    let serve = Serve::on(&simulator, &data);
    let served = serve.start();
    let mut team = team(&simulator, &served).await;
    let rows = Rows::of(&data).await;
    let passed = |build: &pipewright_store::builds::Build| {
        build.state == BuildState::Finished(BuildOutcome::Passed)
    };
    rows.newest("the first build", passed).await;
    // Less than a twentieth, and enough to store what comes.
    let filler = disk.fill(2_800_000);
    let commit = simulator
        .cloud()
        .commit(
            "harbor/life",
            "full",
            &[("bitbucket-pipelines.yml", PIPELINE)],
            "On a full disk",
            "mara",
        )
        .await
        .expect("a push");
    rows.newest("the second build", |build| build.commit.as_str() == commit)
        .await;
    while served.get("/health").await.0 != 503 {
        pause().await;
    }
    let page = team
        .person
        .goes_to(&team_page(&team.url))
        .await
        .expect("a page")
        .text();
    assert!(
        page.contains("Trouble with room for steps") && page.contains("MB left"),
        "{page}"
    );
    let waits = rows.newest("it waits", |build| build.number == 2).await;
    assert!(!waits.state.is_finished(), "{waits:#?}");
    std::fs::remove_file(filler).expect("makes room");
    let build = rows
        .newest("its end", |build| build.state.is_finished())
        .await;
    assert_eq!(
        (build.commit.as_str(), passed(&build)),
        (commit.as_str(), true),
        "{build:#?}"
    );
    while served.get("/health").await.0 != 200 {
        pause().await;
    }
    drop(served);
    simulator.shutdown().await;
}

fn team_page(url: &str) -> String {
    format!("{url}/{}/builds", pipewright::story::ACCOUNT)
}
