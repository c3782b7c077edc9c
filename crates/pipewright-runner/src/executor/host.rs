//! The executor that runs scripts in a directory on this machine, as the runner's own user.
//!
//! Processes are told apart by their group and by a variable in their environment. There is no isolation: whoever can
//! change a pipeline file can do what the runner's user can do. For anything but trusted repositories use containers.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use std::os::unix::process::ExitStatusExt as _;

use pipewright_core::plan::StepPlan;
use tokio::process::{Child, Command};

use super::contract::{Executor, Session, ShellStart, StartError};
use super::outputs;
use super::script::Shell;
use crate::process::{ProcessGroup, Sweeper, kill_marked};

/// The variable that marks every process of a run.
const MARK: &str = "PIPEWRIGHT_ATTEMPT";

/// Runs scripts on this machine.
#[derive(Debug, Clone)]
pub struct HostExecutor {
    shell: Shell,
    program: PathBuf,
    sweeper: Arc<Sweeper>,
}

impl HostExecutor {
    /// Looks for bash, then for sh.
    pub fn new() -> Self {
        let bash = [
            "/bin/bash",
            "/usr/bin/bash",
            "/usr/local/bin/bash",
            "/run/current-system/sw/bin/bash",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists());
        match bash {
            Some(path) => Self {
                shell: Shell::Bash,
                program: PathBuf::from(path),
                sweeper: Arc::default(),
            },
            None => Self::with_sh(),
        }
    }

    /// Uses `/bin/sh` even where there is bash.
    pub fn with_sh() -> Self {
        Self {
            shell: Shell::Sh,
            program: PathBuf::from("/bin/sh"),
            sweeper: Arc::default(),
        }
    }

    /// Ends what a crashed runner left running under this mark. Blocks for a moment.
    pub(crate) fn end_left_over(mark: &str) -> usize {
        kill_marked(&[format!("{MARK}={mark}")])
    }
}

impl Default for HostExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for HostExecutor {
    type Session = HostSession;

    fn notices(&self, plan: &StepPlan) -> Vec<String> {
        let image = plan.image.as_ref().map(|image| {
            format!(
                "The image {} is not used: this runner runs scripts directly on its machine.",
                image.name
            )
        });
        let lfs = plan.clone.lfs.then(|| {
            "Large files (lfs) are not fetched by this runner; the files hold their pointers."
                .to_owned()
        });
        image.into_iter().chain(lfs).collect()
    }

    fn shell(&self) -> Shell {
        self.shell
    }

    async fn start(&self, start: ShellStart<'_>) -> Result<HostSession, StartError> {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("LANG", "C.UTF-8")
            .env("HOME", &start.directories.home)
            .env("TMPDIR", &start.directories.tmp);
        command.envs(start.environment.iter().map(|(name, value)| (name, value)));
        command
            .env("BITBUCKET_CLONE_DIR", &start.directories.build)
            .env("BUILD_DIR", &start.directories.build)
            .env(MARK, start.mark);
        command.env(outputs::PATH_VARIABLE, outputs::path(start.directories));
        if let Some(code) = start.exit_code {
            command.env("BITBUCKET_EXIT_CODE", code.to_string());
        }
        if self.shell == Shell::Bash {
            command.args(["--noprofile", "--norc"]);
        }
        command
            .arg(&start.script)
            .current_dir(&start.directories.build)
            .process_group(0);
        let second = start
            .output
            .try_clone()
            .map_err(|source| self.refused(source))?;
        command
            .stdin(Stdio::null())
            .stdout(start.output)
            .stderr(second)
            .kill_on_drop(true);
        let child = command.spawn().map_err(|source| self.refused(source))?;
        let group = ProcessGroup::of(child.id());
        Ok(HostSession {
            child,
            group,
            status: None,
        })
    }

    async fn end_all(&self, mark: &str) {
        self.sweeper.sweep(format!("{MARK}={mark}")).await;
    }
}

impl HostExecutor {
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

/// A shell on this machine with its process group.
#[derive(Debug)]
pub struct HostSession {
    child: Child,
    group: ProcessGroup,
    status: Option<i32>,
}

impl Session for HostSession {
    async fn wait(&mut self) -> i32 {
        if let Some(status) = self.status {
            return status;
        }
        // Waiting for a child of our own cannot fail unless somebody else reaped it; then its status is unknown.
        let status = self.child.wait().await.map_or(-1, code_of);
        self.status = Some(status);
        // The shell's number is free from now on unless the group lives on.
        self.group.is_alive();
        status
    }

    fn terminate(&mut self) {
        self.group.terminate();
    }

    fn kill(&mut self) {
        self.group.kill();
    }

    fn is_alive(&mut self) -> bool {
        self.group.is_alive()
    }
}

/// The status as a shell would say it.
fn code_of(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}
