//! A keeper, in this process, and the runners that come and go.

use std::path::Path;
use std::time::Duration;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::StepPlan;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Followed, Following, KeptFolder, Order};
use crate::executor::{Control, HostOptions, Isolation, StepDirectories, StepEnd, StepLimits};

/// Prints a line, waits for a file, prints another.
const WAITING: &str = "echo one; while [ ! -e go ]; do sleep 0.01; done; echo two";

struct Kept {
    place: tempfile::TempDir,
    folder: KeptFolder,
    keeper: JoinHandle<std::io::Result<()>>,
    order: Order,
}

impl Kept {
    /// A keeper that listens.
    fn of(script: &str, alone: Duration) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let folder = KeptFolder::at(place.path().join("kept/one"));
        folder.make().expect("a folder");
        let listener = folder.bind().expect("a socket");
        let plan = serde_json::json!({
            "name": "Step 1",
            "script": [{ "command": script }],
            "max_time_minutes": 120,
            "clone": { "enabled": false, "depth": { "commits": 50 } },
            "size": 1,
        });
        let plan: StepPlan = serde_json::from_value(plan).expect("the plan's form");
        let directories =
            StepDirectories::create(&place.path().join("attempt")).expect("directories");
        let order = Order {
            folder: folder.path().to_owned(),
            mark: "one".to_owned(),
            plan,
            directories,
            environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
            masked: vec!["hushhush".to_owned()],
            max_time: Duration::from_mins(1),
            limits: StepLimits::default(),
            log_limit: 1_000_000,
            host: HostOptions {
                isolation: Isolation::None,
                ..HostOptions::default()
            },
            engine: None,
            begun: None,
            alone,
        };
        Self {
            keeper: tokio::spawn(super::process::run(listener)),
            place,
            folder,
            order,
        }
    }

    fn build(&self) -> &Path {
        &self.order.directories.build
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.log()).expect("a log")
    }
}

/// Follows until `leave`, or to the end.
async fn follow(
    following: Following,
    lengths: &watch::Sender<u64>,
    leave: &CancellationToken,
) -> Followed {
    let (_control, mut words) = watch::channel(Control::Run);
    following.follow(lengths, &mut words, leave, drop).await
}

async fn end_of(following: Following) -> StepEnd {
    let lengths = watch::Sender::new(0);
    match follow(following, &lengths, &CancellationToken::new()).await {
        Followed::Ended(end) => end,
        Followed::Left => panic!("nobody left"),
    }
}

/// Follows until the script printed something, then goes.
async fn leaves_after_a_line(kept: &Kept, following: Following) {
    let lengths = watch::Sender::new(0);
    let mut known = lengths.subscribe();
    let leave = CancellationToken::new();
    let (followed, grown) = tokio::join!(follow(following, &lengths, &leave), async {
        let grown = known
            .wait_for(|length| *length > 0)
            .await
            .map(|length| *length);
        leave.cancel();
        grown
    });
    assert!(matches!(followed, Followed::Left), "{followed:?}");
    assert_eq!(grown.ok(), Some(kept.log().len() as u64));
}

#[tokio::test]
async fn a_second_runner_goes_on_where_the_first_was() {
    let kept = Kept::of(&format!("{WAITING} hushhush"), Duration::from_mins(1));
    let first = Following::order(kept.folder.clone(), &kept.order)
        .await
        .expect("is ordered");
    leaves_after_a_line(&kept, first).await;
    let second = Following::find(kept.folder.clone()).expect("it lives");
    std::fs::write(kept.build().join("go"), "").expect("a file");
    let end = end_of(second).await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Passed, Some(0))
    );
    let log = kept.log();
    assert_eq!(
        (log.matches("one\n").count(), log.contains("hushhush")),
        (1, false),
        "{log}"
    );
    kept.keeper.await.expect("no bug").expect("it ends well");
    // Whoever comes when all is over reads how it ended.
    let third = Following::find(kept.folder.clone()).expect("its end is there");
    assert_eq!(end_of(third).await, end);
}

#[tokio::test]
async fn without_a_runner_for_too_long_the_step_is_ended() {
    let kept = Kept::of(WAITING, Duration::from_millis(50));
    let first = Following::order(kept.folder.clone(), &kept.order)
        .await
        .expect("is ordered");
    leaves_after_a_line(&kept, first).await;
    kept.keeper.await.expect("no bug").expect("it ends well");
    let end = end_of(Following::find(kept.folder.clone()).expect("its end is there")).await;
    assert_eq!(end.outcome, AttemptOutcome::Interrupted);
}

#[tokio::test]
async fn a_keeper_whose_folder_is_removed_ends() {
    let kept = Kept::of(WAITING, Duration::from_mins(1));
    let first = Following::order(kept.folder.clone(), &kept.order)
        .await
        .expect("is ordered");
    leaves_after_a_line(&kept, first).await;
    std::fs::remove_dir_all(kept.folder.path()).expect("is removed");
    kept.keeper.await.expect("no bug").expect("it ends well");
    drop(kept.place);
}

#[tokio::test]
async fn a_keeper_whose_order_never_came_ends_with_the_next_runner() {
    let kept = Kept::of(WAITING, Duration::from_mins(1));
    let second = Following::find(kept.folder.clone()).expect("it listens");
    let end = end_of(second).await;
    assert_eq!(end.outcome, AttemptOutcome::Lost, "nobody knows");
    kept.keeper
        .await
        .expect("no bug")
        .expect_err("it had nothing to do");
}

#[tokio::test]
async fn what_a_runner_left_in_good_order_is_a_restart_whatever_ended_its_keeper() {
    let kept = Kept::of(WAITING, Duration::from_mins(1));
    kept.keeper.abort();
    kept.keeper.await.expect_err("it was ended");
    assert!(
        Following::find(kept.folder.clone()).is_none(),
        "nothing is known"
    );
    kept.folder.note_left().expect("is noted");
    let end = end_of(Following::find(kept.folder.clone()).expect("it was left")).await;
    assert_eq!(end.outcome, AttemptOutcome::Interrupted);
    kept.folder.forget_left().expect("is forgotten");
    kept.folder.forget_left().expect("again");
    assert!(Following::find(kept.folder).is_none());
}
