//! Runs one step: script, after-script, limits, stopping.
//!
//! Both shells write into one pipe, which stays open between them, so that what a server started by the script prints
//! during the after-script is kept in its place. At the end everything is killed, and where something can escape from the
//! room its output is waited for no longer than the grace.

use std::io::{PipeWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::StepPlan;
use pipewright_core::wire::{TestReport, Timing};
use serde::{Deserialize, Serialize};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::time::Instant;

use super::begun::Begun;
use super::contract::{BeginStart, Executor, Room, RoomStart, ShellStart, StartError};
use super::control::{Control, sterner};
use super::directories::StepDirectories;
use super::limits::StepLimits;
use super::outputs;
use super::script::compose;
use super::size;
use crate::log::LogWriter;

/// What the pipe between script and log holds: fewer switches for scripts that print much. Linux's own maximum for
/// users without privileges.
const PIPE_BYTES: usize = 1 << 20;

/// How often a group that was asked to end is looked at.
const ENDING_POLL: Duration = Duration::from_millis(5);

/// How long the pipe may stay open after the group was killed before the rest of the machine is searched.
const ESCAPE_GRACE: Duration = Duration::from_millis(100);

/// What is said of an attempt that its runner ended because it was asked to stop itself.
pub(crate) const RUNNER_STOPPED: &str =
    "The runner was stopped while this attempt ran. The step runs again.";

/// A step to run.
#[derive(Debug, Clone, Copy)]
pub struct StepRun<'a> {
    /// Unique among the runs on this machine.
    pub mark: &'a str,
    /// What to run.
    pub plan: &'a StepPlan,
    /// Where.
    pub directories: &'a StepDirectories,
    /// What was begun for it, where its executor begins something ahead.
    pub begun: Option<&'a Begun>,
    /// The environment, in order; later ones win.
    pub environment: &'a [(String, String)],
    /// Limit on the script.
    pub max_time: Duration,
    /// Limits on ending it.
    pub limits: StepLimits,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnd {
    /// `Interrupted` after [`Control::Kill`], and where the machine has no room for the step.
    pub outcome: AttemptOutcome,
    /// The script's exit status, where it ran to its end by itself.
    pub exit_code: Option<i32>,
    /// What to tell people where the outcome is not the script's own.
    pub message: Option<String>,
    /// `spawn`, `script`, `after-script`.
    pub timings: Vec<Timing>,
    /// Variables for later steps, where the script ran to its end.
    pub output_variables: Vec<(String, String)>,
    /// Where it passed without something that the plan asks for: `without its image node:22`.
    pub qualification: Option<String>,
    /// What its test reports say; read when the script has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Box<TestReport>>,
}

/// How the script came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    ByItself,
    Stopped,
    TimedOut,
    TooLarge,
    Killed,
}

/// Runs a step's scripts to their end and writes what they print to `log`. `started` is called once, when the script's
/// shell was started, with the time that took. The log is not ended, for what is to be done with what the scripts left;
/// [`conclude`] belongs behind it.
pub async fn run_scripts(
    executor: &dyn Executor,
    run: StepRun<'_>,
    log: &mut LogWriter,
    control: &mut watch::Receiver<Control>,
    started: impl FnOnce(Timing) + Send,
) -> StepEnd {
    match StepProcess::prepare(log.mark_word()) {
        Ok(process) => process.run(executor, run, log, control, started).await,
        Err(error) => StepEnd::given_back(format!(
            "a pipe for the script's output cannot be made: {error}; look at the runner's limit of open files"
        )),
    }
}

/// Has brought what a step needs, and begins what it runs in; says so in the log.
pub async fn begin(
    executor: &dyn Executor,
    run: StepRun<'_>,
    log: &mut LogWriter,
) -> Result<Option<Begun>, StepEnd> {
    let refused = |error: StartError| StepEnd::refused(&error);
    let images = executor
        .bring(run.plan, run.environment, log)
        .await
        .map_err(refused)?;
    let Some(images) = images else {
        return Ok(None);
    };
    let start = BeginStart {
        mark: run.mark,
        plan: run.plan,
        directories: run.directories,
        environment: run.environment,
        images: &images,
    };
    let begun = executor.begin(start).await.map_err(refused)?;
    for remark in begun.iter().flat_map(|begun| &begun.remarks) {
        log.line(remark).await;
    }
    Ok(begun)
}

/// Writes how a step ended, and ends its log.
pub async fn conclude(end: &StepEnd, log: &mut LogWriter) {
    if let Some(message) = &end.message {
        log.line(message).await;
    }
    log.finish().await;
}

/// A step with its output pipe.
struct StepProcess {
    reader: Receiver,
    writer: PipeWriter,
    timings: Vec<Timing>,
    /// What a command's mark carries, so that the log knows it.
    mark_word: String,
}

impl StepProcess {
    fn prepare(mark_word: &str) -> std::io::Result<Self> {
        let (reader, writer) = std::io::pipe()?;
        // A smaller pipe is only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES);
        Ok(Self {
            reader: Receiver::from_owned_fd(reader.into())?,
            writer,
            timings: Vec::new(),
            mark_word: mark_word.to_owned(),
        })
    }

    async fn run(
        mut self,
        executor: &dyn Executor,
        run: StepRun<'_>,
        log: &mut LogWriter,
        control: &mut watch::Receiver<Control>,
        started: impl FnOnce(Timing) + Send,
    ) -> StepEnd {
        if let Err(error) = outputs::prepare(run.plan, run.directories) {
            return StepEnd::given_back(format!(
                "the file of output variables cannot be made: {error}; look at the runner's disk"
            ));
        }
        let begin = Instant::now();
        let opened = executor
            .open(RoomStart {
                mark: run.mark,
                plan: run.plan,
                begun: run.begun,
                directories: run.directories,
                environment: run.environment,
            })
            .await;
        let mut room = match opened {
            Ok(room) => room,
            Err(error) => return StepEnd::refused(&error),
        };
        let shell = self.start(executor, &mut *room, run, "script", None).await;
        if let Err(end) = shell {
            return end;
        }
        let spawn = timing("spawn", begin);
        self.timings.push(spawn.clone());
        started(spawn);
        let script_begin = Instant::now();
        let (mut ending, code) = self
            .drive(&mut *room, run, run.max_time, log, control, Control::Run)
            .await;
        self.timings.push(timing("script", script_begin));
        let mut message = match ending {
            Ending::TimedOut => Some(format!(
                "The script took longer than {} (max-time) and was ended; make it faster, or raise `max-time`.",
                minutes(run.max_time)
            )),
            Ending::TooLarge => Some(too_large(run.limits.workspace)),
            _ => None,
        };
        if ending != Ending::Killed && !run.plan.after_script.is_empty() {
            let after_begin = Instant::now();
            let after = self
                .start(executor, &mut *room, run, "after-script", Some(code))
                .await;
            if let Err(end) = after {
                let why = end.message.unwrap_or_default();
                log.line(&format!("The after-script was not run: {why}."))
                    .await;
            } else {
                // A stop that came already has been obeyed; only a sterner word ends the after-script.
                let obeyed = if ending == Ending::Stopped {
                    Control::Stop
                } else {
                    Control::Run
                };
                let (after_ending, _) = self
                    .drive(
                        &mut *room,
                        run,
                        run.limits.after_script,
                        log,
                        control,
                        obeyed,
                    )
                    .await;
                match after_ending {
                    Ending::TimedOut => {
                        let words = format!(
                            "The after-script took longer than {} and was ended.",
                            minutes(run.limits.after_script)
                        );
                        log.line(&words).await;
                    }
                    Ending::TooLarge => log.line(&too_large(run.limits.workspace)).await,
                    Ending::Stopped if ending == Ending::ByItself => ending = Ending::Stopped,
                    Ending::ByItself | Ending::Stopped => {}
                    Ending::Killed => ending = Ending::Killed,
                }
            }
            self.timings.push(timing("after-script", after_begin));
        }
        let timings = std::mem::take(&mut self.timings);
        let lost = room.lost();
        let remarks = self.close(room, run, log).await;
        if let Some(why) = lost {
            for remark in remarks {
                log.line(&remark).await;
            }
            return StepEnd {
                timings,
                ..StepEnd::given_back(why)
            };
        }
        let mut output_variables = Vec::new();
        let mut is_refused = false;
        if ending == Ending::ByItself {
            match outputs::collect(run.plan, run.directories) {
                Ok(collected) => output_variables = collected,
                Err(sentence) if code == 0 => {
                    is_refused = true;
                    message = Some(sentence);
                }
                // The script's own failure is the step's.
                Err(sentence) => log.line(&sentence).await,
            }
        }
        let outcome = match ending {
            Ending::ByItself if is_refused => AttemptOutcome::Failed,
            Ending::ByItself if code == 0 => AttemptOutcome::Passed,
            Ending::ByItself | Ending::TooLarge => AttemptOutcome::Failed,
            Ending::Stopped => AttemptOutcome::Stopped,
            Ending::TimedOut => AttemptOutcome::TimedOut,
            Ending::Killed => AttemptOutcome::Interrupted,
        };
        match ending {
            Ending::Stopped => message = Some("Stopped.".to_owned()),
            Ending::Killed => message = Some(RUNNER_STOPPED.to_owned()),
            Ending::ByItself | Ending::TimedOut | Ending::TooLarge => {}
        }
        for remark in remarks {
            if outcome == AttemptOutcome::Failed && message.is_none() {
                message = Some(remark);
            } else {
                log.line(&remark).await;
            }
        }
        StepEnd {
            outcome,
            exit_code: (ending == Ending::ByItself).then_some(code),
            message,
            timings,
            output_variables,
            qualification: executor
                .qualification(run.plan)
                .filter(|_| outcome == AttemptOutcome::Passed),
            tests: None,
        }
    }

    /// Writes a script file and starts its shell.
    async fn start(
        &self,
        executor: &dyn Executor,
        room: &mut dyn Room,
        run: StepRun<'_>,
        name: &str,
        exit_code: Option<i32>,
    ) -> Result<(), StepEnd> {
        let plan = run.plan;
        let (items, first) = match exit_code {
            None => (&plan.script, 0),
            Some(_) => (&plan.after_script, plan.script.len()),
        };
        let text = compose(items, first, executor.shell(plan), &self.mark_word)
            .map_err(|error| StepEnd::errored(error.to_string()))?;
        let script = run.directories.scripts.join(name);
        write_private(&script, &text).map_err(|error| {
            StepEnd::given_back(format!(
                "the script cannot be written to {}: {error}; look at the runner's disk",
                script.display()
            ))
        })?;
        let output = self
            .writer
            .try_clone()
            .map_err(|error| StepEnd::given_back(format!("the output cannot be given to the shell: {error}; look at the runner's limit of open files")))?;
        room.run(ShellStart {
            script: name,
            exit_code,
            output,
        })
        .await
        .map_err(|error| StepEnd::refused(&error))
    }

    /// Waits for a shell while its output flows, and ends it when its time is over or a word sterner than `obeyed` comes.
    async fn drive(
        &mut self,
        room: &mut dyn Room,
        run: StepRun<'_>,
        limit: Duration,
        log: &mut LogWriter,
        control: &mut watch::Receiver<Control>,
        obeyed: Control,
    ) -> (Ending, i32) {
        let ending = tokio::select! {
            code = room.wait() => return (Ending::ByItself, code),
            word = sterner(control, obeyed) => if word == Control::Stop { Ending::Stopped } else { Ending::Killed },
            () = tokio::time::sleep(limit) => Ending::TimedOut,
            () = size::outgrown(run.directories, run.limits.workspace) => Ending::TooLarge,
            never = pump_on(log, &mut self.reader) => match never {},
        };
        let mut ending = ending;
        if ending != Ending::Killed {
            room.terminate();
            let grace = Instant::now() + run.limits.stop_grace;
            while room.is_alive() && Instant::now() < grace {
                tokio::select! {
                    // Reaps the shell; a shell that ended is not alive, but its children may be.
                    _ = room.wait() => tokio::time::sleep(ENDING_POLL).await,
                    () = tokio::time::sleep(ENDING_POLL) => {}
                    _ = sterner(control, Control::Stop) => { ending = Ending::Killed; break }
                    never = pump_on(log, &mut self.reader) => match never {},
                }
            }
        }
        tokio::select! {
            () = room.end_all() => {}
            never = pump_on(log, &mut self.reader) => match never {},
        }
        let code = tokio::select! {
            code = room.wait() => code,
            never = pump_on(log, &mut self.reader) => match never {},
        };
        (ending, code)
    }

    /// Ends what the scripts left running and reads the rest of the output. Gives what is to be said of limits.
    async fn close(
        self,
        mut room: Box<dyn Room>,
        run: StepRun<'_>,
        log: &mut LogWriter,
    ) -> Vec<String> {
        let Self {
            mut reader, writer, ..
        } = self;
        drop(writer);
        tokio::select! {
            () = room.end() => {}
            never = pump_on(log, &mut reader) => match never {},
        }
        // What is dead prints nothing more: at most one pipe's content is left, then its end comes.
        if let Ok(false) = log.pump_rest(&mut reader, ESCAPE_GRACE, PIPE_BYTES).await {
            room.end_all().await;
            if let Ok(false) = log
                .pump_rest(&mut reader, run.limits.output_grace, PIPE_BYTES)
                .await
            {
                log.line("A process that the script left behind still holds its output; nothing more of it is read.").await;
            }
        }
        room.remarks()
    }
}

impl StepEnd {
    /// The step could not be run; `text` says why and what to do.
    pub fn errored(text: String) -> Self {
        Self::without_script(AttemptOutcome::Errored, Some(text))
    }

    /// A shell could not be started. Where the machine is to blame and not the step, the attempt is given back.
    pub(crate) fn refused(error: &StartError) -> Self {
        if error.is_of_machine() {
            Self::given_back(error.to_string())
        } else {
            Self::errored(error.to_string())
        }
    }

    /// The machine has no room for the step, and `why` says of what; it runs again when there is.
    pub fn given_back(why: String) -> Self {
        Self::without_script(AttemptOutcome::Interrupted, Some(why))
    }

    /// No script ran to its end.
    pub const fn without_script(outcome: AttemptOutcome, message: Option<String>) -> Self {
        Self {
            outcome,
            exit_code: None,
            message,
            timings: Vec::new(),
            output_variables: Vec::new(),
            qualification: None,
            tests: None,
        }
    }
}

/// Lets output flow for as long as the caller waits for something else. We hold a writer, so the pipe does not end.
async fn pump_on(log: &mut LogWriter, reader: &mut Receiver) -> std::convert::Infallible {
    if let Err(error) = log.pump(reader).await {
        tracing::warn!(%error, "the output of a step cannot be read any more");
    }
    std::future::pending().await
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

/// The time since `begin` as a part.
pub(crate) fn timing(part: &str, begin: Instant) -> Timing {
    Timing {
        part: part.to_owned(),
        micros: u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX),
    }
}

/// What is said where a step's files are more than `limit` bytes.
fn too_large(limit: Option<u64>) -> String {
    format!(
        "The step's files took more than {} MB of the disk (host.workspace_gb), and the script was ended; write less, or raise the setting.",
        limit.unwrap_or(0) / 1_000_000
    )
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}
