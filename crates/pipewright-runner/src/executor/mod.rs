//! Runs the scripts of a step and ends all that they started.
//!
//! [`Executor`] is what differs between a sandbox on this machine, a container and a pod; [`run_scripts`] is what does
//! not: the order of script and after-script, limits, stopping, and the log. Both work without a server: `pipewright
//! run` gives them a directory and prints the log.

mod begun;
mod contract;
mod control;
mod directories;
mod either;
mod engine;
mod environment;
mod host;
mod limits;
mod outputs;
mod pipes;
mod script;
mod size;
mod ssh;
mod step;

pub use begun::{Begun, Images};
pub use contract::{
    BeginStart, Boundary, Doing, Executor, NotReady, Room, RoomStart, SeenAs, ShellStart,
    StartError,
};
pub use control::Control;
pub(crate) use control::{sterner, tell};
pub(crate) use directories::OUTSIDE;
pub use directories::{Lent, StepDirectories};
pub use either::EitherExecutor;
pub use engine::{EngineExecutor, EngineOptions, Pull, Share, find_socket};
pub use host::{HostExecutor, HostLimits, HostOptions, Isolation, refuse_readable};
pub use limits::StepLimits;
pub use outputs::{
    FILE_BYTES as OUTPUT_FILE_BYTES, VALUE_BYTES as OUTPUT_VALUE_BYTES,
    describe as describe_variables,
};
pub use script::{ScriptError, Shell, compose};
pub use ssh::place_ssh;
pub(crate) use step::{RUNNER_STOPPED, timing};
pub use step::{StepEnd, StepRun, begin, conclude, run_scripts};
