//! What the server must be told before it starts. Read and checked by the binary; here are only the checked values.

use std::path::PathBuf;
use std::time::Duration;

use pipewright_runner::executor::{EngineOptions, HostOptions};
use pipewright_spec::Capabilities;
use url::Url;

/// Where Bitbucket Cloud is. Ordinarily Atlassian's own hosts; a test or the demonstration names others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudAddresses {
    /// Pages, OAuth and git over HTTPS: `https://bitbucket.org`.
    pub web: Url,
    /// REST, with its version: `https://api.bitbucket.org/2.0`.
    pub api: Url,
    /// Git over SSH.
    pub ssh_host: String,
    /// Its port.
    pub ssh_port: u16,
    /// `known_hosts` lines shipped for that host; empty to pin on first contact.
    pub known_hosts: String,
}

/// How long things are kept. The newest build of each ref and what has not ended are kept whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days from a build's end, at least 1.
    pub builds_days: u32,
    /// The newest builds of each branch or tag, at least 1.
    pub builds_per_ref: u32,
    /// Days from an attempt's end, at least 1.
    pub logs_days: u32,
    /// Days that the bodies of deliveries are kept, at least 1.
    pub bodies_days: u32,
    /// Days that statuses are kept once they were sent or given up, at least 1.
    pub statuses_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            builds_days: 365,
            builds_per_ref: 500,
            logs_days: 180,
            bodies_days: 30,
            statuses_days: 30,
        }
    }
}

/// The server's checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// The address people and Bitbucket use, with a sub-path where there is one, without a slash at its end.
    pub public_url: Url,
    /// Logs, mirrors, workspaces and, by default, the database.
    pub data_directory: PathBuf,
    /// Where Bitbucket Cloud is.
    pub cloud: CloudAddresses,
    /// False where Bitbucket cannot reach this installation: then refs are compared more often, and no webhook is made.
    pub webhooks_reach_us: bool,
    /// How often refs are compared where webhooks arrive.
    pub compare_refs_every: Duration,
    /// How often refs are compared where they do not.
    pub poll_refs_every: Duration,
    /// Attempts the embedded runner works on at a time; 0 switches it off.
    pub runner_slots: usize,
    /// Labels of the embedded runner: a step whose `runs-on` has another is refused.
    pub runner_labels: Vec<String>,
    /// How long a person stays signed in without doing anything.
    pub session_lifetime: Duration,
    /// How long a person stays signed in at all.
    pub session_longest: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Where the server may connect to, as the configuration says it; empty where administrators say it on a page.
    pub outgoing: Vec<pipewright_bitbucket::Pattern>,
    /// Certificates of a private authority, PEM, trusted beside the public ones.
    pub extra_ca_pem: Option<String>,
    /// The largest webhook body that is taken, in bytes.
    pub delivery_body_limit: usize,
    /// The longest log of an attempt that is kept, in bytes.
    pub log_bytes: u64,
    /// Bytes of all caches that the embedded runner keeps.
    pub cache_bytes: u64,
    /// How long artifacts are kept.
    pub artifact_keep: Duration,
    /// How steps are kept apart on this machine.
    pub host: HostOptions,
    /// The container engine of this machine, and how steps use it; none runs every step on the machine itself.
    pub engine: Option<EngineOptions>,
    /// Bytes that one step's files may take of the disk; `None` for as many as there are.
    pub workspace_bytes: Option<u64>,
    /// How long everything else is kept, where an account does not say otherwise.
    pub retention: Retention,
    /// How long a stopped step is given between TERM and KILL.
    pub stop_grace: Duration,
    /// How long a step goes on while no server asks for it: its keeper outlives the process that started it, and the next one
    /// goes on with it. `None` has steps end with the server. Then the program that runs must be a keeper when it is started
    /// with [`pipewright_runner::keeper::COMMAND`].
    pub unattended: Option<Duration>,
    /// How long steps that end with the server may go on once it was asked to stop; then they are ended, and run again after
    /// the next start.
    pub drain: Duration,
    /// Connections that are open at the same time at most.
    pub connections: usize,
    /// What the machine must have left for a step to begin.
    pub floors: Floors,
}

/// What the machine must have left for a step to begin. Where a twentieth of all there is is less, that is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Floors {
    /// Bytes of the data directory's file system.
    pub disk_bytes: u64,
    /// Files and directories that may still be made there; file systems that have no limit are passed over.
    pub inodes: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Files that this process may still open.
    pub descriptors: u64,
}

impl ServerConfig {
    /// The public address of a path that begins with a slash.
    pub fn public(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// What the runners of this installation can do.
    pub fn capabilities(&self) -> Capabilities {
        let all = self
            .engine
            .as_ref()
            .map_or_else(Capabilities::host, |engine| {
                Capabilities::engine(engine.docker_service.is_some())
            });
        all.with_labels(self.runner_labels.iter().map(String::as_str))
    }

    /// The sub-path the server is mounted under: empty, or with a slash at its beginning and none at its end.
    pub fn base_path(&self) -> &str {
        self.public_url.path().trim_end_matches('/')
    }
}
