//! The small trait behind which a step runs on this machine, in a container or in a pod.

use std::future::Future;
use std::io::PipeWriter;
use std::path::PathBuf;

use pipewright_core::plan::StepPlan;

use super::directories::StepDirectories;
use super::script::Shell;

/// A shell to start.
#[derive(Debug)]
pub struct ShellStart<'a> {
    /// Unique among the runs on this machine; marks all its processes.
    pub mark: &'a str,
    /// The script's file.
    pub script: PathBuf,
    /// The directories of the step.
    pub directories: &'a StepDirectories,
    /// The whole environment, later ones win; the executor adds what depends on where it runs.
    pub environment: &'a [(String, String)],
    /// One variable more: `BITBUCKET_EXIT_CODE` for an after-script.
    pub exit_code: Option<i32>,
    /// Takes standard output and standard error, in their order.
    pub output: PipeWriter,
}

/// A shell cannot be started; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment does not fit into a process (128 KiB a variable, a quarter of the stack altogether).
    #[error(
        "the variables of this step are too large for a process; make them shorter, or put them into a file"
    )]
    EnvironmentTooLarge,
    /// A variable holds a zero byte.
    #[error(
        "a variable of this step contains a zero byte, which no process can be given; remove it"
    )]
    ZeroByte,
    /// The machine refuses.
    #[error(
        "the shell {program} cannot be started: {source}; look at the runner's machine (memory, process limit)"
    )]
    System {
        /// The shell.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where steps run.
pub trait Executor: Send + Sync + 'static {
    /// A started shell.
    type Session: Session;

    /// Lines for the log about what the plan asks for and this executor does not do.
    fn notices(&self, plan: &StepPlan) -> Vec<String>;

    /// Which shell there is.
    fn shell(&self) -> Shell;

    /// Starts a shell in the step's workspace with an empty standard input.
    fn start(
        &self,
        start: ShellStart<'_>,
    ) -> impl Future<Output = Result<Self::Session, StartError>> + Send;

    /// Ends every process that carries the mark, wherever it went. Called when a step is stopped, and once at its end.
    fn end_all(&self, mark: &str) -> impl Future<Output = ()> + Send;
}

/// A started shell and what it started. Dropping it kills them.
pub trait Session: Send {
    /// Waits for the shell; its exit status, 128 + number for a signal. May be dropped and called again.
    fn wait(&mut self) -> impl Future<Output = i32> + Send;

    /// Asks all its processes to end.
    fn terminate(&mut self);

    /// Ends all its processes.
    fn kill(&mut self);

    /// True while any of its processes lives.
    fn is_alive(&mut self) -> bool;
}
