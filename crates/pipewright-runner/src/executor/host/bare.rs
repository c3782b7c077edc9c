//! A room without walls: process groups of the runner's own user.
//!
//! Processes are told apart by their group and by a variable in their environment. Whoever can change a pipeline file can do
//! what the runner's user can do.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::{Child, Command};

use super::super::contract::{Doing, Room, RoomStart, SeenAs, ShellStart, StartError};
use super::super::ssh::{GIT_COMMAND, git_command};
use super::{MARK, ShellProgram, code_of, environment};
use crate::process::{ProcessGroup, Sweeper};

/// The shells of one step, and what they started.
#[derive(Debug)]
pub(super) struct BareRoom {
    sweeper: Arc<Sweeper>,
    shell: ShellProgram,
    /// `NAME=value` in the environment of every process.
    mark: String,
    environment: Vec<(String, String)>,
    build: PathBuf,
    scripts: PathBuf,
    /// Every shell that was started; the last one is asked about.
    shells: Vec<Started>,
}

#[derive(Debug)]
struct Started {
    child: Child,
    group: ProcessGroup,
    status: Option<i32>,
}

impl BareRoom {
    pub(super) fn new(sweeper: Arc<Sweeper>, shell: ShellProgram, start: &RoomStart<'_>) -> Self {
        let mut environment = environment(
            start.directories,
            start.environment,
            &SeenAs::itself(start.directories),
        );
        // Without walls `ssh` looks for its configuration where the runner's own user has his.
        let is_set = environment.iter().any(|(name, _)| name == GIT_COMMAND);
        environment.extend(git_command(start.directories).filter(|_| !is_set));
        environment.push((MARK.to_owned(), start.mark.to_owned()));
        Self {
            sweeper,
            shell,
            mark: format!("{MARK}={}", start.mark),
            environment,
            build: start.directories.build.clone(),
            scripts: start.directories.scripts.clone(),
            shells: Vec::new(),
        }
    }

    fn start(&self, start: ShellStart<'_>) -> Result<Started, StartError> {
        let mut command = Command::new(&self.shell.program);
        command.env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(code) = start.exit_code {
            command.env("BITBUCKET_EXIT_CODE", code.to_string());
        }
        command
            .args(self.shell.arguments())
            .arg(self.scripts.join(start.script))
            .current_dir(&self.build)
            .process_group(0);
        let second = start
            .output
            .try_clone()
            .map_err(|source| self.shell.refused(source))?;
        command
            .stdin(Stdio::null())
            .stdout(start.output)
            .stderr(second)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|source| self.shell.refused(source))?;
        let group = ProcessGroup::of(child.id());
        Ok(Started {
            child,
            group,
            status: None,
        })
    }
}

impl Room for BareRoom {
    fn run<'a>(&'a mut self, shell: ShellStart<'a>) -> Doing<'a, Result<(), StartError>> {
        let started = self.start(shell).map(|started| self.shells.push(started));
        Box::pin(std::future::ready(started))
    }

    fn wait(&mut self) -> Doing<'_, i32> {
        Box::pin(async move {
            let Some(shell) = self.shells.last_mut() else {
                return -1;
            };
            if let Some(status) = shell.status {
                return status;
            }
            // Waiting for a child of our own cannot fail unless somebody else reaped it; then its status is unknown.
            let status = shell.child.wait().await.map_or(-1, code_of);
            shell.status = Some(status);
            // The shell's number is free from now on unless the group lives on.
            shell.group.is_alive();
            status
        })
    }

    fn terminate(&mut self) {
        if let Some(shell) = self.shells.last() {
            shell.group.terminate();
        }
    }

    fn is_alive(&mut self) -> bool {
        self.shells
            .last_mut()
            .is_some_and(|shell| shell.group.is_alive())
    }

    fn end(&mut self) -> Doing<'_, ()> {
        for shell in &self.shells {
            shell.group.kill();
        }
        Box::pin(std::future::ready(()))
    }

    fn end_all(&mut self) -> Doing<'_, ()> {
        Box::pin(async move {
            self.end().await;
            self.sweeper.sweep(self.mark.clone()).await;
        })
    }
}
