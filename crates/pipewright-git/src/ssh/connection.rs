//! Connections to SSH hosts that are kept and shared: a new one costs about half a second, a command over an open one
//! a few milliseconds.
//!
//! A connection is one OpenSSH master for a host, port, user, key and pinned host keys, with its control socket in a
//! private directory. The master ends by itself when it was idle for the keep time, so that a killed server leaves
//! nothing behind for long; it is also closed when its key is removed and when the last [`SshConnections`] goes.
//! A client that finds the master gone or full connects on its own with the same options.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pipewright_core::Secret;
use pipewright_core::wire::CloneCredential;
use tempfile::TempDir;
use tokio::process::Command;

use super::agent::{Agent, AgentError};
use super::key::SshKeyPair;
use super::program::{Files, options, path_option, shell_command};
use crate::error::GitError;
use crate::gate::{Gate, Place, places};
use crate::options::GitOptions;
use crate::process::{Limits, RunFailure, run};

/// The longest path of our directory: a socket path has 107 bytes, and ssh adds 17 while it makes one.
const DIRECTORY_LIMIT: usize = 70;

/// Our directories are `pw<process>-<random>`.
const PREFIX: &str = "pw";

/// Limit on what ssh prints.
const OUTPUT_LIMIT: usize = 64 << 10;

/// Where to connect and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshTarget {
    /// `git`, or what the administrator of a Data Center set.
    pub user: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// The connections of one process. Dropping it closes them.
#[derive(Debug)]
pub struct SshConnections {
    shared: Shared,
    kept: Mutex<HashMap<Identity, Arc<Kept>>>,
}

/// What every connection needs.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ssh: PathBuf,
    pub(super) path: String,
    pub(super) connect_timeout: Duration,
    pub(super) gate: Option<Gate>,
    keep: Duration,
    directory: TempDir,
    counter: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identity {
    target: SshTarget,
    fingerprint: String,
    known_hosts: String,
}

/// One master's files and agent. The lock is held while it connects, so that a burst of builds makes one handshake.
#[derive(Debug)]
struct Kept {
    agent: Agent,
    public_key: PathBuf,
    known_hosts: PathBuf,
    control: PathBuf,
    /// Where it was connected to last.
    connecting: tokio::sync::Mutex<Place>,
}

/// An open connection, ready for git.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    /// The value of `GIT_SSH_COMMAND`.
    pub(crate) command: OsString,
    /// True where the connection was there before.
    pub(crate) reused: bool,
    identity: Identity,
}

impl SshConnections {
    /// Makes the private directory in `runtime`, or in `/tmp` where that path is too long for sockets.
    pub(crate) fn new(settings: &GitOptions, runtime: &Path) -> Result<Self, GitError> {
        let place = if runtime.as_os_str().len() > DIRECTORY_LIMIT - 20 {
            Path::new("/tmp")
        } else {
            runtime
        };
        remove_left_over(place);
        let directory = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in(place)
            .map_err(|source| {
                GitError::file(
                    format!("make a directory for sockets in {}", place.display()),
                    source,
                )
            })?;
        let shared = Shared {
            ssh: settings.ssh.clone(),
            path: settings.path.clone(),
            connect_timeout: settings.connect_timeout,
            gate: settings.gate.clone(),
            keep: settings.ssh_keep,
            directory,
            counter: AtomicU64::new(0),
        };
        Ok(Self {
            shared,
            kept: Mutex::default(),
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A connection to the target, made now unless one is kept.
    pub(crate) async fn open(
        &self,
        target: &SshTarget,
        private_key: &Secret,
        known_hosts: &str,
    ) -> Result<OpenConnection, GitError> {
        let fingerprint = SshKeyPair::read(private_key)
            .map_err(|error| GitError::Key {
                detail: error.detail,
            })?
            .fingerprint;
        let identity = Identity {
            target: target.clone(),
            fingerprint,
            known_hosts: known_hosts.to_owned(),
        };
        let kept = self.kept(&identity, private_key)?;
        let mut place = kept.connecting.lock().await;
        let reused = std::os::unix::net::UnixStream::connect(&kept.control).is_ok();
        if !reused {
            let _ = std::fs::remove_file(&kept.control);
            *place = self.connect(&identity, &kept).await?;
        }
        let command = shell_command(&self.words(&kept, target, *place));
        Ok(OpenConnection {
            command,
            reused,
            identity,
        })
    }

    /// Closes every connection that was authenticated with this key (`SHA256:…`), to any host.
    pub async fn close_key(&self, fingerprint: &str) {
        self.close_where(|identity| identity.fingerprint == fingerprint)
            .await;
    }

    /// Closes every connection to this host and port.
    pub async fn close_host(&self, host: &str, port: u16) {
        self.close_where(|identity| identity.target.host == host && identity.target.port == port)
            .await;
    }

    /// Closes every connection.
    pub async fn close_all(&self) {
        self.close_where(|_| true).await;
    }

    /// How many connections are held, open or idle.
    pub fn count(&self) -> usize {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    pub(crate) async fn close_connection(&self, connection: &OpenConnection) {
        self.close_where(|identity| *identity == connection.identity)
            .await;
    }

    async fn close_where(&self, chosen: impl Fn(&Identity) -> bool) {
        let closed: Vec<_> = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extract_if(|identity, _| chosen(identity)).collect()
        };
        for (identity, kept) in closed {
            let mut command = Command::new(&self.shared.ssh);
            self.exit_words(command.as_std_mut(), &identity, &kept);
            // If the master is gone already, there is nothing to close.
            let _ = run(
                &mut command,
                &[],
                Limits {
                    time: Duration::from_secs(5),
                    stdout: OUTPUT_LIMIT,
                },
            )
            .await;
            kept.remove_files();
        }
    }

    /// The entry of an identity; a new one has its files written and its agent started.
    fn kept(&self, identity: &Identity, private_key: &Secret) -> Result<Arc<Kept>, GitError> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(identity) {
            return Ok(Arc::clone(kept));
        }
        let base = self.shared.next_base();
        let agent = Agent::start(private_key, base.with_extension("agent")).map_err(agent_error)?;
        let (public_key, known_hosts) = (base.with_extension("pub"), base.with_extension("hosts"));
        for (file, text) in [
            (&public_key, &agent.public_line),
            (&known_hosts, &identity.known_hosts),
        ] {
            std::fs::write(file, format!("{}\n", text.trim_end()))
                .map_err(|source| GitError::file(format!("write {}", file.display()), source))?;
        }
        let kept = Arc::new(Kept {
            agent,
            public_key,
            known_hosts,
            control: base.with_extension("ctl"),
            connecting: tokio::sync::Mutex::default(),
        });
        all.insert(identity.clone(), Arc::clone(&kept));
        Ok(kept)
    }

    /// Starts the master, at the first of the host's places where something listens; answers which.
    async fn connect(&self, identity: &Identity, kept: &Kept) -> Result<Place, GitError> {
        let target = &identity.target;
        let mut failed = GitError::HostUnknown {
            host: target.host.clone(),
        };
        for place in places(self.shared.gate.as_ref(), &target.host, target.port).await? {
            match self.connect_at(identity, kept, place).await {
                Ok(()) => return Ok(place),
                Err(error @ (GitError::ConnectionRefused { .. } | GitError::Timeout { .. })) => {
                    failed = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(failed)
    }

    /// Starts the master, which goes to the background once it is authenticated.
    async fn connect_at(
        &self,
        identity: &Identity,
        kept: &Kept,
        place: Place,
    ) -> Result<(), GitError> {
        let target = &identity.target;
        let words = self.words(kept, target, place);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["-M", "-N", "-f"]);
        command.arg("-o").arg(format!(
            "ControlPersist={}",
            self.shared.keep.as_secs().max(1)
        ));
        destination(command.as_std_mut(), target);
        command
            .env_clear()
            .env("PATH", &self.shared.path)
            .env("LC_ALL", "C");
        let time = self.shared.connect_timeout + Duration::from_secs(5);
        let limits = Limits {
            time,
            stdout: OUTPUT_LIMIT,
        };
        let finished = run(&mut command, &[], limits)
            .await
            .map_err(|failure| match failure {
                RunFailure::Start(source) => GitError::Program {
                    program: self.shared.ssh.display().to_string(),
                    source,
                },
                RunFailure::Timeout | RunFailure::TooLarge => GitError::Timeout {
                    operation: "connect",
                    limit: time,
                    limit_name: "git.connect_seconds",
                },
            })?;
        if finished.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&finished.stderr);
        let credential = CloneCredential::Ssh {
            private_key: Secret::new(""),
            known_hosts: identity.known_hosts.clone(),
        };
        Err(crate::classify::classify_connect(
            &words,
            &format!("{}:{}", target.host, target.port),
            &credential,
            self.shared.connect_timeout,
        ))
    }

    fn words(&self, kept: &Kept, target: &SshTarget, place: Place) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec![self.shared.ssh.clone().into()];
        let files = Files {
            public_key: &kept.public_key,
            agent: kept.agent.socket(),
            known_hosts: &kept.known_hosts,
        };
        words.extend(options(files, "yes", self.shared.connect_timeout));
        words.extend(["-o".into(), path_option("ControlPath", &kept.control)]);
        words.extend(pinned(target, place));
        words
    }

    fn exit_words(&self, command: &mut std::process::Command, identity: &Identity, kept: &Kept) {
        command
            .args(["-F", "/dev/null", "-o"])
            .arg(path_option("ControlPath", &kept.control))
            .args(["-O", "exit"]);
        destination(command, &identity.target);
        command
            .env_clear()
            .env("PATH", &self.shared.path)
            .env("LC_ALL", "C");
    }
}

/// Removes the directories of processes that were killed. Their masters, if any, end when they were idle long enough.
fn remove_left_over(place: &Path) {
    let Ok(entries) = std::fs::read_dir(place) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split_once('-'))
            .map(|(process, _)| process);
        let gone = process.is_some_and(|process| {
            process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists()
        });
        if gone && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // Somebody else's directory refuses, which is right.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for SshConnections {
    fn drop(&mut self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        for (identity, kept) in kept {
            let mut command = std::process::Command::new(&self.shared.ssh);
            self.exit_words(&mut command, &identity, &kept);
            // The request is local and takes milliseconds; the master closes the connection.
            let _ = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Shared {
    /// A new short path in the private directory, to be given extensions.
    pub(super) fn next_base(&self) -> PathBuf {
        self.directory
            .path()
            .join(self.counter.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Kept {
    fn remove_files(&self) {
        for file in [&self.public_key, &self.known_hosts, &self.control] {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// The options by which ssh connects to an address that was judged, and knows the host's key by its name all the same.
pub(super) fn pinned(target: &SshTarget, place: Place) -> Vec<OsString> {
    let Some(address) = place else {
        return Vec::new();
    };
    let host = target.host.to_ascii_lowercase();
    // As ssh itself writes the names of known hosts.
    let name = match target.port {
        22 => host,
        port => format!("[{host}]:{port}"),
    };
    [
        format!("HostName={address}"),
        format!("HostKeyAlias={name}"),
    ]
    .into_iter()
    .flat_map(|option| ["-o".into(), option.into()])
    .collect()
}

/// `-p port -l user -- host`: the host is a checked name and cannot be an option.
pub(super) fn destination(command: &mut std::process::Command, target: &SshTarget) {
    command
        .arg("-p")
        .arg(target.port.to_string())
        .arg("-l")
        .arg(&target.user)
        .arg("--")
        .arg(&target.host);
}

pub(super) fn agent_error(error: AgentError) -> GitError {
    match error {
        AgentError::Key(error) => GitError::Key {
            detail: error.detail,
        },
        AgentError::Socket { path, source } => {
            GitError::file(format!("listen on {}", path.display()), source)
        }
    }
}
