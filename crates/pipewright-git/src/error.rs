//! What can go wrong between us and a repository, each with what to do about it.

use std::time::Duration;

use pipewright_core::{CommitHash, RefName};

use super::remote::RemoteUrlError;

/// A git operation failed. The text fits after "failed to …", and is fit for a person's eyes: it holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The SSH host key differs from the pinned one.
    #[error("the SSH host key of {host} has changed{}{}; if its administrator confirms the new key, press Check now on the Integrations page and accept it, otherwise somebody may be listening in",
        expected.as_ref().map(|print| format!(" from {print}")).unwrap_or_default(), got.as_ref().map(|print| format!(" to {print}")).unwrap_or_default())]
    HostKeyChanged {
        /// `host:port`.
        host: String,
        /// The fingerprint that is pinned.
        expected: Option<String>,
        /// The fingerprint that the host showed.
        got: Option<String>,
    },
    /// The server does not know our SSH key.
    #[error(
        "Bitbucket does not accept this SSH key yet: add the key of the Integrations page at {host}, then run the build again"
    )]
    PermissionDenied {
        /// The host asked.
        host: String,
    },
    /// The host's name does not resolve.
    #[error(
        "the host {host} is not known; check its name in the integration and this machine's DNS"
    )]
    HostUnknown {
        /// The name.
        host: String,
    },
    /// It may not be connected to.
    #[error("{detail}")]
    NotAllowed {
        /// Which host, and by which rule.
        detail: String,
    },
    /// Nothing listens there.
    #[error(
        "{host} refuses connections; check the port in the integration, and any firewall between"
    )]
    ConnectionRefused {
        /// `host:port`.
        host: String,
    },
    /// No such repository, or none that we may see; Bitbucket does not tell these apart.
    #[error(
        "the repository {url} does not exist or the credential may not read it; check that it was not moved, and that the integration's user can open it"
    )]
    RepositoryNotFound {
        /// The URL, which holds no secret.
        url: String,
    },
    /// The commit is not on the ref any more.
    #[error("commit {commit} is no longer on {kind} {name} (it was force-pushed away or the {kind} was deleted); push again, or run a newer commit",
        kind = ref_name.kind().as_str(), name = ref_name.short())]
    CommitNotFound {
        /// The commit that was asked for.
        commit: CommitHash,
        /// The ref that it was pushed to.
        ref_name: RefName,
    },
    /// An object that was asked for is not in the mirror.
    #[error("{object} is not in the mirror; fetch its ref first")]
    NotInMirror {
        /// The object's id.
        object: CommitHash,
    },
    /// User name, password or token were refused.
    #[error(
        "{host} refused the credential; reconnect on the Integrations page, or give it the right to read repositories"
    )]
    AuthenticationFailed {
        /// The host asked.
        host: String,
    },
    /// The TLS certificate is not trusted.
    #[error(
        "the TLS certificate of {host} is not trusted ({detail}); give Pipewright your company's certificate authority (setting bitbucket.extra_ca_file)"
    )]
    Certificate {
        /// The host asked.
        host: String,
        /// What git says of it.
        detail: String,
    },
    /// It took too long and was ended.
    #[error("git {operation} took longer than {} s and was ended; try again, or raise the setting {limit_name}", limit.as_secs())]
    Timeout {
        /// `fetch`, `checkout`, …
        operation: &'static str,
        /// The limit.
        limit: Duration,
        /// The setting that raises it.
        limit_name: &'static str,
    },
    /// No room for objects or files.
    #[error(
        "the disk of the runner's data directory is full; free some space and run the build again"
    )]
    DiskFull,
    /// The machine refuses something for now: open files, memory, processes, writing.
    #[error(
        "the machine does not allow it at the moment ({detail}); check its limits, memory and disks"
    )]
    Machine {
        /// What git or the system says.
        detail: String,
    },
    /// What git answers is larger than we are willing to hold.
    #[error(
        "git {operation} returned more than {limit} bytes; the repository is larger than this limit allows"
    )]
    TooLarge {
        /// `ls-remote`, …
        operation: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The destination of a pull request cannot be merged into its source: the author's matter.
    #[error("{} at {} conflicts with it{}; merge {destination} into the branch, resolve the conflicts, and push", destination, commit.short(), in_files(files, *count))]
    Conflict {
        /// The destination's short name.
        destination: String,
        /// Its commit.
        commit: CommitHash,
        /// The first files in conflict; none where the two have no history in common.
        files: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// The mirror's files are broken.
    #[error("the mirror is damaged ({detail}); it is rebuilt by the next fetch")]
    Damaged {
        /// What git says of it.
        detail: String,
    },
    /// An object of the repository breaks git's own rules, so it is not taken in.
    #[error(
        "git refuses an object of this repository ({detail}); take the tag or commit that holds it out of the repository"
    )]
    BadObject {
        /// What git says of it.
        detail: String,
    },
    /// The URL is not one we fetch from.
    #[error(transparent)]
    Url(#[from] RemoteUrlError),
    /// The private key of the credential cannot be read.
    #[error(
        "the SSH key of the integration cannot be read ({detail}); make a new one on the Integrations page"
    )]
    Key {
        /// Why; never the key.
        detail: String,
    },
    /// A program is missing or could not be started.
    #[error("cannot start {program}: {source}; install it, or set its path")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file operation failed.
    #[error("cannot {action}: {source}; check the runner's data directory")]
    File {
        /// What was tried, with the path.
        action: String,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else, with the end of what git printed.
    #[error(
        "git {operation} failed: {detail}; check whether the repository can be cloned by hand on this machine"
    )]
    Other {
        /// `fetch`, `checkout`, …
        operation: &'static str,
        /// The end of what git printed, without secrets.
        detail: String,
    },
}

/// ` in a.txt, b.txt and 3 more files`.
fn in_files(files: &[String], count: usize) -> String {
    let named: Vec<String> = files
        .iter()
        .map(|name| name.escape_debug().to_string())
        .collect();
    match (named.is_empty(), count.saturating_sub(named.len())) {
        (true, _) => ": they have no history in common".to_owned(),
        (false, 0) => format!(" in {}", named.join(", ")),
        (false, 1) => format!(" in {} and one more file", named.join(", ")),
        (false, more) => format!(" in {} and {more} more files", named.join(", ")),
    }
}

impl GitError {
    /// True where trying again by itself may help: the network or the other side may recover.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Timeout { .. }
                | Self::ConnectionRefused { .. }
                | Self::HostUnknown { .. }
                | Self::Damaged { .. }
                | Self::Other { .. }
        )
    }

    /// True where the machine is at fault and neither the repository nor anybody who pushed to it: it may work later, and is
    /// never charged to a commit.
    pub fn is_of_machine(&self) -> bool {
        match self {
            Self::DiskFull | Self::Machine { .. } | Self::File { .. } => true,
            Self::Program { source, .. } => crate::trouble::is_of_machine(source),
            _ => false,
        }
    }

    /// A file error, or a full disk where the system says so.
    pub fn file(action: String, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            Self::DiskFull
        } else {
            Self::File { action, source }
        }
    }
}
