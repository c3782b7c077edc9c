//! The room of a step in its sandbox. The sandbox is made with the first shell, and anew where one was ended.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use super::super::super::contract::{Doing, Room, RoomStart, ShellStart, StartError};
use super::super::super::directories::StepDirectories;
use super::super::ShellProgram;
use super::Sandbox;
use super::door::{self, Door};

/// The sandbox of one step.
#[derive(Debug)]
pub(in super::super) struct SandboxRoom {
    sandbox: Arc<Sandbox>,
    shell: ShellProgram,
    mark: String,
    program: PathBuf,
    arguments: Vec<u8>,
    directories: StepDirectories,
    door: Option<Door>,
    /// How the last shell ended, where its sandbox is gone.
    last: i32,
    /// What is to be said of limits that were met.
    remarks: Vec<String>,
}

impl SandboxRoom {
    pub(in super::super) fn new(
        sandbox: Arc<Sandbox>,
        shell: ShellProgram,
        start: &RoomStart<'_>,
    ) -> Result<Self, StartError> {
        let program = super::program().ok_or_else(|| {
            StartError::Sandbox("bubblewrap is not installed any more".to_owned())
        })?;
        let arguments = door::arguments(&sandbox, start.directories, start.environment)?;
        Ok(Self {
            sandbox,
            shell,
            mark: start.mark.to_owned(),
            program,
            arguments,
            directories: start.directories.clone(),
            door: None,
            last: -1,
            remarks: Vec::new(),
        })
    }

    async fn close(&mut self) {
        if let Some(door) = self.door.take() {
            self.remarks.extend(door.close().await);
        }
    }
}

impl Room for SandboxRoom {
    fn run<'a>(&'a mut self, start: ShellStart<'a>) -> Doing<'a, Result<(), StartError>> {
        Box::pin(async move {
            if self.door.as_mut().is_some_and(Door::has_ended) {
                self.close().await;
            }
            let door = match &mut self.door {
                Some(door) => door,
                none => none.insert(
                    Door::open(
                        &self.program,
                        &self.shell,
                        self.arguments.clone(),
                        &self.directories,
                        Stdio::from(start.output),
                        self.sandbox.groups.make(&self.mark),
                    )
                    .await?,
                ),
            };
            door.run(start.script, start.exit_code)
                .await
                .map_err(|error| StartError::Sandbox(format!("it does not listen: {error}")))
        })
    }

    fn wait(&mut self) -> Doing<'_, i32> {
        Box::pin(async move {
            if let Some(door) = &mut self.door {
                self.last = door.wait().await;
            }
            self.last
        })
    }

    fn terminate(&mut self) {
        if let Some(door) = &mut self.door {
            door.terminate();
        }
    }

    fn is_alive(&mut self) -> bool {
        self.door.as_mut().is_some_and(Door::is_alive)
    }

    fn end(&mut self) -> Doing<'_, ()> {
        Box::pin(async move {
            let ran = match &mut self.door {
                Some(door) => door.killed_status(),
                None => return,
            };
            self.last = ran;
            self.close().await;
        })
    }

    fn end_all(&mut self) -> Doing<'_, ()> {
        self.end()
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}
