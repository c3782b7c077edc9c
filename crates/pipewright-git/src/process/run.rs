//! Runs a short program to its end and keeps what it prints, within limits of time and size.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::group::ProcessGroup;

/// At most this much of the end of standard error is kept.
const ERROR_TAIL: usize = 64 << 10;

/// How long to wait for output after the program itself ended; a grandchild may hold its pipe open.
const OUTPUT_GRACE: Duration = Duration::from_secs(1);

/// What a run may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From start to end.
    pub(crate) time: Duration,
    /// Bytes of standard output.
    pub(crate) stdout: usize,
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// The last 64 KiB.
    pub(crate) stderr: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum RunFailure {
    Start(std::io::Error),
    Timeout,
    TooLarge,
}

/// Runs the program in a process group of its own. The whole group is killed when the time is over, the output too
/// large, or the future dropped.
pub(crate) async fn run(
    command: &mut Command,
    input: &[u8],
    limits: Limits,
) -> Result<Finished, RunFailure> {
    command.stdin(if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(RunFailure::Start)?;
    let mut group = ProcessGroup::of(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut kept_out, mut kept_err) = (Vec::new(), Vec::new());
    let status = {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program may end without reading all of it; its exit status says what that means.
                let _ = stdin.write_all(input).await;
            }
            true
        };
        let read = async {
            tokio::join!(
                write,
                keep_all(stdout, &mut kept_out, limits.stdout),
                keep_tail(stderr, &mut kept_err)
            )
            .1
        };
        let work = async {
            tokio::pin!(read);
            let status = tokio::select! {
                fits = &mut read => if fits { child.wait().await } else { return Err(RunFailure::TooLarge) },
                status = child.wait() => {
                    match tokio::time::timeout(OUTPUT_GRACE, &mut read).await {
                        Ok(false) => return Err(RunFailure::TooLarge),
                        Ok(true) | Err(_) => status,
                    }
                }
            };
            status.map_err(RunFailure::Start)
        };
        tokio::time::timeout(limits.time, work)
            .await
            .map_err(|_| RunFailure::Timeout)??
    };
    group.release();
    Ok(Finished {
        status,
        stdout: kept_out,
        stderr: kept_err,
    })
}

/// Reads to the end; false as soon as there is more than the limit.
async fn keep_all(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, limit: usize) -> bool {
    let Some(mut pipe) = pipe else { return true };
    loop {
        kept.reserve(8 << 10);
        match pipe.read_buf(kept).await {
            Ok(0) | Err(_) => return true,
            Ok(_) if kept.len() > limit => return false,
            Ok(_) => {}
        }
    }
}

/// Reads to the end and keeps the last [`ERROR_TAIL`] bytes.
async fn keep_tail(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) -> bool {
    let Some(mut pipe) = pipe else { return true };
    loop {
        kept.reserve(4 << 10);
        match pipe.read_buf(kept).await {
            Ok(0) | Err(_) => break,
            Ok(_) if kept.len() > 2 * ERROR_TAIL => drop(kept.drain(..kept.len() - ERROR_TAIL)),
            Ok(_) => {}
        }
    }
    if kept.len() > ERROR_TAIL {
        kept.drain(..kept.len() - ERROR_TAIL);
    }
    true
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::process::Command;

    use super::{Limits, RunFailure, run};

    fn shell(text: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", text]);
        command
    }

    const LIMITS: Limits = Limits {
        time: Duration::from_secs(20),
        stdout: 1000,
    };

    #[tokio::test]
    async fn output_input_and_status_are_kept() {
        let end = run(&mut shell("cat; echo oops >&2; exit 3"), b"hello", LIMITS)
            .await
            .expect("it runs");
        assert_eq!(
            (
                end.status.code(),
                end.stdout.as_slice(),
                end.stderr.as_slice()
            ),
            (Some(3), &b"hello"[..], &b"oops\n"[..])
        );
    }

    #[tokio::test]
    async fn too_much_output_ends_the_program() {
        let failure = run(&mut shell("yes"), b"", LIMITS)
            .await
            .expect_err("yes never ends");
        assert!(matches!(failure, RunFailure::TooLarge), "{failure:?}");
    }

    #[tokio::test]
    async fn a_timeout_ends_grandchildren_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let pid_file = directory.path().join("pid");
        let text = format!("sleep 1000 & echo $! > {}; wait", pid_file.display());
        let limits = Limits {
            time: Duration::from_millis(300),
            ..LIMITS
        };
        let failure = run(&mut shell(&text), b"", limits)
            .await
            .expect_err("it takes too long");
        assert!(matches!(failure, RunFailure::Timeout), "{failure:?}");
        let pid = std::fs::read_to_string(pid_file).expect("the shell wrote it");
        let begin = Instant::now();
        // The killed process is a zombie until its new parent reaps it: "gone" is an empty command line.
        while std::fs::read(format!("/proc/{}/cmdline", pid.trim()))
            .is_ok_and(|line| !line.is_empty())
        {
            assert!(
                begin.elapsed() < Duration::from_secs(5),
                "the sleeping grandchild is still there"
            );
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_grandchild_that_keeps_the_pipe_does_not_hold_us() {
        let begin = Instant::now();
        let end = run(&mut shell("setsid sleep 3 & echo done"), b"", LIMITS)
            .await
            .expect("it ends");
        assert_eq!(end.stdout, b"done\n");
        assert!(
            begin.elapsed() < Duration::from_millis(2500),
            "waited for a stranger"
        );
    }
}
