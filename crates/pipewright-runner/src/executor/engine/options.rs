//! What the container executor is told: which engine, what a step may use, which images.

use std::path::{Path, PathBuf};

use pipewright_core::plan::{ServicePlan, StepPlan};
use serde::{Deserialize, Serialize};

/// The image of a step that names none, as Bitbucket has it.
const DEFAULT_IMAGE: &str = "atlassian/default-image:5";

/// Bytes of a megabyte as container engines count it.
const MEGABYTE: u64 = 1 << 20;

/// When an image is asked of its registry though the engine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// For every step: a tag that was moved is noticed.
    Always,
    /// Only where the engine does not have it.
    #[default]
    IfNotPresent,
    /// Never: steps use what the engine has.
    Never,
}

impl Pull {
    /// The words of the setting `engine.pull`.
    pub const WORDS: &str = "always, if-not-present or never";

    /// From a word of the setting.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "always" => Some(Self::Always),
            "if-not-present" => Some(Self::IfNotPresent),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// What a step of the size `1x` may use; larger sizes have as many times more. `None` for as much as the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Bytes of memory, of the step and its services together.
    pub memory: Option<u64>,
    /// Processors, in hundredths.
    pub cpu_percent: Option<u32>,
    /// Processes and threads of each container, whatever the size.
    pub processes: Option<u32>,
}

impl Default for Share {
    /// Bitbucket's own memory (bitbucket-pipelines-yml.md §4.4).
    fn default() -> Self {
        Self {
            memory: Some(4096 * MEGABYTE),
            cpu_percent: None,
            processes: Some(8192),
        }
    }
}

/// How the container executor works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOptions {
    /// The socket of Docker's or Podman's API.
    pub socket: PathBuf,
    /// Whose containers these are: unique among the runners that use the engine.
    pub owner: String,
    /// The image of a step that names none.
    pub default_image: String,
    /// When images are pulled.
    pub pull: Pull,
    /// What a step may use.
    pub share: Share,
    /// Open files of a container's processes; `None` for the engine's own limit.
    pub open_files: Option<u32>,
    /// The image of the `docker` service, which runs with all rights on the runner's machine; `None` where steps get no such
    /// service.
    pub docker_service: Option<String>,
}

impl EngineOptions {
    /// The usual ones.
    pub fn new(socket: PathBuf, owner: impl Into<String>) -> Self {
        Self {
            socket,
            owner: owner.into(),
            default_image: DEFAULT_IMAGE.to_owned(),
            pull: Pull::default(),
            share: Share::default(),
            open_files: None,
            docker_service: None,
        }
    }

    /// The services that a step is given: a Docker engine, which pipes bring with them, only where the owner chose one.
    pub(super) fn services<'p>(&self, plan: &'p StepPlan) -> impl Iterator<Item = &'p ServicePlan> {
        let has_docker = self.docker_service.is_some();
        plan.services
            .iter()
            .filter(move |service| !service.docker || has_docker)
    }

    /// Whether a step is given a Docker engine.
    pub(super) fn has_docker(&self, plan: &StepPlan) -> bool {
        self.services(plan).any(|service| service.docker)
    }
}

/// Where Docker's engine usually listens, the first that is there: `DOCKER_HOST` (given by the caller), the machine's own, that of
/// the user. Podman is used where it is named.
pub fn find_socket(docker_host: Option<&str>, runtime_directory: Option<&Path>) -> Option<PathBuf> {
    let named = docker_host
        .and_then(|host| host.strip_prefix("unix://"))
        .map(PathBuf::from);
    let users = runtime_directory.map(|directory| directory.join("docker.sock"));
    named
        .into_iter()
        .chain([PathBuf::from("/var/run/docker.sock")])
        .chain(users)
        // One that we may not use is no engine of ours.
        .find(|socket| std::os::unix::net::UnixStream::connect(socket).is_ok())
}
