//! The whole runner with a dispatcher in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::StepPlan;
use pipewright_core::wire::{AttemptReport, Directive};
use pipewright_runner::executor::{
    Boundary, Doing, Executor, HostExecutor, NotReady, Room, RoomStart, SeenAs, Shell, StartError,
    StepDirectories, StepLimits,
};
use pipewright_runner::runner::{Runner, RunnerConfig, RunnerError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::dispatcher::{Memory, assignment};
use crate::support::{PATIENCE, step};
use pipewright_git::testing::{Origin, git, mirrors};

pub(crate) struct Bench {
    directory: TempDir,
    pub(crate) dispatcher: Arc<Memory>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), RunnerError>>,
}

fn config(directory: &TempDir, slots: usize) -> RunnerConfig {
    let limits = StepLimits {
        stop_grace: Duration::from_millis(500),
        ..StepLimits::default()
    };
    let now = || Timestamp::from_seconds(1);
    let config = RunnerConfig::new("test", slots, directory.path().join("runner"), now);
    RunnerConfig {
        limits,
        heartbeat: Duration::from_millis(100),
        drain: Duration::from_millis(200),
        ..config
    }
}

impl Bench {
    pub(crate) fn start(slots: usize) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), slots)
    }

    pub(crate) fn start_with(slots: usize, change: impl FnOnce(&mut RunnerConfig)) -> Self {
        Self::start_changed(tempfile::tempdir().expect("a directory"), slots, change)
    }

    fn start_in(directory: TempDir, slots: usize) -> Self {
        Self::start_changed(directory, slots, |_| {})
    }

    fn start_changed(
        directory: TempDir,
        slots: usize,
        change: impl FnOnce(&mut RunnerConfig),
    ) -> Self {
        let (dispatcher, shutdown) = (Memory::new(), CancellationToken::new());
        let mut config = config(&directory, slots);
        change(&mut config);
        let runner = Runner::new(config, mirrors(&directory), Arc::clone(&dispatcher));
        let running = tokio::spawn(runner.run(shutdown.clone()));
        Self {
            directory,
            dispatcher,
            shutdown,
            running,
        }
    }

    pub(crate) fn attempts(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path().join("runner/attempts"));
        entries
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default()
    }

    pub(crate) async fn end(self) -> TempDir {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .expect("it ends")
            .expect("no panic")
            .expect("no error");
        let left: Vec<_> = std::fs::read_dir(self.directory.path().join("runner/attempts"))
            .expect("a directory")
            .flatten()
            .collect();
        assert!(left.is_empty(), "workspaces are removed: {left:?}");
        self.directory
    }

    async fn run(
        &self,
        script: &[&str],
        environment: &[(&str, &str)],
        masked: &[&str],
    ) -> (AttemptReport, String) {
        let attempt =
            self.dispatcher
                .give(assignment(step(script, &[]), None, environment, masked));
        self.dispatcher.report(attempt).await
    }
}

#[tokio::test]
async fn an_attempt_is_cloned_run_reported_and_removed() {
    let (origin, bench) = (Origin::new(), Bench::start(1));
    let commit = origin.push("main", "a.txt", "one");
    let give = || {
        let plan = step(&["cat a.txt; git rev-parse HEAD"], &["echo after"]);
        bench.dispatcher.give(assignment(
            plan,
            Some(origin.checkout("main", &commit)),
            &[],
            &[],
        ))
    };
    let (report, text) = bench.dispatcher.report(give()).await;
    assert_eq!(
        (report.outcome, report.exit_code),
        (AttemptOutcome::Passed, Some(0)),
        "{text}"
    );
    assert!(
        text.starts_with(&format!("Cloned checkout-api at {} in ", commit.short()))
            && text.contains("(new mirror, 3 objects)\n"),
        "{text}"
    );
    assert!(text.contains(&format!("one{commit}\n")), "{text}");
    let parts: Vec<_> = report
        .timings
        .iter()
        .map(|timing| timing.part.as_str())
        .collect();
    assert_eq!(
        parts,
        [
            "claim",
            "fetch",
            "checkout",
            "spawn",
            "script",
            "after-script"
        ]
    );
    assert_eq!(
        report.timings[0].micros, 1_000_000,
        "the wait since the push was accepted"
    );
    let (_, text) = bench.dispatcher.report(give()).await;
    assert!(text.contains("(mirror warm, nothing to fetch)"), "{text}");
    bench.end().await;
}

#[tokio::test]
async fn t20_a_hostile_branch_name_reaches_the_script_as_data() {
    let (origin, bench) = (Origin::new(), Bench::start(2));
    for name in [
        "$(touch${IFS}pwned)",
        "a'b\"c;touch$IFS'pwned'",
        "-rf",
        "größe/`touch${IFS}pwned`",
    ] {
        let commit = origin.push(name, "a.txt", name);
        let plan = step(
            &["echo \"branch <$BITBUCKET_BRANCH>\"; git symbolic-ref HEAD; ls -A"],
            &[],
        );
        let attempt = bench.dispatcher.give(assignment(
            plan,
            Some(origin.checkout(name, &commit)),
            &[("BITBUCKET_BRANCH", name)],
            &[],
        ));
        let (report, text) = bench.dispatcher.report(attempt).await;
        assert_eq!(report.outcome, AttemptOutcome::Passed, "{text}");
        assert!(
            text.contains(&format!(
                "\nbranch <{name}>\nrefs/heads/{name}\n.git\na.txt\n"
            )),
            "{text}"
        );
    }
    bench.end().await;
}

#[tokio::test]
async fn a_clone_that_fails_is_an_error_with_a_sentence() {
    let (origin, bench) = (Origin::new(), Bench::start(1));
    origin.push("main", "a.txt", "one");
    let lost = origin.push("main", "b.txt", "two");
    git(&origin.work(), &["reset", "-q", "--hard", "HEAD~1"]);
    origin.push("main", "c.txt", "three");
    let attempt = bench.dispatcher.give(assignment(
        step(&["echo never"], &[]),
        Some(origin.checkout("main", &lost)),
        &[],
        &[],
    ));
    let (report, text) = bench.dispatcher.report(attempt).await;
    assert_eq!(
        (report.outcome, report.exit_code),
        (AttemptOutcome::Errored, None)
    );
    let message = report.message.expect("a sentence");
    assert!(
        message.contains("force-pushed")
            && message.contains(lost.as_str())
            && text.contains(&message)
            && !text.contains("never"),
        "{text}"
    );
    assert!(
        bench.dispatcher.seen(attempt).started.is_none(),
        "no command ran"
    );
    bench.end().await;
}

#[tokio::test]
async fn secrets_are_masked_by_their_names() {
    let bench = Bench::start(1);
    let script = [
        "echo \"a $TOKEN b\"; echo -n \"$TOKEN\" | base64 -w0; echo; printf 's3cr3t'; sleep 0.2; printf -- '-value\\n'; echo other-secret",
    ];
    let (_, text) = bench
        .run(
            &script,
            &[("TOKEN", "s3cr3t-value")],
            &["s3cr3t-value", "other-secret", "ab"],
        )
        .await;
    assert!(
        !text.contains("s3cr3t-value")
            && !text.contains("czNjcjN0LXZhbHVl")
            && text.contains("a $TOKEN b\n")
            && text.contains("***"),
        "{text}"
    );
    assert!(
        text.contains("1 secured value is shorter than 4 characters"),
        "{text}"
    );
    bench.end().await;
}

#[tokio::test]
async fn slots_are_filled_and_not_overfilled() {
    let bench = Bench::start(2);
    let attempts: Vec<_> = (0..6)
        .map(|_| {
            bench
                .dispatcher
                .give(assignment(step(&["sleep 0.1"], &[]), None, &[], &[]))
        })
        .collect();
    for attempt in attempts {
        assert_eq!(
            bench.dispatcher.report(attempt).await.0.outcome,
            AttemptOutcome::Passed
        );
    }
    assert_eq!(bench.dispatcher.most_running(), 2);
    bench.end().await;
}

#[tokio::test]
async fn a_stop_reaches_a_running_attempt_without_a_heartbeat() {
    let bench = Bench::start(1);
    let attempt = bench
        .dispatcher
        .give(assignment(step(&["sleep 1000"], &[]), None, &[], &[]));
    bench
        .dispatcher
        .until(attempt, |seen| seen.started.is_some())
        .await;
    bench.dispatcher.direct(attempt, Directive::Stop).await;
    let (report, text) = bench.dispatcher.report(attempt).await;
    assert_eq!(report.outcome, AttemptOutcome::Stopped, "{text}");
    bench.end().await;
}

#[tokio::test]
async fn a_stop_ends_a_clone_that_hangs() {
    let (origin, bench) = (Origin::new(), Bench::start(1));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let commit = origin.push("main", "a.txt", "one");
    let mut checkout = origin.checkout("main", &commit);
    checkout.url = format!("http://{}/x.git", silent.local_addr().expect("an address"));
    let attempt = bench.dispatcher.give(assignment(
        step(&["echo never"], &["echo never"]),
        Some(checkout),
        &[],
        &[],
    ));
    let (caller, silent) =
        tokio::task::spawn_blocking(move || silent.accept().map(|(stream, _)| (stream, silent)))
            .await
            .expect("no panic")
            .expect("git calls");
    bench.dispatcher.direct(attempt, Directive::Stop).await;
    let (report, text) = bench.dispatcher.report(attempt).await;
    assert_eq!(report.outcome, AttemptOutcome::Stopped);
    assert!(
        text.contains("Stopped before the script began.") && !text.contains("never"),
        "{text}"
    );
    drop((caller, silent));
    bench.end().await;
}

#[tokio::test]
async fn an_abandoned_attempt_ends_and_is_not_reported() {
    let bench = Bench::start(1);
    let attempt = bench.dispatcher.give(assignment(
        step(&["sleep 1000"], &["echo after"]),
        None,
        &[],
        &[],
    ));
    bench
        .dispatcher
        .until(attempt, |seen| seen.started.is_some())
        .await;
    bench.dispatcher.direct(attempt, Directive::Abandon).await;
    // The slot is free again, which it is only after the attempt's end.
    assert_eq!(
        bench.run(&["true"], &[], &[]).await.0.outcome,
        AttemptOutcome::Passed
    );
    assert!(bench.dispatcher.seen(attempt).report.is_none());
    bench.end().await;
}

#[tokio::test]
async fn a_lease_that_is_gone_ends_the_attempt() {
    let bench = Bench::start(1);
    let attempt = bench.dispatcher.give(assignment(
        step(&["while sleep 0.02; do echo tick; done"], &[]),
        None,
        &[],
        &[],
    ));
    bench
        .dispatcher
        .until(attempt, |seen| seen.appends > 0)
        .await;
    bench.dispatcher.take_leases_away();
    let begin = std::time::Instant::now();
    while !bench.attempts().is_empty() {
        assert!(begin.elapsed() < PATIENCE, "it still runs");
        tokio::task::yield_now().await;
    }
    bench.end().await;
}

#[tokio::test]
async fn a_server_that_is_away_loses_nothing() {
    let bench = Bench::start(1);
    bench.dispatcher.fail_next(4);
    let (report, text) = bench.run(&["seq 1 5000"], &[], &[]).await;
    assert_eq!(report.outcome, AttemptOutcome::Passed);
    assert!(text.contains("\n5000\n") && text.contains("\n1\n"));
    bench.end().await;
}

#[tokio::test]
async fn leases_are_renewed_while_an_attempt_runs() {
    let bench = Bench::start(1);
    let attempt = bench
        .dispatcher
        .give(assignment(step(&["sleep 1000"], &[]), None, &[], &[]));
    bench
        .dispatcher
        .until(attempt, |_| bench.dispatcher.beats() >= 3)
        .await;
    bench.dispatcher.direct(attempt, Directive::Stop).await;
    bench.end().await;
}

#[tokio::test]
async fn shutdown_gives_back_what_does_not_end_in_time() {
    let bench = Bench::start(2);
    let long = bench.dispatcher.give(assignment(
        step(&["sleep 1000"], &["echo after"]),
        None,
        &[],
        &[],
    ));
    bench
        .dispatcher
        .until(long, |seen| seen.started.is_some())
        .await;
    let dispatcher = Arc::clone(&bench.dispatcher);
    bench.end().await;
    assert_eq!(
        dispatcher.report(long).await.0.outcome,
        AttemptOutcome::Interrupted
    );
    assert!(!dispatcher.seen(long).text().contains("after"));
}

#[tokio::test]
async fn what_a_killed_runner_left_is_ended_and_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mark = format!("{}-7", pipewright_core::ids::AttemptId::new());
    let left = directory.path().join("runner/attempts").join(&mark);
    std::fs::create_dir_all(left.join("build")).expect("a directory");
    let mut orphan = std::process::Command::new("/bin/sleep")
        .arg("1000")
        .env("PIPEWRIGHT_ATTEMPT", &mark)
        .spawn()
        .expect("it starts");
    let bench = Bench::start_in(directory, 1);
    assert_eq!(
        bench.run(&["true"], &[], &[]).await.0.outcome,
        AttemptOutcome::Passed
    );
    assert!(!left.exists());
    let begin = std::time::Instant::now();
    let status = loop {
        if let Some(status) = orphan.try_wait().expect("a child") {
            break status;
        }
        assert!(begin.elapsed() < PATIENCE, "the orphan lives");
        tokio::task::yield_now().await;
    };
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    bench.end().await;
}

#[tokio::test]
async fn two_runners_do_not_share_a_directory() {
    let bench = Bench::start(1);
    assert_eq!(
        bench.run(&["true"], &[], &[]).await.0.outcome,
        AttemptOutcome::Passed
    );
    let second = Runner::new(
        config(&bench.directory, 1),
        mirrors(&bench.directory),
        Memory::new(),
    );
    let error = second
        .run(CancellationToken::new())
        .await
        .expect_err("the first one has it");
    assert!(matches!(error, RunnerError::InUse(_)), "{error}");
    bench.end().await;
}

/// Runs as the host does, except that a script called `panic` finds a bug.
#[derive(Debug)]
struct Buggy(HostExecutor);

impl Executor for Buggy {
    fn boundary(&self, plan: &StepPlan) -> Boundary {
        self.0.boundary(plan)
    }

    fn ready(&self) -> Doing<'_, Result<(), NotReady>> {
        self.0.ready()
    }

    fn notices(&self, plan: &StepPlan) -> Vec<String> {
        assert!(plan.name != "panic", "a bug");
        Vec::new()
    }

    fn qualification(&self, plan: &StepPlan) -> Option<String> {
        self.0.qualification(plan)
    }

    fn shell(&self, plan: &StepPlan) -> Shell {
        self.0.shell(plan)
    }

    fn seen_as(&self, plan: &StepPlan, directories: &StepDirectories) -> SeenAs {
        self.0.seen_as(plan, directories)
    }

    fn open<'a>(&'a self, start: RoomStart<'a>) -> Doing<'a, Result<Box<dyn Room>, StartError>> {
        self.0.open(start)
    }

    fn end_escaped<'a>(&'a self, mark: &'a str) -> Doing<'a, ()> {
        self.0.end_escaped(mark)
    }
}

#[tokio::test]
async fn a_bug_costs_one_attempt() {
    let directory = tempfile::tempdir().expect("a directory");
    let (dispatcher, shutdown) = (Memory::new(), CancellationToken::new());
    let runner = Runner::with_executor(
        config(&directory, 1),
        mirrors(&directory),
        Arc::clone(&dispatcher),
        Arc::new(Buggy(HostExecutor::default())),
    );
    let running = tokio::spawn(runner.run(shutdown.clone()));
    let mut plan = step(&["true"], &[]);
    "panic".clone_into(&mut plan.name);
    let attempt = dispatcher.give(assignment(plan, None, &[], &[]));
    let (report, _) = dispatcher.report(attempt).await;
    assert!(
        report.outcome == AttemptOutcome::Errored
            && report
                .message
                .is_some_and(|message| message.contains("bug"))
    );
    let attempt = dispatcher.give(assignment(step(&["true"], &[]), None, &[], &[]));
    assert_eq!(
        dispatcher.report(attempt).await.0.outcome,
        AttemptOutcome::Passed
    );
    shutdown.cancel();
    running.await.expect("no panic").expect("no error");
}
