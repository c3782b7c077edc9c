//! The small traits behind which a step runs on this machine, in a container or in a pod.
//!
//! An [`Executor`] opens a [`Room`] for a whole step: what belongs to the step and not to one shell of it lives there.
//! Shells run in it one after the other; what a script leaves running goes on beside the after-script. A room that is
//! dropped ends whatever is in it.

use std::collections::HashSet;
use std::fmt::Debug;
use std::io::PipeWriter;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use pipewright_core::plan::StepPlan;

use super::begun::{Begun, Images};
use super::directories::StepDirectories;
use super::script::Shell;
use crate::log::LogWriter;

/// A future that a trait object gives.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a step runs in, to be begun before its repository is there.
#[derive(Debug, Clone, Copy)]
pub struct BeginStart<'a> {
    /// Unique among the runs on this machine.
    pub mark: &'a str,
    /// What is to be run.
    pub plan: &'a StepPlan,
    /// The directories of the step, as this side sees them.
    pub directories: &'a StepDirectories,
    /// The whole environment, later ones win.
    pub environment: &'a [(String, String)],
    /// What [`Executor::bring`] brought.
    pub images: &'a Images,
}

/// A room to open.
#[derive(Debug)]
pub struct RoomStart<'a> {
    /// Unique among the runs on this machine.
    pub mark: &'a str,
    /// What is to be run.
    pub plan: &'a StepPlan,
    /// What [`Executor::begin`] began.
    pub begun: Option<&'a Begun>,
    /// The directories of the step, as this side sees them.
    pub directories: &'a StepDirectories,
    /// The whole environment, later ones win; the executor adds what depends on where it runs.
    pub environment: &'a [(String, String)],
}

/// A shell to start in a room.
#[derive(Debug)]
pub struct ShellStart<'a> {
    /// The name of the script's file in the step's directory of scripts.
    pub script: &'a str,
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
    /// The sandbox could be had when the runner began, and now it cannot.
    #[error("the sandbox of this step cannot be set up: {0}; look at the runner's machine")]
    Sandbox(String),
    /// The container engine does not do as asked.
    #[error(
        "the step's container cannot be set up: {0}; look at the container engine of the runner's machine"
    )]
    Engine(String),
    /// What the pipeline file asks for cannot be had: a whole sentence.
    #[error("{0}")]
    Step(String),
}

/// Steps cannot be run here now; the text is one or more whole sentences that say what is missing and how to get it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// What stands between a step and the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// The step sees its own directories and those of its image, and ends with its container.
    Container,
    /// The step sees its own directories and the machine's programs, and ends with its last process.
    Sandbox,
    /// Nothing: the step can do what the runner's user can do.
    None,
}

/// The directory that Bitbucket's own steps work under.
pub(super) const AGENT: &str = "/opt/atlassian/pipelines/agent";

/// Where a step finds its directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAs {
    /// The workspace.
    pub build: PathBuf,
    /// `HOME`.
    pub home: PathBuf,
    /// `TMPDIR`.
    pub tmp: PathBuf,
    /// Script files.
    pub scripts: PathBuf,
    /// The key of its `ssh`.
    pub ssh: PathBuf,
    /// Where git objects that the workspace borrows are seen; `None` where they are seen at their own path.
    pub objects: Option<PathBuf>,
}

impl SeenAs {
    /// Everything at Bitbucket's own paths.
    pub(super) fn agent() -> Self {
        let of = |name: &str| Path::new(AGENT).join(name);
        Self {
            build: of("build"),
            home: of("home"),
            tmp: of("tmp"),
            scripts: of("scripts"),
            ssh: of("ssh"),
            objects: Some(of("objects")),
        }
    }

    /// Everything at its own path.
    pub fn itself(directories: &StepDirectories) -> Self {
        Self {
            build: directories.build.clone(),
            home: directories.home.clone(),
            tmp: directories.tmp.clone(),
            scripts: directories.scripts.clone(),
            ssh: directories.ssh.clone(),
            objects: None,
        }
    }
}

impl StartError {
    /// True where the machine is at fault, and not the step.
    pub fn is_of_machine(&self) -> bool {
        match self {
            Self::System { source, .. } => pipewright_git::trouble::is_of_machine(source),
            Self::Sandbox(_) | Self::Engine(_) => true,
            _ => false,
        }
    }
}

/// Where steps run.
pub trait Executor: Debug + Send + Sync + 'static {
    /// What stands between a step and the rest of the machine.
    fn boundary(&self, plan: &StepPlan) -> Boundary;

    /// Whether steps can be run now. Asked before anything is claimed; may take some milliseconds.
    fn ready(&self) -> Doing<'_, Result<(), NotReady>>;

    /// Whether [`Executor::ready`] must be asked each time: what it needs may go at any moment, and asking is cheap.
    fn must_be_asked(&self) -> bool {
        false
    }

    /// Whether scripts are given the environment of the machine, its `PATH` before all.
    fn is_of_machine(&self, _plan: &StepPlan) -> bool {
        true
    }

    /// Lines for the log about what the plan asks for and this executor does not do.
    fn notices(&self, plan: &StepPlan) -> Vec<String>;

    /// A sentence for people about what the plan asks for, this executor does not do, and may change the result.
    fn qualification(&self, plan: &StepPlan) -> Option<String>;

    /// Which shell there is.
    fn shell(&self, plan: &StepPlan) -> Shell;

    /// Where a step finds its directories.
    fn seen_as(&self, plan: &StepPlan, directories: &StepDirectories) -> SeenAs;

    /// Has what the step needs from elsewhere brought to this machine, and says so in the log: its images.
    fn bring<'a>(
        &'a self,
        _plan: &'a StepPlan,
        _environment: &'a [(String, String)],
        _log: &'a mut LogWriter,
    ) -> Doing<'a, Result<Option<Images>, StartError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Begins what the step runs in, where that takes time; its room is opened when its repository is there.
    fn begin<'a>(&'a self, _start: BeginStart<'a>) -> Doing<'a, Result<Option<Begun>, StartError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Opens the room of a step.
    fn open<'a>(&'a self, start: RoomStart<'a>) -> Doing<'a, Result<Box<dyn Room>, StartError>>;

    /// Ends what escaped from the room of this mark, where something can, and removes what is left of what was begun for it.
    fn end_escaped<'a>(&'a self, mark: &'a str) -> Doing<'a, ()>;

    /// A step that an earlier runner began goes on.
    fn adopt(&self, _mark: &str, _begun: &Begun) {}

    /// Removes what belongs to this runner and to no run that lives.
    fn reap<'a>(&'a self, _living: &'a HashSet<String>) -> Doing<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The runner goes: what is kept ready for steps to come is given up.
    fn leave(&self) -> Doing<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What a step's shells run in: one at a time.
pub trait Room: Send {
    /// Starts a shell in the step's workspace with an empty standard input.
    fn run<'a>(&'a mut self, shell: ShellStart<'a>) -> Doing<'a, Result<(), StartError>>;

    /// Waits for the shell; its exit status, 128 + number for a signal. May be dropped and called again.
    fn wait(&mut self) -> Doing<'_, i32>;

    /// Asks the shell and all that it started to end.
    fn terminate(&mut self);

    /// True while the shell or something that it started lives.
    fn is_alive(&mut self) -> bool;

    /// Ends everything in the room that is known of, and returns when it is gone where nothing can escape from the room.
    /// Another shell may be run afterwards.
    fn end(&mut self) -> Doing<'_, ()>;

    /// As [`Room::end`], and looks for what escaped, where something can: slow there.
    fn end_all(&mut self) -> Doing<'_, ()>;

    /// Why the shell did not come to its own end, where that is no fault of the step's; a sentence.
    fn lost(&mut self) -> Option<String> {
        None
    }

    /// Lines for the log about limits of the machine that the step met, each once; complete after [`Room::end`].
    fn remarks(&mut self) -> Vec<String> {
        Vec::new()
    }
}
