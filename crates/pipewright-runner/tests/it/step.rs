//! Steps on this machine: the semantics of scripts, stopping, time limits, what stays behind.

use std::path::Path;
use std::time::{Duration, Instant};

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::StepPlan;
use pipewright_runner::executor::{
    Control, EitherExecutor, Executor, HostExecutor, HostOptions, Isolation, StepDirectories,
    StepEnd, StepLimits, StepRun, begin, conclude, run_scripts,
};
use pipewright_runner::log::{LogWriter, Masker, QUEUE_CHUNKS};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

use crate::support::{PATIENCE, step};

/// A step in a directory of its own.
pub(crate) struct Bench {
    directory: TempDir,
    executor: EitherExecutor,
    environment: Vec<(String, String)>,
    limits: StepLimits,
    max_time: Duration,
    control: watch::Sender<Control>,
    mark: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::of(HostExecutor::default())
    }

    /// With another executor.
    pub(crate) fn of(executor: impl Into<EitherExecutor>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mark = directory
            .path()
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let path = ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
        let limits = StepLimits {
            stop_grace: Duration::from_millis(500),
            after_script: Duration::from_secs(10),
            output_grace: Duration::from_millis(300),
            workspace: None,
            workspace_pause: Duration::from_secs(10),
        };
        Self {
            directory,
            executor: executor.into(),
            environment: vec![path, ("MARK".to_owned(), mark.clone())],
            limits,
            max_time: PATIENCE,
            control: watch::Sender::new(Control::Run),
            mark,
        }
    }

    /// Without the machine's programs in its environment.
    pub(crate) fn without_path(mut self) -> Self {
        self.environment.retain(|(name, _)| name != "PATH");
        self
    }

    /// With one variable more.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says a word to the step.
    pub(crate) fn tell(&self, word: Control) {
        self.control.send_replace(word);
    }

    pub(crate) fn workspace(&self) -> std::path::PathBuf {
        self.directory.path().join("run/build")
    }

    /// Runs a step and calls `when` with the log so far each time it grows.
    pub(crate) async fn watch(
        &self,
        plan: &StepPlan,
        mut when: impl FnMut(&str) + Send,
    ) -> (StepEnd, String) {
        let directories =
            StepDirectories::create(&self.directory.path().join("run")).expect("directories");
        let (sender, mut chunks) = mpsc::channel(QUEUE_CHUNKS);
        let mut log = LogWriter::new(sender, &Masker::new(&[], &[]), 1 << 30);
        let mut control = self.control.subscribe();
        let run = StepRun {
            mark: &self.mark,
            plan,
            begun: None,
            directories: &directories,
            environment: &self.environment,
            max_time: self.max_time,
            limits: self.limits,
        };
        let (started, news) = oneshot::channel();
        let work = async {
            let end = match begin(&self.executor, run, &mut log).await {
                Ok(begun) => {
                    let run = StepRun {
                        begun: begun.as_ref(),
                        ..run
                    };
                    run_scripts(&self.executor, run, &mut log, &mut control, |timing| {
                        drop(started.send(timing));
                    })
                    .await
                }
                Err(end) => end,
            };
            self.executor.end_escaped(&self.mark).await;
            conclude(&end, &mut log).await;
            drop(log);
            end
        };
        let read = async {
            let mut text = String::new();
            while let Some(chunk) = chunks.recv().await {
                text.push_str(&String::from_utf8_lossy(&chunk));
                when(&text);
            }
            text
        };
        let (end, text) = tokio::time::timeout(PATIENCE, async { tokio::join!(work, read) })
            .await
            .expect("the step ends");
        assert!(
            news.await.is_ok() || end.outcome == AttemptOutcome::Errored,
            "a script that ran was announced"
        );
        (end, text)
    }

    pub(crate) async fn run(&self, script: &[&str], after: &[&str]) -> (StepEnd, String) {
        self.watch(&step(script, after), |_| {}).await
    }
}

/// The log without its fold marks and empty lines.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| line.trim_start_matches('\u{1d}'))
        .filter(|line| !line.is_empty())
        .collect()
}

/// True while a process of this machine, in whatever sandbox, has these words on its command line.
fn lives(words: &str) -> bool {
    let entries = std::fs::read_dir("/proc").expect("processes");
    let lines = entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let found = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    found.into_iter().any(|line| line.contains(words))
}

#[tokio::test]
async fn one_shell_runs_all_items_and_constructs_may_be_split() {
    for executor in [
        HostExecutor::default(),
        HostExecutor::with_sh(HostOptions::default()),
    ] {
        let bench = Bench::of(executor);
        let script = [
            "mkdir sub && cd sub",
            "export A='it'\"'\"'s'",
            "f() { echo \"f: $A $? $PWD\"; }",
            "if true; then",
            "f",
            "fi",
            "echo one;\necho two >&2",
            "cat; echo stdin is empty",
        ];
        let (end, text) = bench.run(&script, &[]).await;
        assert_eq!(
            (end.outcome, end.exit_code, end.message.as_deref()),
            (AttemptOutcome::Passed, Some(0), None),
            "{text}"
        );
        let said = "f: it's 0 /opt/atlassian/pipelines/agent/build/sub";
        let shown = lines(&text);
        assert!(
            text.starts_with("\u{1d}+ mkdir sub && cd sub\n\u{1d}+ export"),
            "{text:?}"
        );
        for line in ["+ f", "one", "two", "stdin is empty", said] {
            assert!(shown.contains(&line), "{line} in {shown:?}");
        }
        let parts: Vec<_> = end
            .timings
            .iter()
            .map(|timing| timing.part.as_str())
            .collect();
        assert_eq!(parts, ["spawn", "script"]);
    }
}

#[tokio::test]
async fn the_first_failure_ends_the_script_with_its_status() {
    let (end, text) = Bench::new()
        .run(
            &["false && true", "echo here", "(exit 7)", "echo never"],
            &["echo after $BITBUCKET_EXIT_CODE", "false", "echo not this"],
        )
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Failed, Some(7))
    );
    assert!(
        text.contains("\nhere\n")
            && !text.contains("\nnever\n")
            && text.contains("\nafter 7\n")
            && !text.contains("\nnot this\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_script_that_kills_itself_fails_with_128_and_the_signal() {
    let (end, _) = Bench::new().run(&["kill -KILL $$"], &[]).await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Failed, Some(137))
    );
}

#[tokio::test]
async fn the_environment_is_clean_and_its_own() {
    let mut bench = Bench::new();
    bench.environment.extend([
        ("GREETING".to_owned(), "first".to_owned()),
        ("GREETING".to_owned(), "a $(b) 'c'".to_owned()),
    ]);
    let (_, text) = bench
        .run(
            &["env", "test -z \"$(ls -A \"$HOME\")\" && test -w \"$TMPDIR\" && test \"$PWD\" = \"$BITBUCKET_CLONE_DIR\"", "echo all good"],
            &[],
        )
        .await;
    let shown = lines(&text);
    assert!(
        shown.contains(&"GREETING=a $(b) 'c'") && shown.contains(&"all good"),
        "{text}"
    );
    let allowed = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "GREETING",
        "MARK",
        "BITBUCKET_CLONE_DIR",
        "BUILD_DIR",
        "BITBUCKET_PIPELINES_VARIABLES_PATH",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    ];
    for line in shown.iter().filter(|line| !line.starts_with('+')) {
        if let Some((name, _)) = line
            .split_once('=')
            .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        {
            assert!(allowed.contains(&name), "{name} came from outside");
        }
    }
}

#[tokio::test]
async fn a_stop_ends_every_process_and_runs_the_after_script() {
    let bench = Bench::new();
    let control = bench.control.clone();
    // One child ignores TERM, one left the group and the session.
    let script = [
        "bash -c 'trap \"\" TERM; echo > stubborn; while :; do sleep 1; done' stubborn-$MARK &",
        "setsid bash -c 'echo > escaped; sleep 1000; :' escaped-$MARK >/dev/null 2>&1 &",
        "until [ -s stubborn ] && [ -s escaped ]; do sleep 0.02; done; echo rea''dy; sleep 1000",
    ];
    let plan = step(&script, &["echo after $BITBUCKET_EXIT_CODE"]);
    let begin = Instant::now();
    let (end, text) = bench
        .watch(&plan, |text| {
            if text.contains("ready") {
                control.send_replace(Control::Stop);
            }
        })
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Stopped, None),
        "{text}"
    );
    assert!(text.contains("\nafter 143\n"), "{text}");
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
    for name in ["stubborn", "escaped"] {
        assert!(bench.workspace().join(name).exists(), "{name} began");
        assert!(!lives(&format!("{name}-{}", bench.mark)), "{name} lives");
    }
}

#[tokio::test]
async fn a_script_may_end_itself_in_order_when_it_is_stopped() {
    let bench = Bench {
        limits: StepLimits {
            stop_grace: PATIENCE,
            ..Bench::new().limits
        },
        ..Bench::new()
    };
    let control = bench.control.clone();
    let plan = step(
        &[
            "trap 'echo cleaned; exit 3' TERM",
            "echo rea''dy; sleep 1000 & wait",
        ],
        &[],
    );
    let (end, text) = bench
        .watch(&plan, |text| {
            if text.contains("ready") {
                control.send_replace(Control::Stop);
            }
        })
        .await;
    assert!(
        end.outcome == AttemptOutcome::Stopped && text.contains("\ncleaned\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_kill_runs_no_after_script() {
    let bench = Bench::new();
    let control = bench.control.clone();
    let plan = step(&["trap '' TERM; echo rea''dy; sleep 1000"], &["echo after"]);
    let (end, text) = bench
        .watch(&plan, |text| {
            if text.contains("ready") {
                control.send_replace(Control::Kill);
            }
        })
        .await;
    assert!(
        end.outcome == AttemptOutcome::Interrupted && !text.contains("after"),
        "{text}"
    );
}

#[tokio::test]
async fn max_time_ends_the_script_and_says_so() {
    let bench = Bench {
        max_time: Duration::from_millis(300),
        ..Bench::new()
    };
    let (end, text) = bench
        .run(&["sleep 1000"], &["echo after $BITBUCKET_EXIT_CODE"])
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::TimedOut, None)
    );
    assert!(
        text.contains("\nafter 143\n") && text.contains("max-time"),
        "{text}"
    );
    assert!(
        end.message
            .is_some_and(|message| message.contains("max-time"))
    );
}

#[tokio::test]
async fn an_after_script_is_bounded_and_changes_no_result() {
    let bench = Bench {
        limits: StepLimits {
            after_script: Duration::from_millis(200),
            ..Bench::new().limits
        },
        ..Bench::new()
    };
    let (end, text) = bench.run(&["true"], &["sleep 1000"]).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed);
    assert!(text.contains("after-script took longer"), "{text}");
}

#[tokio::test]
async fn a_child_in_the_background_does_not_hold_the_step_and_is_heard_until_its_end() {
    let bench = Bench::new();
    let begin = Instant::now();
    let (end, text) = bench
        .run(
            &["bash -c 'sleep 0.2; echo from the server; sleep 1000; :' server-$MARK &"],
            &["sleep 0.6; echo after"],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed);
    let server = text.find("\nfrom the server\n").expect("it was heard");
    assert!(
        server < text.find("\nafter\n").expect("the after-script ran"),
        "{text}"
    );
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert!(
        !lives(&format!("server-{}", bench.mark)),
        "the server lives"
    );
}

#[tokio::test]
async fn without_a_sandbox_what_hides_holds_the_output_no_longer_than_the_grace() {
    let bench = Bench::of(bare());
    let begin = Instant::now();
    // Without its environment and in another session: nothing tells that it is ours.
    let (end, text) = bench
        .run(
            &[
                "env -i setsid /bin/sh -c 'echo $$ > pid; exec sleep 5' &",
                "until [ -s pid ]; do sleep 0.02; done",
            ],
            &[],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed);
    assert!(text.contains("left behind"), "{text}");
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_large_output_arrives_whole_and_in_order() {
    let (end, text) = Bench::new()
        .run(
            &["i=0; while [ $i -lt 20000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"],
            &[],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed);
    let expected = (0..20_000)
        .map(|number| format!("out {number}\nerr {number}\n"))
        .collect::<Vec<_>>()
        .concat();
    assert!(text.contains(&expected), "{} bytes", text.len());
}

#[tokio::test]
async fn the_script_is_a_private_file_outside_the_workspace_and_no_argument() {
    let (end, text) = Bench::new()
        .run(
            &["stat -c '%a %n' \"$0\"; tr '\\0' ' ' < /proc/$$/cmdline; ls -A"],
            &[],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    let shown = lines(&text);
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with("600 ") && line.ends_with("/scripts/script")),
        "{text}"
    );
    assert!(
        shown
            .last()
            .is_some_and(|line| line.ends_with("/scripts/script ")),
        "the workspace is empty, the command line holds the path only: {text}"
    );
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    let mut bench = Bench::new();
    bench
        .environment
        .push(("BIG".to_owned(), "x".repeat(200_000)));
    let (end, text) = bench.run(&["true"], &[]).await;
    assert!(
        end.outcome == AttemptOutcome::Errored && text.contains("too large for a process"),
        "{text}"
    );
}

#[tokio::test]
async fn an_image_is_named_as_not_used() {
    let mut plan = step(&["true"], &[]);
    plan.image =
        serde_json::from_value(serde_json::json!({ "name": "node:22" })).expect("the plan's form");
    let notices = HostExecutor::default().notices(&plan);
    assert!(
        notices.len() == 1 && notices[0].contains("node:22") && notices[0].contains("not used"),
        "{notices:?}"
    );
}

#[test]
fn a_local_directory_serves_as_a_workspace() {
    let directory = tempfile::tempdir().expect("a directory");
    let directories =
        StepDirectories::around(Path::new("/").to_owned(), &directory.path().join("private"))
            .expect("directories");
    assert!(directories.build == Path::new("/") && directories.home.starts_with(directory.path()));
}

/// As on a machine whose administrator wants no sandbox.
fn bare() -> HostExecutor {
    HostExecutor::new(HostOptions {
        isolation: Isolation::None,
        ..HostOptions::default()
    })
}

#[tokio::test]
async fn in_a_sandbox_nothing_can_hide() {
    let bench = Bench::new();
    let begin = Instant::now();
    let script = [
        "env -i setsid bash -c 'echo > began; sleep 1000; :' hidden-1-$MARK &",
        "( ( exec env -i bash -c 'sleep 1000; :' hidden-2-$MARK <&- >&- 2>&- ) & )",
        "until [ -e began ]; do sleep 0.02; done",
    ];
    let (end, text) = bench.run(&script, &[]).await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert!(!text.contains("left behind"), "{text}");
    assert!(!lives("hidden-1-") && !lives(&format!("hidden-2-{}", bench.mark)));
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_script_that_kills_everything_it_can_see_fails_and_its_after_script_runs() {
    let (end, text) = Bench::new()
        .run(
            &["kill -KILL -1; sleep 1000"],
            &["echo after $BITBUCKET_EXIT_CODE"],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Failed, "{text}");
    assert!(text.contains("\nafter 137\n"), "{text}");
}

#[tokio::test]
async fn the_environment_of_a_step_reaches_no_program_outside_of_its_sandbox() {
    let mut bench = Bench::new();
    // Were bubblewrap itself given this, the loader would complain on the way in as well.
    bench.environment.push((
        "LD_PRELOAD".to_owned(),
        "/opt/atlassian/pipelines/agent/build/evil.so".to_owned(),
    ));
    let (end, text) = bench
        .run(
            &["tr '\\0' '\\n' < /proc/1/environ | grep -c LD_PRELOAD || true"],
            &[],
        )
        .await;
    assert_eq!(end.outcome, AttemptOutcome::Passed, "{text}");
    assert!(lines(&text).contains(&"0"), "{text}");
}

#[tokio::test]
async fn files_that_outgrow_the_limit_end_the_script() {
    let bench = Bench {
        limits: StepLimits {
            workspace: Some(1 << 20),
            workspace_pause: Duration::from_millis(50),
            ..Bench::new().limits
        },
        ..Bench::new()
    };
    let (end, text) = bench
        .run(&["head -c 5000000 /dev/zero > /tmp/large; sleep 1000"], &[])
        .await;
    assert_eq!(
        (end.outcome, end.exit_code),
        (AttemptOutcome::Failed, None),
        "{text}"
    );
    assert!(
        end.message
            .is_some_and(|message| message.contains("host.workspace_gb"))
    );
}

#[tokio::test]
async fn a_machine_without_bubblewrap_is_named_before_anything_is_claimed() {
    let ready = HostExecutor::default().ready().await;
    ready.expect("test.sh installs bubblewrap");
}
