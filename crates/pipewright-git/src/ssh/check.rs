//! "Check now": does this host accept this key? Asked by a real SSH handshake.
//!
//! Without a pinned host key the first one shown is accepted and given back, to be shown as a fingerprint and pinned
//! (trust on first use); with one, a different key is refused and both are named.

use std::time::Duration;

use pipewright_core::Secret;
use tokio::process::Command;

use super::agent::Agent;
use super::connection::{SshConnections, SshTarget, agent_error, destination};
use super::program::{Files, options};
use crate::classify::fingerprint_in;
use crate::error::GitError;
use crate::gate::{Place, places};
use crate::known_hosts::HostKeys;
use crate::process::{Limits, RunFailure, run};

/// At most this much of what the server says is kept for people.
const BANNER_LIMIT: usize = 2000;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCheck {
    /// The server accepts the key.
    Accepted {
        /// The host keys to pin from now on; those that were pinned, or the one seen at this first contact.
        host_keys: HostKeys,
        /// `SHA256:…` of the host key shown now.
        fingerprint: Option<String>,
        /// What the server says to a user who signs in without a command; hostile text.
        banner: String,
    },
    /// The server is there and does not know the key.
    NotAdded {
        /// As in `Accepted`; may be pinned already, since the host has proved its key.
        host_keys: HostKeys,
        /// `SHA256:…` of the host key shown now.
        fingerprint: Option<String>,
    },
    /// The host shows another key than the pinned one.
    HostKeyChanged {
        /// `SHA256:…` of the first pinned key.
        expected: Option<String>,
        /// `SHA256:…` of the key shown now.
        got: Option<String>,
    },
    /// Nothing listens on the port.
    Refused,
    /// The name does not resolve.
    UnknownHost,
    /// Something listens, but it does not speak SSH.
    NotSsh,
    /// No answer in time.
    Timeout,
    /// Something else, in ssh's own words.
    Other {
        /// The end of what ssh said.
        detail: String,
    },
}

impl SshConnections {
    /// Signs in to the target with this key and no command. `pinned` is the `known_hosts` text that the host must
    /// match; `None` or empty at the first contact. An error means that the check itself could not be made.
    pub async fn check(
        &self,
        target: &SshTarget,
        private_key: &Secret,
        pinned: Option<&str>,
    ) -> Result<KeyCheck, GitError> {
        if !checked(target) {
            return Ok(KeyCheck::UnknownHost);
        }
        let mut found = KeyCheck::UnknownHost;
        for place in places(self.shared().gate.as_ref(), &target.host, target.port).await? {
            found = self.check_at(target, place, private_key, pinned).await?;
            if !matches!(found, KeyCheck::Refused | KeyCheck::Timeout) {
                break;
            }
        }
        Ok(found)
    }

    async fn check_at(
        &self,
        target: &SshTarget,
        place: Place,
        private_key: &Secret,
        pinned: Option<&str>,
    ) -> Result<KeyCheck, GitError> {
        let shared = self.shared();
        let base = shared.next_base();
        let (public_key, known_hosts) = (base.with_extension("pub"), base.with_extension("hosts"));
        let agent = Agent::start(private_key, base.with_extension("agent")).map_err(agent_error)?;
        let pinned = pinned.map(HostKeys::parse).unwrap_or_default();
        for (file, text) in [
            (&public_key, format!("{}\n", agent.public_line)),
            (&known_hosts, pinned.text()),
        ] {
            std::fs::write(file, text)
                .map_err(|source| GitError::file(format!("write {}", file.display()), source))?;
        }
        let strict = if pinned.is_empty() {
            "accept-new"
        } else {
            "yes"
        };
        let files = Files {
            public_key: &public_key,
            agent: agent.socket(),
            known_hosts: &known_hosts,
        };
        let mut command = Command::new(&shared.ssh);
        command
            .args(options(files, strict, shared.connect_timeout))
            .args(super::connection::pinned(target, place))
            .args(["-T", "-v"]);
        destination(command.as_std_mut(), target);
        command
            .env_clear()
            .env("PATH", &shared.path)
            .env("LC_ALL", "C");
        let limits = Limits {
            time: shared.connect_timeout + Duration::from_secs(5),
            stdout: 64 << 10,
        };
        let outcome = run(&mut command, &[], limits).await;
        let seen = std::fs::read_to_string(&known_hosts).unwrap_or_default();
        for file in [&public_key, &known_hosts] {
            let _ = std::fs::remove_file(file);
        }
        match outcome {
            Err(RunFailure::Start(source)) => Err(GitError::Program {
                program: shared.ssh.display().to_string(),
                source,
            }),
            // A server that signs us in and then waits has answered the question.
            Err(RunFailure::Timeout | RunFailure::TooLarge) => Ok(KeyCheck::Timeout),
            Ok(finished) => {
                let words = String::from_utf8_lossy(&finished.stderr);
                Ok(read(
                    &words,
                    &String::from_utf8_lossy(&finished.stdout),
                    &pinned,
                    &HostKeys::parse(&seen),
                ))
            }
        }
    }
}

/// Whether host and user are safe to be arguments; they come from a form.
fn checked(target: &SshTarget) -> bool {
    let plain = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_:~".contains(c))
    };
    plain(&target.host) && plain(&target.user)
}

/// Reads ssh's `-v` words (OpenSSH 8.4 to 10, `LC_ALL=C`).
fn read(words: &str, said: &str, pinned: &HostKeys, seen: &HostKeys) -> KeyCheck {
    let any = |needles: &[&str]| needles.iter().any(|needle| words.contains(needle));
    let shown = words
        .lines()
        .find(|line| line.contains("Server host key:"))
        .and_then(fingerprint_in);
    let host_keys = if pinned.is_empty() {
        seen.clone()
    } else {
        pinned.clone()
    };
    if any(&["Authenticated to ", "Authentication succeeded"]) {
        let spoken = words
            .lines()
            .filter(|line| !line.starts_with("debug1:") && !ssh_own(line));
        let banner: String = spoken
            .chain(said.lines())
            .collect::<Vec<_>>()
            .join("\n")
            .chars()
            .take(BANNER_LIMIT)
            .collect();
        KeyCheck::Accepted {
            host_keys,
            fingerprint: shown,
            banner: banner.trim().to_owned(),
        }
    } else if any(&[
        "Permission denied (",
        "Too many authentication failures",
        "No more authentication methods",
    ]) {
        KeyCheck::NotAdded {
            host_keys,
            fingerprint: shown,
        }
    } else if any(&[
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "Host key verification failed",
        "host key is known for",
    ]) {
        KeyCheck::HostKeyChanged {
            expected: pinned.fingerprints().into_iter().next(),
            got: shown,
        }
    } else if any(&[
        "Connection refused",
        "No route to host",
        "Network is unreachable",
    ]) {
        KeyCheck::Refused
    } else if any(&["Could not resolve hostname", "Name or service not known"]) {
        KeyCheck::UnknownHost
    } else if any(&[
        "banner exchange: Connection",
        "kex_exchange_identification",
        "banner line contains invalid",
        "invalid format",
        "Bad remote protocol version",
        "timed out during banner",
    ]) {
        KeyCheck::NotSsh
    } else if any(&["timed out"]) {
        KeyCheck::Timeout
    } else {
        let spoken: Vec<_> = words
            .lines()
            .filter(|line| !line.starts_with("debug1:"))
            .collect();
        KeyCheck::Other {
            detail: spoken.join("; ").chars().take(BANNER_LIMIT).collect(),
        }
    }
}

/// Lines that ssh itself adds around what the server says.
fn ssh_own(line: &str) -> bool {
    [
        "OpenSSH_",
        "Warning: Permanently added",
        "Transferred: ",
        "Bytes per second",
        "Authenticated to ",
        "** ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}
