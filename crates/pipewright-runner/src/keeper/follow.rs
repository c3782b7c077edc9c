//! The runner's side: start a keeper or find one, follow it, pass words on.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use pipewright_core::build::AttemptOutcome;
use pipewright_core::wire::Timing;
use serde::de::IgnoredAny;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::COMMAND;
use super::folder::KeptFolder;
use super::line::Line;
use super::order::{Order, State, Word};
use crate::executor::{Control, RUNNER_STOPPED, StepEnd, sterner};

/// A kept attempt that is followed.
#[derive(Debug)]
pub(crate) struct Following {
    folder: KeptFolder,
    /// `None` where the keeper has ended already.
    line: Option<Line>,
}

/// How following ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// The scripts ended.
    Ended(StepEnd),
    /// We were told to go; the keeper goes on.
    Left,
}

impl Following {
    /// Starts a keeper and tells it what to run. When this returns it may run already.
    pub(crate) async fn start(folder: KeptFolder, order: &Order) -> io::Result<Self> {
        let listener = folder.bind()?;
        // The very program that runs here, even where its file was replaced meanwhile.
        let keeper = Command::new("/proc/self/exe")
            .arg0("pipewright")
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // It is reaped in the background when it ends before us.
        drop(keeper);
        Self::order(folder, order).await
    }

    /// Tells the keeper that listens in the folder what to run.
    pub(super) async fn order(folder: KeptFolder, order: &Order) -> io::Result<Self> {
        let mut line = connect(&folder)?;
        line.say(order).await?;
        Ok(Self {
            folder,
            line: Some(line),
        })
    }

    /// Finds the keeper of a folder, or how it ended, or that a runner left it in good order; `None` where there is nothing of
    /// these.
    pub(crate) fn find(folder: KeptFolder) -> Option<Self> {
        if let Ok(line) = connect(&folder) {
            // One that cannot be told yet has ended, which the first read says.
            let _ = line.say_now(&Word::Follow);
            return Some(Self {
                folder,
                line: Some(line),
            });
        }
        let is_known = folder.end().is_ok() || folder.is_left();
        is_known.then_some(Self { folder, line: None })
    }

    /// Has everything ended at once, without waiting for it.
    pub(crate) fn end_now(self) {
        if let Some(line) = &self.line {
            let _ = line.say_now(&Word::Kill);
        }
    }

    /// Has everything ended at once, and waits for that.
    pub(crate) async fn end(mut self) {
        if let Some(line) = &mut self.line {
            // Where it ended by itself meanwhile, that is as well.
            let _ = line.say(&Word::Kill).await;
            while line.hear::<IgnoredAny>().await.is_some() {}
        }
    }

    /// Follows to the end, or until `leave` is cancelled. `lengths` hears how long the log is; `started` is called when the
    /// script's shell is known to run.
    pub(crate) async fn follow(
        mut self,
        lengths: &watch::Sender<u64>,
        control: &mut watch::Receiver<Control>,
        leave: &CancellationToken,
        started: impl FnOnce(Timing) + Send,
    ) -> Followed {
        let mut started = Some(started);
        let mut obeyed = Control::Run;
        while let Some(line) = &mut self.line {
            tokio::select! {
                biased;
                () = leave.cancelled() => return Followed::Left,
                state = line.hear::<State>() => {
                    let Some(state) = state else { break };
                    grow(lengths, state.log);
                    if let Some(timing) = state.started && let Some(started) = started.take() {
                        started(timing);
                    }
                    if state.ended { break }
                }
                word = sterner(control, obeyed) => {
                    obeyed = word;
                    let word = if word == Control::Stop { Word::Stop } else { Word::Kill };
                    // A keeper that is gone is found by the next read.
                    let _ = line.say(&word).await;
                }
            }
        }
        grow(lengths, self.folder.log_length());
        let end = self.folder.end();
        Followed::Ended(end.unwrap_or_else(|_| {
            if self.folder.is_left() {
                // A restart, whatever ended the keeper.
                StepEnd::without_script(
                    AttemptOutcome::Interrupted,
                    Some(RUNNER_STOPPED.to_owned()),
                )
            } else {
                let words = "The process that kept this step was ended from outside.";
                StepEnd::without_script(AttemptOutcome::Lost, Some(words.to_owned()))
            }
        }))
    }
}

fn connect(folder: &KeptFolder) -> io::Result<Line> {
    let stream = folder.connect()?;
    stream.set_nonblocking(true)?;
    Ok(Line::new(UnixStream::from_std(stream)?))
}

/// A log never grows shorter.
fn grow(lengths: &watch::Sender<u64>, length: u64) {
    lengths.send_if_modified(|known| {
        let is_news = length > *known;
        if is_news {
            *known = length;
        }
        is_news
    });
}
