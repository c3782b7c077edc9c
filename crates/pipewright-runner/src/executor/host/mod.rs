//! The executor that runs scripts with the programs of this machine.
//!
//! By default each step has a [`sandbox`] of its own, made by bubblewrap. Without it ([`Isolation::None`], by hand only)
//! the step is a process group of the runner's own user, and can do what that user can do.

mod bare;
mod options;
mod sandbox;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipewright_core::plan::StepPlan;

use super::contract::{Boundary, Doing, Executor, NotReady, Room, RoomStart, SeenAs, StartError};
use super::directories::StepDirectories;
use super::script::Shell;
use crate::process::{Sweeper, kill_marked};

pub use options::{HostLimits, HostOptions, Isolation, refuse_readable};

/// The variable that marks every process of a run that has no sandbox.
const MARK: &str = "PIPEWRIGHT_ATTEMPT";

/// Runs scripts on this machine.
#[derive(Debug, Clone)]
pub struct HostExecutor {
    shell: ShellProgram,
    kind: Kind,
}

/// The shell of scripts.
#[derive(Debug, Clone)]
struct ShellProgram {
    shell: Shell,
    program: PathBuf,
}

#[derive(Debug, Clone)]
enum Kind {
    Sandbox(Arc<sandbox::Sandbox>),
    Bare(Arc<Sweeper>),
}

impl HostExecutor {
    /// Looks for bash, then for sh.
    pub fn new(options: HostOptions) -> Self {
        let bash = [
            "/bin/bash",
            "/usr/bin/bash",
            "/usr/local/bin/bash",
            "/run/current-system/sw/bin/bash",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists());
        match bash {
            Some(path) => Self::with(Shell::Bash, path, options),
            None => Self::with_sh(options),
        }
    }

    /// Uses `/bin/sh` even where there is bash.
    pub fn with_sh(options: HostOptions) -> Self {
        Self::with(Shell::Sh, "/bin/sh", options)
    }

    fn with(shell: Shell, program: &str, options: HostOptions) -> Self {
        let program = PathBuf::from(program);
        let kind = match options.isolation {
            Isolation::Sandbox => Kind::Sandbox(Arc::new(sandbox::Sandbox::new(options))),
            Isolation::None => Kind::Bare(Arc::default()),
        };
        Self {
            shell: ShellProgram { shell, program },
            kind,
        }
    }

    /// Ends what a crashed runner left running under this mark. Blocks for a moment.
    pub(crate) fn end_left_over(mark: &str) -> usize {
        kill_marked(&[format!("{MARK}={mark}")])
    }
}

impl Default for HostExecutor {
    fn default() -> Self {
        Self::new(HostOptions::default())
    }
}

impl Executor for HostExecutor {
    fn boundary(&self, _: &StepPlan) -> Boundary {
        match self.kind {
            Kind::Sandbox(_) => Boundary::Sandbox,
            Kind::Bare(_) => Boundary::None,
        }
    }

    fn ready(&self) -> Doing<'_, Result<(), NotReady>> {
        Box::pin(async move {
            match &self.kind {
                Kind::Sandbox(sandbox) => sandbox.probe(&self.shell.program).await,
                Kind::Bare(_) => Ok(()),
            }
        })
    }

    fn notices(&self, plan: &StepPlan) -> Vec<String> {
        let image = plan.image.as_ref().map(|image| {
            format!(
                "The image {} is not used: this runner runs scripts with the programs of its own machine.",
                image.name
            )
        });
        let lfs = plan.clone.lfs.then(|| {
            "Large files (lfs) are not fetched by this runner; the files hold their pointers."
                .to_owned()
        });
        image.into_iter().chain(lfs).collect()
    }

    fn qualification(&self, plan: &StepPlan) -> Option<String> {
        let image = plan.image.as_ref()?;
        Some(format!("without its image {}", image.name))
    }

    fn shell(&self, _: &StepPlan) -> Shell {
        self.shell.shell
    }

    fn seen_as(&self, _: &StepPlan, directories: &StepDirectories) -> SeenAs {
        match self.kind {
            Kind::Sandbox(_) => SeenAs::agent(),
            Kind::Bare(_) => SeenAs::itself(directories),
        }
    }

    fn open<'a>(&'a self, start: RoomStart<'a>) -> Doing<'a, Result<Box<dyn Room>, StartError>> {
        Box::pin(async move {
            if let Some(service) = start.plan.services.iter().find(|service| !service.docker) {
                return Err(StartError::Step(format!(
                    "The service {} needs a container, and this step runs on the runner's machine itself; take `linux.shell` out of its `runs-on` where the runner has a container engine",
                    service.name
                )));
            }
            let room: Box<dyn Room> = match &self.kind {
                Kind::Sandbox(sandbox) => Box::new(sandbox::SandboxRoom::new(
                    Arc::clone(sandbox),
                    self.shell.clone(),
                    &start,
                )?),
                Kind::Bare(sweeper) => Box::new(bare::BareRoom::new(
                    Arc::clone(sweeper),
                    self.shell.clone(),
                    &start,
                )),
            };
            Ok(room)
        })
    }

    fn end_escaped<'a>(&'a self, mark: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            if let Kind::Bare(sweeper) = &self.kind {
                sweeper.sweep(format!("{MARK}={mark}")).await;
            }
        })
    }
}

/// The variables that depend on where the step finds its directories, behind those that are given.
fn environment(
    directories: &StepDirectories,
    given: &[(String, String)],
    seen: &SeenAs,
) -> Vec<(String, String)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut environment = vec![
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("HOME".to_owned(), text(&seen.home)),
        ("TMPDIR".to_owned(), text(&seen.tmp)),
    ];
    environment.extend(given.iter().cloned());
    environment.extend(super::environment::located(directories, seen));
    environment
}

/// The status as a shell would say it.
fn code_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

impl ShellProgram {
    /// Arguments before the script's file.
    fn arguments(&self) -> &'static [&'static str] {
        match self.shell {
            Shell::Bash => &["--noprofile", "--norc"],
            Shell::Sh | Shell::OfImage => &[],
        }
    }

    fn refused(&self, source: std::io::Error) -> StartError {
        match source.kind() {
            std::io::ErrorKind::ArgumentListTooLong => StartError::EnvironmentTooLarge,
            std::io::ErrorKind::InvalidInput => StartError::ZeroByte,
            _ => StartError::System {
                program: self.program.clone(),
                source,
            },
        }
    }
}
