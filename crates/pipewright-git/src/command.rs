//! One hardened way to run git: its environment, its limits, and the credential of one remote.
//!
//! No system or user configuration is read, no prompt is shown, no hook and no helper runs, and only the listed
//! protocols work. A credential reaches git through the environment (an `Authorization` header limited to the
//! remote's origin) or through a kept SSH connection; never through a command line or a file.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use pipewright_core::wire::CloneCredential;
use tokio::process::Command;

use super::classify::classify;
use super::error::GitError;
use super::gate::curl_resolve;
use super::network::Network;
use super::options::GitOptions;
use super::remote::Transport;
use crate::process::{Finished, Limits, RunFailure, find_program, run};
use crate::ssh::{SshConnections, SshTarget};

/// Faults that old, real repositories have in their history and that harm nobody. Everything else that git's own
/// check finds (hostile `.gitmodules`, `.git` entries in trees, …) refuses the fetch.
const OLD_FAULTS: [&str; 9] = [
    "badDateOverflow",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "multipleAuthors",
    "zeroPaddedFilemode",
];

/// The git program with its options and the SSH connections it uses. Cheap to clone; clones share the connections.
#[derive(Debug, Clone)]
pub struct Git {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: GitOptions,
    ssh: SshConnections,
    environment: Vec<(String, String)>,
    configuration: Vec<(String, String)>,
}

impl Git {
    /// Prepares to run git. `runtime` is an existing directory for sockets with a short path (a Unix socket's path
    /// has at most 107 bytes), such as `/tmp`; a private directory is made in it and removed when the last clone goes.
    pub fn new(mut options: GitOptions, runtime: &Path) -> Result<Self, GitError> {
        options.git = find_program(&options.git, &options.path);
        options.ssh = find_program(&options.ssh, &options.path);
        let ssh = SshConnections::new(&options, runtime)?;
        let (environment, configuration) = (environment(&options), configuration());
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                ssh,
                environment,
                configuration,
            }),
        })
    }

    /// What it was made with.
    pub fn options(&self) -> &GitOptions {
        &self.inner.options
    }

    /// The kept SSH connections, to check a key or to close what a removed key opened.
    pub fn ssh(&self) -> &SshConnections {
        &self.inner.ssh
    }

    /// Runs a git command that needs no network.
    pub(super) async fn local(
        &self,
        operation: &'static str,
        input: &[u8],
        stdout_limit: usize,
        build: impl FnOnce(&mut Command),
    ) -> Result<Finished, GitError> {
        let limits = Limits {
            time: self.options().local_timeout,
            stdout: stdout_limit,
        };
        let mut command = self.command(&[]);
        build(&mut command);
        let finished = run(&mut command, input, limits)
            .await
            .map_err(|failure| self.failure(operation, failure, limits, "git.local_seconds"))?;
        Ok(finished)
    }

    /// Runs a git command that writes files for a build: with the rights that a clone gives them, where the server's own files
    /// are private.
    pub(super) async fn local_for_builds(
        &self,
        operation: &'static str,
        build: impl FnOnce(&mut Command),
    ) -> Result<Finished, GitError> {
        let limits = Limits {
            time: self.options().local_timeout,
            stdout: 1 << 20,
        };
        let mut command = Command::new("/bin/sh");
        self.prepare(&mut command, &[]);
        command
            .args(["-c", "umask 022; exec \"$0\" \"$@\""])
            .arg(&self.inner.options.git);
        build(&mut command);
        run(&mut command, &[], limits)
            .await
            .map_err(|failure| self.failure(operation, failure, limits, "git.local_seconds"))
    }

    /// Runs a git command against a remote and reads its failure. A kept SSH connection that turns out to be dead is
    /// replaced, and the command run once more.
    pub(super) async fn over_network(
        &self,
        operation: &'static str,
        network: &Network<'_>,
        time: Duration,
        limit_name: &'static str,
        stdout_limit: usize,
        build: impl Fn(&mut Command),
    ) -> Result<Finished, GitError> {
        let limits = Limits {
            time,
            stdout: stdout_limit,
        };
        let mut fresh = false;
        // Twice at most: the second time over a connection that nobody used before.
        loop {
            let mut configuration = Vec::new();
            let mut connection = None;
            match (network.url.transport(), network.credential) {
                (Transport::Http { origin, .. }, CloneCredential::Header { value }) => {
                    // Limited to the origin, so that git sends it nowhere else.
                    configuration.push((
                        format!("http.{origin}.extraHeader"),
                        format!("Authorization: {}", value.expose()),
                    ));
                    configuration.extend(self.pin(network).await?);
                }
                (Transport::Http { .. }, _) => configuration.extend(self.pin(network).await?),
                (
                    Transport::Ssh { user, host, port },
                    CloneCredential::Ssh {
                        private_key,
                        known_hosts,
                    },
                ) => {
                    let target = SshTarget {
                        user: user.clone(),
                        host: host.clone(),
                        port: *port,
                    };
                    connection = Some(
                        self.inner
                            .ssh
                            .open(&target, private_key, known_hosts)
                            .await?,
                    );
                }
                (Transport::Ssh { .. }, _) => {
                    return Err(GitError::Key {
                        detail: format!("there is none for {}", network.url.host()),
                    });
                }
                _ => {}
            }
            let mut command = self.command(&configuration);
            if let Some(connection) = &connection {
                command
                    .env("GIT_SSH_COMMAND", &connection.command)
                    .env("GIT_SSH_VARIANT", "ssh");
            }
            build(&mut command);
            let finished = run(&mut command, &[], limits)
                .await
                .map_err(|failure| self.failure(operation, failure, limits, limit_name))?;
            if finished.status.success() {
                return Ok(finished);
            }
            let error = classify(operation, &finished.stderr, network);
            // Only a kept connection can have died meanwhile, and a refusal that names its reason is no such death.
            let reused = connection
                .as_ref()
                .is_some_and(|connection| connection.reused);
            if !reused
                || fresh
                || !matches!(
                    error,
                    GitError::Other { .. } | GitError::ConnectionRefused { .. }
                )
            {
                return Err(error);
            }
            if let Some(connection) = connection {
                self.inner.ssh.close_connection(&connection).await;
            }
            fresh = true;
        }
    }

    /// The setting by which curl connects where it may, and nowhere else.
    async fn pin(&self, network: &Network<'_>) -> Result<Option<(String, String)>, GitError> {
        let options = self.options();
        let (Some(gate), Some((host, port))) = (&options.gate, network.url.place()) else {
            return Ok(None);
        };
        let found = gate.admit(host, port).await?;
        if host.parse::<std::net::IpAddr>().is_ok() {
            return Ok(None);
        }
        if found.is_empty() {
            // A proxy may know names that this machine does not.
            return if options.has_proxy() {
                Ok(None)
            } else {
                Err(GitError::HostUnknown {
                    host: host.to_owned(),
                })
            };
        }
        let pin = curl_resolve(host, port, &found);
        Ok(Some(("http.curloptResolve".to_owned(), pin)))
    }

    pub(super) fn command(&self, more: &[(String, String)]) -> Command {
        let mut command = Command::new(&self.inner.options.git);
        self.prepare(&mut command, more);
        command
    }

    fn prepare(&self, command: &mut Command, more: &[(String, String)]) {
        command.env_clear().stdin(Stdio::null());
        command.envs(
            self.inner
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        );
        let pairs = self.inner.configuration.iter().chain(more);
        let mut count = 0;
        for (place, (key, value)) in pairs.enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{place}"), key)
                .env(format!("GIT_CONFIG_VALUE_{place}"), value);
            count = place + 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
    }

    fn failure(
        &self,
        operation: &'static str,
        failure: RunFailure,
        limits: Limits,
        limit_name: &'static str,
    ) -> GitError {
        match failure {
            RunFailure::Start(source) => GitError::Program {
                program: self.inner.options.git.display().to_string(),
                source,
            },
            RunFailure::Timeout => GitError::Timeout {
                operation,
                limit: limits.time,
                limit_name,
            },
            RunFailure::TooLarge => GitError::TooLarge {
                operation,
                limit: limits.stdout,
            },
        }
    }
}

/// The environment of every git command.
fn environment(options: &GitOptions) -> Vec<(String, String)> {
    let protocols = if options.allow_file {
        "https:http:ssh:file"
    } else {
        "https:http:ssh"
    };
    let fixed = [
        ("PATH", options.path.as_str()),
        ("LC_ALL", "C"),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "false"),
        ("SSH_ASKPASS", "false"),
        ("GIT_ALLOW_PROTOCOL", protocols),
        ("GIT_PROTOCOL_FROM_USER", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_LFS_SKIP_SMUDGE", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
    ];
    let ca_file = options
        .ca_file
        .as_ref()
        .map(|file| ("GIT_SSL_CAINFO".to_owned(), file.display().to_string()));
    let fixed = fixed
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    options
        .environment
        .iter()
        .cloned()
        .chain(fixed)
        .chain(ca_file)
        .collect()
}

/// The configuration of every git command. Packs survive the power going, because a build speaks of commits that the remote may
/// have forgotten since; everything else of a mirror is a cache of what the remote has, and is not synced: it is fetched again
/// and a damaged mirror is made anew. Fetched packs stay packs: a pack appears whole or not at all, which makes "the
/// object is there" mean "and everything it needs".
fn configuration() -> Vec<(String, String)> {
    let fixed = [
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.fsync", "pack,pack-metadata"),
        ("core.askPass", ""),
        ("credential.helper", ""),
        ("safe.directory", "*"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("fetch.unpackLimit", "1"),
        ("fetch.showForcedUpdates", "false"),
        ("fetch.recurseSubmodules", "false"),
        ("fetch.fsckObjects", "true"),
        ("protocol.version", "2"),
        // A redirect would carry the Authorization header to wherever it points.
        ("http.followRedirects", "false"),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", "60"),
        ("advice.detachedHead", "false"),
    ];
    let faults = OLD_FAULTS
        .iter()
        .map(|fault| (format!("fetch.fsck.{fault}"), "ignore".to_owned()));
    fixed
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .chain(faults)
        .collect()
}
