//! The room of a step in its container.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use rustix::fs::OFlags;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::begin::give;
use super::client::words;
use super::pipes::{Pipe, PipeRun};
use super::{container, porter, services};
use crate::executor::begun::Begun;
use crate::executor::contract::{Doing, Room, ShellStart, StartError};
use crate::executor::pipes::{line, receiver, sender};

/// How long a script that was ended may take to be gone before the engine ends the whole container.
const END: Duration = Duration::from_secs(2);

/// How long the container may take to say that it is there.
const READY: Duration = Duration::from_secs(30);

/// How often the engine is asked about the container where it does not answer.
const AWAY: Duration = Duration::from_secs(2);

/// The container of a step.
pub(super) struct ContainerRoom {
    docker: Docker,
    begun: Begun,
    scripts: PathBuf,
    environment: Arc<str>,
    pipes: Pipe,
    commands: pipe::Sender,
    results: pipe::Receiver,
    signals: pipe::Sender,
    answers: pipe::Sender,
    heard: Vec<u8>,
    /// Brings what the scripts print; started with the first of them.
    printing: Option<JoinHandle<()>>,
    /// How the last script ended; `None` while it runs.
    status: Option<i32>,
    /// A pipe of the script that runs.
    pipe: Option<PipeRun>,
    /// Hears that the container ended, and how.
    ended: watch::Receiver<Option<Ended>>,
    watcher: JoinHandle<()>,
    /// The user that the directories are given back to.
    owner: Option<u32>,
    remarks: Vec<String>,
    /// Why the script did not come to its end, where that is no fault of its own.
    lost: Option<String>,
    is_closed: bool,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    status: i32,
    is_out_of_memory: bool,
}

impl ContainerRoom {
    /// Finds the container that was begun, and waits until its porter is there.
    pub(super) fn open(
        docker: Docker,
        begun: Begun,
        scripts: &Path,
        environment: &[(String, String)],
        pipes: Pipe,
    ) -> Result<Self, StartError> {
        let failed = |error: io::Error| {
            StartError::Engine(format!("the pipes of the step's container: {error}"))
        };
        let at = |name: &str| scripts.join(name);
        let commands = sender(&at(porter::COMMANDS)).map_err(failed)?;
        let results = receiver(&at(porter::RESULTS)).map_err(failed)?;
        let signals = sender(&at(porter::SIGNALS)).map_err(failed)?;
        let answers = sender(&at(porter::ANSWERS)).map_err(failed)?;
        let (telling, ended) = watch::channel(None);
        let watcher = tokio::spawn(watch_container(docker.clone(), begun.step.clone(), telling));
        let own = rustix::process::geteuid();
        Ok(Self {
            docker,
            begun,
            scripts: scripts.to_owned(),
            environment: porter::environment_text(environment).into(),
            pipes,
            commands,
            results,
            signals,
            answers,
            heard: Vec::new(),
            printing: None,
            status: Some(0),
            pipe: None,
            ended,
            watcher,
            owner: (!own.is_root()).then(|| own.as_raw()),
            remarks: Vec::new(),
            lost: None,
            is_closed: false,
        })
    }

    /// Waits until the porter says that it is there, once its output is taken.
    async fn ready(&mut self, output: io::PipeWriter) -> Result<(), StartError> {
        let path = self.scripts.join(porter::OUTPUT);
        self.pipes.output = output.try_clone().ok().map(Arc::new);
        self.printing = Some(tokio::task::spawn_blocking(move || print(&path, &output)));
        let said = tokio::time::timeout(READY, async {
            tokio::select! {
                line = line(&mut self.results, &mut self.heard) => line.is_ok_and(|word| word == b"ready"),
                _ = self.ended.wait_for(Option::is_some) => false,
            }
        });
        match said.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StartError::Engine(
                "the step's container ended before its script began".to_owned(),
            )),
            Err(_) => Err(StartError::Engine(format!(
                "the step's container did not begin within {} s",
                READY.as_secs()
            ))),
        }
    }

    /// A word to the porter or the watcher. Where the container is gone, that is found by the next look.
    fn say(to: &pipe::Sender, word: &str) {
        let _ = to.try_write(format!("{word}\n").as_bytes());
    }

    /// The next thing that happens while a script runs.
    async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            heard = line(&mut self.results, &mut self.heard) => match heard {
                Ok(word) => Next::Word(String::from_utf8_lossy(&word).into_owned()),
                Err(_) => Next::Word(String::new()),
            },
            status = async {
                match &mut self.pipe {
                    Some(pipe) => pipe.wait().await,
                    None => std::future::pending().await,
                }
            } => Next::Pipe(status),
            ended = self.ended.wait_for(Option::is_some) => {
                Next::Ended(ended.ok().and_then(|ended| ended.clone()))
            }
        }
    }

    async fn wait_for_script(&mut self) -> i32 {
        while self.status.is_none() {
            match self.next().await {
                Next::Word(word) => self.hear(&word),
                Next::Pipe(status) => {
                    self.pipe = None;
                    Self::say(&self.answers, &status.to_string());
                }
                Next::Ended(ended) => {
                    let ended = ended.unwrap_or(Ended {
                        status: -1,
                        is_out_of_memory: false,
                    });
                    if ended.is_out_of_memory {
                        self.say_out_of_memory();
                    } else if !self.is_closed {
                        self.lost = Some(
                            "The step's container was ended from outside, by the engine or by a person."
                                .to_owned(),
                        );
                    }
                    self.status = Some(ended.status);
                }
            }
        }
        self.status.unwrap_or(-1)
    }

    fn hear(&mut self, word: &str) {
        let mut parts = word.splitn(3, ' ');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("exit"), Some(status), None) => self.status = status.parse().ok().or(Some(-1)),
            (Some("pipe"), Some(number), directory) if self.pipe.is_none() => {
                let number: Option<usize> = number.parse().ok();
                self.pipe = number.and_then(|number| {
                    self.pipes
                        .start(&self.docker, number, directory.unwrap_or("/"))
                });
                if self.pipe.is_none() {
                    Self::say(&self.answers, "127");
                }
            }
            _ => {}
        }
    }

    fn say_out_of_memory(&mut self) {
        let limit = self.begun.memory.unwrap_or(0) >> 20;
        let line = format!(
            "A process of this step was ended, because the step used more than its {limit} MB of memory; use less, give it a larger `size`, or give its services less `memory`."
        );
        if !self.remarks.contains(&line) {
            self.remarks.push(line);
        }
    }

    /// What is to be said of a script that did not end well: memory, services that ended.
    async fn look_around(&mut self) {
        let state = container::state(&self.docker, &self.begun.step).await;
        if state.and_then(|state| state.oom_killed) == Some(true) {
            self.say_out_of_memory();
        }
        for service in &self.begun.services {
            let state = container::state(&self.docker, &service.id).await;
            if let Some(state) = state.filter(|state| state.running == Some(false)) {
                self.remarks
                    .extend(services::ended(&self.docker, service, &state).await);
            }
        }
    }

    /// Ends a script that runs, with everything that it started.
    async fn end_script(&mut self) {
        if let Some(pipe) = self.pipe.take() {
            pipe.end().await;
        }
        Self::say(&self.signals, porter::KILL);
        if tokio::time::timeout(END, self.wait_for_script())
            .await
            .is_err()
        {
            // Its watcher was ended by the script, perhaps.
            container::kill(&self.docker, &self.begun.step).await;
            self.is_closed = true;
            if tokio::time::timeout(END, self.wait_for_script())
                .await
                .is_err()
            {
                self.status = Some(128 + 9);
            }
        }
    }
}

/// What happens while a script runs.
enum Next {
    Word(String),
    Pipe(i32),
    Ended(Option<Ended>),
}

impl Room for ContainerRoom {
    fn run<'a>(&'a mut self, shell: ShellStart<'a>) -> Doing<'a, Result<(), StartError>> {
        Box::pin(async move {
            if self.printing.is_none() {
                self.ready(shell.output).await?;
            }
            if self.is_closed || self.ended.borrow().is_some() {
                return Err(StartError::Engine(
                    "the step's container has ended".to_owned(),
                ));
            }
            if self.begun.user != 0 {
                give(&self.scripts.join(shell.script), self.begun.user).map_err(|error| {
                    StartError::Engine(format!("the script cannot be given to its user: {error}"))
                })?;
            }
            let path = self.scripts.join(porter::ENVIRONMENT);
            let environment = Arc::clone(&self.environment);
            // Waits in the open until the script's shell reads.
            tokio::task::spawn_blocking(move || {
                let mut pipe = OpenOptions::new().write(true).open(path)?;
                pipe.write_all(environment.as_bytes())
            });
            self.status = None;
            let code = shell
                .exit_code
                .map(|code| format!(" {code}"))
                .unwrap_or_default();
            self.commands
                .write_all(format!("{}{code}\n", shell.script).as_bytes())
                .await
                .map_err(|error| {
                    StartError::Engine(format!("the container hears nothing: {error}"))
                })
        })
    }

    fn wait(&mut self) -> Doing<'_, i32> {
        Box::pin(self.wait_for_script())
    }

    fn terminate(&mut self) {
        Self::say(&self.signals, porter::TERM);
        if let Some(pipe) = &self.pipe {
            pipe.terminate();
        }
    }

    fn is_alive(&mut self) -> bool {
        self.status.is_none()
    }

    fn end(&mut self) -> Doing<'_, ()> {
        Box::pin(async move {
            if self.status.is_none() {
                self.end_script().await;
            }
            if let Some(owner) = self.owner {
                Self::say(&self.commands, &format!("{} {owner}", porter::OWN));
                let owned = async {
                    while line(&mut self.results, &mut self.heard)
                        .await
                        .is_ok_and(|word| word != b"owned")
                    {}
                };
                let _ = tokio::time::timeout(READY, owned).await;
            }
            // Whoever holds the output keeps it from ending.
            self.pipes.output = None;
            // The kernel ends with the first process whatever else is in the container.
            self.is_closed = true;
            Self::say(&self.commands, porter::QUIT);
            if self.status != Some(0) {
                // Only of a container that has ended the engine says whether memory was short.
                let ended = self.ended.wait_for(Option::is_some);
                let _ = tokio::time::timeout(END, ended).await;
                self.look_around().await;
            }
        })
    }

    fn end_all(&mut self) -> Doing<'_, ()> {
        Box::pin(async move {
            if self.is_closed {
                // Its first process does not go: somebody holds it.
                container::kill(&self.docker, &self.begun.step).await;
            } else if self.status.is_none() {
                self.end_script().await;
            }
        })
    }

    fn lost(&mut self) -> Option<String> {
        self.lost.take()
    }

    fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }
}

impl Drop for ContainerRoom {
    fn drop(&mut self) {
        self.watcher.abort();
        Self::say(&self.signals, porter::KILL);
        Self::say(&self.commands, porter::QUIT);
        // Whoever waits to open the other end, in a thread of its own, goes on.
        for name in [porter::OUTPUT, porter::ENVIRONMENT] {
            let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits() as i32;
            let _ = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(flags)
                .open(self.scripts.join(name));
        }
    }
}

/// Brings what comes out of the container to the log, without looking at it, until nothing more can come.
fn print(path: &Path, output: &io::PipeWriter) {
    let Ok(coming) = std::fs::File::open(path) else {
        return;
    };
    loop {
        let moved = rustix::pipe::splice(
            &coming,
            None,
            output,
            None,
            1 << 20,
            rustix::pipe::SpliceFlags::empty(),
        );
        match moved {
            Ok(0) => return,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Says when the container ends. An engine that does not answer says nothing about it.
async fn watch_container(docker: Docker, id: String, telling: watch::Sender<Option<Ended>>) {
    use futures_util::StreamExt as _;
    loop {
        let mut waiting = docker.wait_container(&id, None);
        let _ = waiting.next().await;
        match container::inspect(&docker, &id).await {
            Ok(None) => break,
            Ok(Some(found)) => {
                let state = found.state.unwrap_or_default();
                if state.running == Some(false) {
                    let ended = Ended {
                        status: state
                            .exit_code
                            .and_then(|code| i32::try_from(code).ok())
                            .unwrap_or(-1),
                        is_out_of_memory: state.oom_killed == Some(true),
                    };
                    telling.send_replace(Some(ended));
                    return;
                }
            }
            Err(error) => tracing::warn!(error = words(&error), "the engine does not answer"),
        }
        tokio::time::sleep(AWAY).await;
    }
    telling.send_replace(Some(Ended {
        status: -1,
        is_out_of_memory: false,
    }));
}
