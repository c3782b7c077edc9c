//! One step of a plan: everything a runner needs to know about it that the pipeline file says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One unit of work for one runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlan {
    /// The name to show; `Step 3` where the file gives none.
    pub name: String,
    /// What to run, in order; empty only for a step that starts a [`ChildPlan`].
    pub script: Vec<ScriptItem>,
    /// What to run afterwards, whether the script passed or failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_script: Vec<ScriptItem>,
    /// The image of the step's container; the host executor says that it does not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImagePlan>,
    /// How long the step may take, in minutes; at least 1.
    pub max_time_minutes: u32,
    /// How the repository is put into the workspace.
    pub clone: ClonePlan,
    /// True where a person must start the step.
    #[serde(default)]
    pub manual: bool,
    /// The environment the step deploys to, whose variables it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// An environment whose variables the step is given without deploying to it; also that of its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When the step runs at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionPlan>,
    /// What a failure means for the build.
    #[serde(default)]
    pub on_failure: FailureStrategy,
    /// Whether a failure of this step stops the others of its parallel group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<bool>,
    /// At most one step of this group runs at a time, across builds of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_group: Option<String>,
    /// Labels that a runner must all have; empty for any runner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs_on: Vec<String>,
    /// Doublings of the normal machine share: 1 for `1x`, 2 for `2x`, …
    pub size: u32,
    /// Caches restored before and saved after the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CachePlan>,
    /// Containers that run beside the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServicePlan>,
    /// Files kept for later steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactPlan>,
    /// Names of artifacts of earlier steps to restore; `None` restores all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_downloads: Option<Vec<String>>,
    /// Variables that the step may hand to later steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_variables: Vec<String>,
    /// Whether the step is given an OpenID Connect token.
    #[serde(default)]
    pub oidc: bool,
    /// Whom that token is for; empty for the usual audience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oidc_audiences: Vec<String>,
    /// The pipeline that the step starts and waits for, instead of running a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ChildPlan>,
    /// What the file declares for the step and the executor that it was planned for does without: it runs all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Unmet>,
    /// What no runner here can do for the step, each a fragment that names key and line. Such a step is not begun: it ends
    /// as [`NOT_SUPPORTED`](crate::build::NOT_SUPPORTED) when its turn comes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
    /// 1-based line of the step in the pipeline file; 0 where it is not known.
    #[serde(default)]
    pub line: u32,
}

/// Something that the file declares for a step and its executor does without.
///
/// Whatever is shown of such a step says so: a green result of a script that ran without its image is another one than
/// Bitbucket's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "name", rename_all = "snake_case")]
pub enum Unmet {
    /// The image of its container: the script runs directly on the runner's machine, with the tools that are there.
    Image(String),
    /// A cache that cannot be kept there: it is neither restored nor saved.
    Cache(String),
}

impl Unmet {
    /// True where the script may come to another result by it; a cache only makes it slower.
    pub const fn changes_result(&self) -> bool {
        matches!(self, Self::Image(_))
    }
}

impl fmt::Display for Unmet {
    /// Follows "without": `the image php:8.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(name) => write!(f, "the image {name}"),
            Self::Cache(name) => write!(f, "the cache {name}"),
        }
    }
}

/// The label of a step that runs on the machine itself, whatever engine it has.
const SHELL_LABEL: &str = "linux.shell";

impl StepPlan {
    /// True for a step that asks for the machine itself, not for a container.
    pub fn is_for_host(&self) -> bool {
        self.runs_on.iter().any(|label| label == SHELL_LABEL)
    }

    /// Why the step cannot be begun here: a fragment to follow "Not supported here yet: ".
    pub fn refusal(&self) -> Option<String> {
        (!self.unsupported.is_empty()).then(|| self.unsupported.join("; "))
    }
}

/// Another pipeline of the same file, run as one step: its failure is the step's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildPlan {
    /// The key under `pipelines.custom`.
    pub custom: String,
    /// Variables handed to it, at most 20, with `$VARIABLES` not yet expanded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_variables: Vec<(String, String)>,
    /// Artifacts handed to it: names or paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_artifacts: Vec<String>,
    /// Artifacts taken from it: names or paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_artifacts: Vec<String>,
}

/// One item of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptItem {
    /// Shell text, verbatim; may span lines, and a construct may span items.
    Command(String),
    /// A container run in the middle of the script.
    Pipe(PipePlan),
}

/// A pipe: a ready-made container with its variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipePlan {
    /// As written: `atlassian/aws-s3-deploy:1.1.0` or `docker://image:tag`.
    pub pipe: String,
    /// The name to show in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Variables as shell text to be expanded inside double quotes; lists already flattened to `NAME_0 … NAME_COUNT`.
    pub variables: Vec<(String, String)>,
}

/// A container image and how it is pulled and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// `[registry/]name[:tag][@digest]`.
    pub name: String,
    /// Registry user, with `$VARIABLES` not yet expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Registry password, with `$VARIABLES` not yet expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The user id to run as; 0 is root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<u32>,
    /// AWS registry credentials as written: `access-key`, `secret-key`, `oidc-role`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aws: Vec<(String, String)>,
}

/// How the repository is put into the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClonePlan {
    /// False leaves the workspace empty.
    pub enabled: bool,
    /// How much history.
    pub depth: CloneDepth,
    /// Whether large files are fetched too.
    #[serde(default)]
    pub lfs: bool,
}

/// How much history a clone holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloneDepth {
    /// The newest commits, at least 1.
    Commits(u32),
    /// All history.
    Full,
}

impl Default for ClonePlan {
    /// As Bitbucket does where the file says nothing: the newest 50 commits.
    fn default() -> Self {
        Self {
            enabled: true,
            depth: CloneDepth::Commits(50),
            lfs: false,
        }
    }
}

/// When a step or stage runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionPlan {
    /// Over the changed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changesets: Option<ChangesetCondition>,
    /// An expression over variables, evaluated just before the step starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A condition over the changed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesetCondition {
    /// Run if at least one changed file matches one of these; empty means any.
    pub include_paths: Vec<String>,
    /// Skip if every changed file matches one of these.
    pub exclude_paths: Vec<String>,
}

/// What a failure of a step means for the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureStrategy {
    /// The build fails.
    #[default]
    Fail,
    /// The step is shown as failed and the build goes on.
    Ignore,
    /// The step is tried again up to `times` times, then fails the build.
    Retry {
        /// How many more attempts, 1 to 10.
        times: u32,
    },
}

/// A directory kept between builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachePlan {
    /// The cache's name.
    pub name: String,
    /// Absolute, relative to the clone directory, or beginning with `~` or `$HOME`; empty for `docker`.
    pub path: String,
    /// Globs of the files whose contents version the cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_files: Vec<String>,
}

/// A container beside the step, sharing its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// The service's name.
    pub name: String,
    /// Its image; `None` only for a Docker engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImagePlan>,
    /// Memory in MB; at least 128.
    pub memory_mb: u32,
    /// Its environment, with `$VARIABLES` not yet expanded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// True for a Docker engine.
    #[serde(default)]
    pub docker: bool,
}

/// Files kept when a step ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactPlan {
    /// The artifact's name; empty for the unnamed list form.
    #[serde(default)]
    pub name: String,
    /// Globs relative to the clone directory.
    pub paths: Vec<String>,
    /// Globs that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_paths: Vec<String>,
    /// True where later steps are given the files.
    pub shared: bool,
    /// True where the files are test reports.
    #[serde(default)]
    pub test_reports: bool,
    /// How many directories deep test reports are looked for, at least 1; `None` for the runner's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// When to keep them.
    pub capture_on: CaptureOn,
}

/// When an artifact is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureOn {
    /// Only when the step passed.
    Success,
    /// Only when it failed.
    Failed,
    /// Always.
    Always,
}
