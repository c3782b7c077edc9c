//! What is on the disk of a kept attempt: its folder outlives runner and keeper, and the next runner reads it.
//!
//! | name | |
//! |---|---|
//! | `attempt.json` | whose it is and what is to be done with what it leaves; no secret |
//! | `log` | the spool: masked |
//! | `keeper` | the socket |
//! | `end.json` | how the scripts ended; written beside and renamed |
//! | `left` | there where the runner went in good order while the scripts ran |

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipewright_core::ids::{ApplicationId, AttemptId};
use pipewright_core::plan::StepPlan;
use pipewright_core::wire::Timing;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caches::ReadyCache;
use crate::executor::{Begun, StepDirectories, StepEnd};

/// An attempt whose scripts a keeper runs, as the next runner must know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptAttempt {
    pub(crate) attempt: AttemptId,
    pub(crate) lease: Uuid,
    /// Whose caches it may save.
    pub(crate) application: ApplicationId,
    pub(crate) plan: StepPlan,
    pub(crate) directories: StepDirectories,
    /// What the step runs in.
    #[serde(default)]
    pub(crate) begun: Option<Begun>,
    pub(crate) max_time: Duration,
    /// The caches that may be saved.
    pub(crate) ready: Vec<ReadyCache>,
    /// What took how long so far.
    pub(crate) timings: Vec<Timing>,
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct KeptFolder(PathBuf);

impl KeptFolder {
    /// One that is there already.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes it, where it is not there; only our user may look inside.
    pub(crate) fn make(&self) -> io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Bytes of the log.
    pub(crate) fn log_length(&self) -> u64 {
        self.log().metadata().map_or(0, |log| log.len())
    }

    pub(crate) fn write_attempt(&self, attempt: &KeptAttempt) -> io::Result<()> {
        self.write("attempt.json", attempt)
    }

    pub(crate) fn attempt(&self) -> io::Result<KeptAttempt> {
        self.read("attempt.json")
    }

    pub(super) fn write_end(&self, end: &StepEnd) -> io::Result<()> {
        self.write("end.json", end)
    }

    pub(super) fn end(&self) -> io::Result<StepEnd> {
        self.read("end.json")
    }

    /// Notes that the runner went in good order while the scripts ran.
    pub(crate) fn note_left(&self) -> io::Result<()> {
        File::create(self.0.join("left")).map(drop)
    }

    /// Whether it did.
    pub(super) fn is_left(&self) -> bool {
        self.0.join("left").exists()
    }

    /// A runner is here again.
    pub(crate) fn forget_left(&self) -> io::Result<()> {
        match std::fs::remove_file(self.0.join("left")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// True while it is there: whoever removes it wants nothing more of the attempt.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_dir()
    }

    pub(super) fn bind(&self) -> io::Result<std::os::unix::net::UnixListener> {
        self.through_short_path(|path| std::os::unix::net::UnixListener::bind(path))
    }

    pub(super) fn connect(&self) -> io::Result<std::os::unix::net::UnixStream> {
        self.through_short_path(|path| std::os::unix::net::UnixStream::connect(path))
    }

    /// The name of a socket has at most 108 bytes; our folder may lie deeper.
    fn through_short_path<T>(&self, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let folder = File::open(&self.0)?;
        act(Path::new(&format!(
            "/proc/self/fd/{}/keeper",
            folder.as_raw_fd()
        )))
    }

    fn write(&self, name: &str, what: &impl Serialize) -> io::Result<()> {
        let new = self.0.join(format!("{name}.new"));
        std::fs::write(&new, serde_json::to_vec(what)?)?;
        std::fs::rename(new, self.0.join(name))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<T> {
        Ok(serde_json::from_slice(&std::fs::read(self.0.join(name))?)?)
    }
}
