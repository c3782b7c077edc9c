//! `pipewright run` that is stopped: by signals, and by a reader that goes away.

use std::io::{BufReader, Read as _};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::checkout::{Checkout, Ended};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success(), "the program runs");
}

/// Reads lines until this one; what was read.
fn until(out: &mut impl std::io::BufRead, line: &str) -> String {
    let mut read = String::new();
    while out.read_line(&mut read).expect("UTF-8") > 0 {
        if read.lines().last() == Some(line) {
            return read;
        }
    }
    panic!("{line:?} never came: {read}");
}

/// Sends these signals, each once its line came, and waits for the end.
fn stopped_by(checkout: &Checkout, signals: &[(&str, &str)]) -> Ended {
    let mut child = checkout.start(&["run", "--host"]);
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut out = String::new();
    for (line, name) in signals {
        out.push_str(&until(&mut stdout, line));
        signal(&child, name);
    }
    stdout.read_to_string(&mut out).expect("UTF-8");
    let mut err = String::new();
    child
        .stderr
        .take()
        .expect("it is piped")
        .read_to_string(&mut err)
        .expect("UTF-8");
    let code = child.wait().expect("it ends").code();
    Ended { code, out, err }
}

/// A pipeline whose first step says that it is ready and goes on for ever.
fn endless(before: &str) -> String {
    format!(
        "pipelines:\n  default:\n    - step: {{name: Endless, script: [\"{before}echo $$ > $PID_FILE; echo rea''dy; while :; do sleep 1; done\"], after-script: [\"echo after $BITBUCKET_EXIT_CODE\"]}}\n    - step: {{name: Next, script: [echo never]}}\n    - final: {{name: Tidy, script: [echo tidied]}}\n"
    )
}

fn checkout(before: &str) -> (Checkout, tempfile::TempDir) {
    let checkout = Checkout::new(&endless(before));
    let directory = tempfile::tempdir().expect("a directory");
    checkout.write(
        ".env",
        &format!("PID_FILE={}/pid # plain\n", directory.path().display()),
    );
    (checkout, directory)
}

fn assert_gone(directory: &tempfile::TempDir) {
    let pid = std::fs::read_to_string(directory.path().join("pid")).expect("the script wrote it");
    let line = std::fs::read(format!("/proc/{}/cmdline", pid.trim()));
    assert!(
        line.is_err() || line.is_ok_and(|line| line.is_empty()),
        "the script lives"
    );
}

#[test]
fn one_signal_ends_the_step_in_order() {
    for name in ["INT", "TERM", "HUP"] {
        let (checkout, directory) = checkout("");
        let ended = stopped_by(&checkout, &[("ready", name)])
            .expect(3)
            .prints(&[
                "Stopping; a second signal kills at once.",
                "after 143",
                "tidied",
            ]);
        assert_eq!(
            (
                ended.outcome("Endless"),
                ended.outcome("Next"),
                ended.outcome("Tidy")
            ),
            ("stopped", "not run", "passed")
        );
        assert!(
            ended.out.contains("\nStopped · default · "),
            "{}",
            ended.out
        );
        assert_gone(&directory);
        checkout.assert_tidy();
    }
}

#[test]
fn a_second_signal_kills_at_once() {
    let begun = Instant::now();
    // It does not hear TERM, so without the second signal the grace of ten seconds would pass.
    let (checkout, directory) = checkout("trap '' TERM; ");
    let ended = stopped_by(
        &checkout,
        &[
            ("ready", "INT"),
            ("Stopping; a second signal kills at once.", "INT"),
        ],
    )
    .expect(3);
    assert_eq!(
        (ended.outcome("Endless"), ended.outcome("Tidy")),
        ("stopped", "not run")
    );
    assert!(
        !ended.out.contains("after") && !ended.out.contains("\ntidied\n"),
        "{}",
        ended.out
    );
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "{:?}",
        begun.elapsed()
    );
    assert_gone(&directory);
    checkout.assert_tidy();
}

#[test]
fn a_reader_that_goes_away_stops_the_run() {
    let checkout = Checkout::new(
        "pipelines:\n  default:\n    - step: {name: Loud, script: [\"while :; do echo line; done\"]}\n",
    );
    let mut child = checkout.start(&["run", "--host"]);
    drop(until(
        &mut BufReader::new(child.stdout.take().expect("it is piped")),
        "line",
    ));
    let begun = Instant::now();
    while child.try_wait().expect("it is ours").is_none() {
        assert!(begun.elapsed() < PATIENCE, "it runs on for nobody");
        std::thread::yield_now();
    }
    assert_eq!(child.wait().expect("it ended").code(), Some(3));
    checkout.assert_tidy();
}
