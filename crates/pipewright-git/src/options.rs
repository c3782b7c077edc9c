//! What an installation can set about git and ssh.

use std::path::PathBuf;
use std::time::Duration;

use crate::gate::Gate;

/// Programs, limits and the way out of the house. Paths must be absolute or found through [`GitOptions::path`].
#[derive(Debug, Clone)]
pub struct GitOptions {
    /// The `git` program, 2.31 or newer.
    pub git: PathBuf,
    /// The `ssh` program (OpenSSH).
    pub ssh: PathBuf,
    /// `PATH` for git, which finds its own helpers and `ssh` by it.
    pub path: String,
    /// Whether `file://` URLs and plain paths are allowed. Only tests and `pipewright run` say yes.
    pub allow_file: bool,
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// More environment for git: `https_proxy`, `no_proxy` and the like. The library reads no environment itself.
    pub environment: Vec<(String, String)>,
    /// Limit on one fetch. A first fetch of a large repository needs minutes.
    pub fetch_timeout: Duration,
    /// Limit on one operation that needs no network, and on listing remote refs.
    pub local_timeout: Duration,
    /// Limit on making an SSH connection.
    pub connect_timeout: Duration,
    /// How long an SSH connection is kept after its last use.
    pub ssh_keep: Duration,
    /// Asked before every connection; none where git and ssh may connect anywhere.
    pub gate: Option<Gate>,
}

impl GitOptions {
    /// True where git connects through a proxy, which resolves names by itself.
    pub(crate) fn has_proxy(&self) -> bool {
        // curl reads the small name alone of http_proxy, which a web server could be made to set otherwise.
        let names = [
            "http_proxy",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ];
        self.environment
            .iter()
            .any(|(name, value)| names.contains(&&**name) && !value.is_empty())
    }
}

impl Default for GitOptions {
    fn default() -> Self {
        Self {
            git: PathBuf::from("git"),
            ssh: PathBuf::from("ssh"),
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            allow_file: false,
            ca_file: None,
            environment: Vec::new(),
            fetch_timeout: Duration::from_mins(20),
            local_timeout: Duration::from_mins(2),
            connect_timeout: Duration::from_secs(15),
            ssh_keep: Duration::from_mins(10),
            gate: None,
        }
    }
}
