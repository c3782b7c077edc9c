//! A sandbox for each step, made by the program `bubblewrap`: namespaces of its own for users, mounts, processes, IPC and
//! the host's name; no capabilities; no way to new ones.
//!
//! What a step sees is put together from nothing: the machine's programs, read-only; a `/proc` and `/dev` of its own; and its
//! own directories, at the paths that Bitbucket gives them. What is not named here is not there: the data directory, the
//! configuration, sockets, homes. The network is the machine's. The kernel ends whatever runs in it together with its first
//! process, and ends that one when the runner dies.
//!
//! Inside waits a small shell, the *porter*: it runs a script when it is asked to, and says how it ended. Words go through two named pipes that this side opened before anything ran inside.

mod arguments;
mod diagnose;
mod door;
mod etc;
mod limits;
mod passwd;
mod room;
mod tree;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{PidfdFlags, getpid, pidfd_open};

use super::super::contract::{AGENT, NotReady};
use super::options::HostOptions;

pub(super) use room::SandboxRoom;

/// How long what of `/etc` is hidden is remembered.
const ETC_AGE: Duration = Duration::from_secs(30);

/// How long a trial sandbox may take.
const TRIAL: Duration = Duration::from_secs(20);

/// What all sandboxes of a runner share.
#[derive(Debug)]
pub(super) struct Sandbox {
    options: HostOptions,
    groups: limits::Groups,
    /// What of `/etc` is hidden, and when that was found.
    etc: Mutex<Option<(Instant, Vec<etc::Cover>)>>,
}

impl Sandbox {
    pub(super) fn new(options: HostOptions) -> Self {
        Self {
            groups: limits::Groups::new(options.limits),
            options,
            etc: Mutex::default(),
        }
    }

    /// Makes one and ends it. The error says what is missing, and how to get it.
    pub(super) async fn probe(&self, shell: &Path) -> Result<(), NotReady> {
        let Some(program) = program() else {
            return Err(diagnose::not_installed());
        };
        if !tree::is_known() {
            return Err(diagnose::no_children());
        }
        if pidfd_open(getpid(), PidfdFlags::empty()).is_err() {
            return Err(diagnose::old_kernel());
        }
        // Before the first keeper is started: it works from this process's group.
        let _ = self.groups.steps();
        let directory = tempfile::tempdir().map_err(|error| diagnose::no_directory(&error))?;
        let tried = door::try_out(self, &program, shell, directory.path());
        match tokio::time::timeout(TRIAL, tried).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(words)) => Err(diagnose::refused(&words)),
            Err(_) => Err(diagnose::refused("it did not start within 20 s")),
        }
    }

    /// What of `/etc` and of what may be read is covered in a new sandbox. Blocks for some milliseconds now and then.
    fn covers(&self) -> Vec<etc::Cover> {
        let mut known = self
            .etc
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*known {
            Some((found, covers)) if found.elapsed() < ETC_AGE => covers.clone(),
            _ => {
                let covers = etc::covers(&self.options);
                *known = Some((Instant::now(), covers.clone()));
                covers
            }
        }
    }
}

/// Where bubblewrap is, if it is installed.
fn program() -> Option<PathBuf> {
    [
        "/usr/bin/bwrap",
        "/bin/bwrap",
        "/usr/local/bin/bwrap",
        "/run/current-system/sw/bin/bwrap",
    ]
    .into_iter()
    .map(PathBuf::from)
    .find(|path| {
        path.metadata()
            .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    })
}
