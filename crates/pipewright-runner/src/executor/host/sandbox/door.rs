//! A running sandbox, and the small shell inside that waits for scripts to run: the porter.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::super::super::contract::{SeenAs, StartError};
use super::super::super::directories::StepDirectories;
use super::super::super::pipes::{line, named_pipe, receiver, sender};
use super::super::super::script::Shell;
use super::super::{ShellProgram, code_of, environment};
use super::arguments::Arguments;
use super::limits::Group;
use super::{AGENT, Sandbox, tree};

/// The pipes' names in the directory of scripts, which the step cannot write to.
const COMMANDS: &str = "commands";
const RESULTS: &str = "results";

/// The most that is read of bubblewrap's complaints.
const WORDS_BYTES: usize = 4 << 10;

/// A sandbox with its porter.
#[derive(Debug)]
pub(super) struct Door {
    /// bubblewrap, outside: it lives as long as the sandbox.
    outer: Child,
    /// The sandbox's first process: when it is gone, so is everything inside.
    first: AsyncFd<OwnedFd>,
    first_id: Pid,
    porter: Pid,
    commands: pipe::Sender,
    results: pipe::Receiver,
    /// Read and not a whole line yet.
    heard: Vec<u8>,
    /// How the last script ended; `None` while it runs.
    status: Option<i32>,
    group: Option<Group>,
}

impl Door {
    /// Makes a sandbox. `arguments` are all but the end; `output` becomes standard output of everything inside.
    pub(super) async fn open(
        program: &Path,
        shell: &ShellProgram,
        arguments: Vec<u8>,
        directories: &StepDirectories,
        output: Stdio,
        group: Option<Group>,
    ) -> Result<Self, StartError> {
        let failed = |what: &'static str| {
            move |error: io::Error| StartError::Sandbox(format!("{what}: {error}"))
        };
        let commands = named_pipe(&directories.scripts.join(COMMANDS))
            .and_then(sender)
            .map_err(failed("a pipe to it cannot be made"))?;
        let mut results = named_pipe(&directories.scripts.join(RESULTS))
            .and_then(receiver)
            .map_err(failed("a pipe from it cannot be made"))?;
        let (told, telling) = io::pipe().map_err(failed("a pipe cannot be made"))?;
        let (complaints, complaining) = io::pipe().map_err(failed("a pipe cannot be made"))?;
        let mut outer = Command::new(program)
            .env_clear()
            .args(["--args", "0", "/bin/sh", "-c"])
            .arg(porter(shell))
            .arg("porter")
            .current_dir("/")
            .stdin(Stdio::from(told))
            .stdout(output)
            .stderr(Stdio::from(complaining))
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed("bubblewrap cannot be started"))?;
        let mut complaints = pipe::Receiver::from_owned_fd(complaints.into())
            .map_err(failed("its errors cannot be read"))?;
        let mut heard = Vec::new();
        let ready = async {
            let mut telling = pipe::Sender::from_owned_fd(telling.into())?;
            // Where it ends before it has read all, its own words say why.
            let _ = telling.write_all(&arguments).await;
            drop(telling);
            line(&mut results, &mut heard).await
        };
        let is_ready = tokio::select! {
            ready = ready => ready.is_ok_and(|word| word == b"ready"),
            _ = outer.wait() => false,
        };
        let parts = is_ready.then(|| parts_of(&outer)).flatten();
        let Some((first_id, first, porter)) = parts else {
            drop(outer.start_kill());
            return Err(refused(&mut complaints).await);
        };
        let door = Self {
            outer,
            first,
            first_id,
            porter,
            commands,
            results,
            heard,
            status: Some(0),
            group,
        };
        if let Some(group) = &door.group {
            // Nothing of the step runs yet: whatever it starts is born in the group.
            let whole = door.outer.id().and_then(pid).into_iter();
            group.add(whole.chain([first_id, porter]));
        }
        Ok(door)
    }

    /// Has a script run.
    pub(super) async fn run(&mut self, script: &str, exit_code: Option<i32>) -> io::Result<()> {
        let code = exit_code.map(|code| code.to_string()).unwrap_or_default();
        self.status = None;
        self.commands
            .write_all(format!("{script} {code}\n").as_bytes())
            .await
    }

    /// Waits for the script. Can be dropped and called again.
    pub(super) async fn wait(&mut self) -> i32 {
        if let Some(status) = self.status {
            return status;
        }
        let said = async {
            let word = line(&mut self.results, &mut self.heard).await.ok()?;
            std::str::from_utf8(&word).ok()?.parse::<i32>().ok()
        };
        let status = tokio::select! {
            biased;
            status = said => status.unwrap_or(-1),
            // The script ended the porter as well: `kill -9 -1`.
            status = self.outer.wait() => status.map_or(-1, code_of),
        };
        self.status = Some(status);
        status
    }

    /// True while a process of the script lives.
    pub(super) fn is_alive(&mut self) -> bool {
        if self.has_ended() {
            return false;
        }
        self.status.is_none()
            || !tree::children(self.porter).is_empty()
            || tree::children(self.first_id)
                .into_iter()
                .any(|child| child != self.porter)
    }

    /// Asks all that the script started to end.
    pub(super) fn terminate(&mut self) {
        if self.has_ended() {
            return;
        }
        for process in tree::descendants(self.first_id) {
            if process != self.porter {
                // One that ended meanwhile cannot have given its number away: its parent is inside and was asked too.
                let _ = kill_process(process, Signal::TERM);
            }
        }
    }

    /// How the script ended; as by KILL where it has not.
    pub(super) fn killed_status(&self) -> i32 {
        self.status.unwrap_or(128 + Signal::KILL.as_raw())
    }

    /// True where nothing runs inside any more.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.outer.try_wait(), Ok(None))
    }

    /// Ends everything inside, and returns when it is gone. Answers what is to be said of limits that it met.
    pub(super) async fn close(mut self) -> Option<String> {
        self.kill();
        // Readable when the process is gone, which is after everything that lived in its namespace.
        let _ = self.first.readable().await;
        drop(self.outer.start_kill());
        let _ = self.outer.wait().await;
        self.group.take().and_then(Group::close)
    }

    fn kill(&self) {
        // It may be gone already.
        let _ = pidfd_send_signal(self.first.get_ref(), Signal::KILL);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes a sandbox as a step's, and runs nothing in it. The error is what bubblewrap said.
pub(super) async fn try_out(
    sandbox: &Sandbox,
    program: &Path,
    shell: &Path,
    place: &Path,
) -> Result<(), String> {
    let directories =
        StepDirectories::create(&place.join("trial")).map_err(|error| error.to_string())?;
    let shell = ShellProgram {
        shell: Shell::Sh,
        program: shell.to_owned(),
    };
    let arguments = arguments(sandbox, &directories, &[]).map_err(|error| error.to_string())?;
    match Door::open(
        program,
        &shell,
        arguments,
        &directories,
        Stdio::null(),
        None,
    )
    .await
    {
        Ok(door) => {
            door.close().await;
            Ok(())
        }
        Err(StartError::Sandbox(words)) => Err(words),
        Err(other) => Err(other.to_string()),
    }
}

/// Everything that bubblewrap is told for a step.
pub(super) fn arguments(
    sandbox: &Sandbox,
    directories: &StepDirectories,
    given: &[(String, String)],
) -> Result<Vec<u8>, StartError> {
    super::passwd::write(&directories.scripts)
        .map_err(|error| StartError::Sandbox(format!("its users cannot be listed: {error}")))?;
    let mut arguments = Arguments::of_machine(&sandbox.options.readable, &sandbox.covers());
    arguments.directories(directories);
    arguments.environment(&environment(directories, given, &SeenAs::agent()))?;
    Ok(arguments.finish())
}

/// What the porter does. Its own complaints (`Killed`) are nobody's; a script gets a session of its own, so that
/// `kill 0` in it reaches only what it started.
fn porter(shell: &ShellProgram) -> String {
    let scripts = format!("{AGENT}/scripts");
    let session = ["/usr/bin/setsid", "/bin/setsid"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or_default();
    let program = shell.program.display();
    let options = shell.arguments().join(" ");
    format!(
        "exec </dev/null 2>/dev/null 8<{scripts}/{COMMANDS} 9>{scripts}/{RESULTS} || exit
echo ready >&9
while read -r pipewright_script pipewright_code <&8; do
[ -z \"$pipewright_code\" ] || export BITBUCKET_EXIT_CODE=\"$pipewright_code\"
{session} {program} {options} {scripts}/\"$pipewright_script\" 2>&1 8<&- 9>&-
echo $? >&9
done"
    )
}

/// The sandbox's first process and the porter, as this side numbers them.
fn parts_of(outer: &Child) -> Option<(Pid, AsyncFd<OwnedFd>, Pid)> {
    // bubblewrap outside has one child, and that has one child while nothing was run. Neither number can be given away:
    // their parents are ours and not reaped.
    let first_id = *tree::children(outer.id().and_then(pid)?).first()?;
    let porter = *tree::children(first_id).first()?;
    #[expect(
        deprecated,
        reason = "what is unsound about it does not concern an `OwnedFd`, and its successor is unsafe to call"
    )]
    let first = AsyncFd::new(pidfd_open(first_id, PidfdFlags::empty()).ok()?).ok()?;
    Some((first_id, first, porter))
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// What bubblewrap said before it ended.
async fn refused(complaints: &mut pipe::Receiver) -> StartError {
    let mut words = Vec::new();
    let _ = complaints
        .take(WORDS_BYTES as u64)
        .read_to_end(&mut words)
        .await;
    let words = String::from_utf8_lossy(&words);
    if words.contains("Argument list too long") {
        return StartError::EnvironmentTooLarge;
    }
    let words = words.trim().replace('\n', "; ");
    StartError::Sandbox(if words.is_empty() {
        "bubblewrap ended without a word".to_owned()
    } else {
        words
    })
}
