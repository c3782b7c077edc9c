//! One attempt, as handed to a runner.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::git::{CommitHash, RefName};
use crate::ids::{ApplicationId, AttemptId, BuildId, RepositoryId, StepId};
use crate::plan::StepPlan;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::wire::GivenArtifact;

/// Everything a runner needs for one attempt. Credentials in it are minted when the attempt is claimed.
#[derive(Clone)]
pub struct Assignment {
    /// The attempt.
    pub attempt: AttemptId,
    /// Proof that this runner holds the attempt; every later word about it carries this. A newer claim has another.
    pub lease: Uuid,
    /// Its step.
    pub step: StepId,
    /// Its build.
    pub build: BuildId,
    /// Its application; caches and workspaces are kept apart by it.
    pub application: ApplicationId,
    /// The application's name, for the log's first lines.
    pub application_name: String,
    /// The build's number in its application, from 1.
    pub build_number: i64,
    /// The number of this execution of the step, from 1.
    pub attempt_number: u32,
    /// When the push was accepted, to tell how long it took to get here.
    pub accepted_at: Timestamp,
    /// What to run.
    pub plan: StepPlan,
    /// What to put into the workspace; `None` leaves it empty.
    pub checkout: Option<Checkout>,
    /// The environment, in order; later ones win. Names are valid shell names.
    pub environment: Vec<(String, String)>,
    /// Variables that earlier steps of the build left, in plan order, each name once. They win over `environment`, and the
    /// log shows them.
    pub output_variables: Vec<(String, String)>,
    /// What earlier steps left and this one is given, in plan order: later ones win.
    pub artifacts: Vec<GivenArtifact>,
    /// What the step signs in to other hosts with over SSH.
    pub ssh: StepSsh,
    /// Values that must not appear in the log.
    pub masked: Vec<Secret>,
    /// Limit on the script's running time.
    pub max_time: Duration,
}

impl fmt::Debug for Assignment {
    /// Names what it is for, and not what is in it: the environment holds secured values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment")
            .field("attempt", &self.attempt)
            .field("build", &self.build)
            .field("application_name", &self.application_name)
            .field("build_number", &self.build_number)
            .field("attempt_number", &self.attempt_number)
            .finish_non_exhaustive()
    }
}

/// Which commit of which repository.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Names the mirror directory that is shared by builds of this repository.
    pub repository: RepositoryId,
    /// `ssh://git@host:port/path.git` or `https://host/path.git`, without user secrets.
    pub url: String,
    /// How git authenticates.
    pub credential: CloneCredential,
    /// The ref that was pushed; fetched by name, because old servers do not give commits by id.
    pub ref_name: RefName,
    /// The exact commit to check out.
    pub commit: CommitHash,
    /// What is merged into it in the workspace, for a pull request.
    pub merge: Option<Merge>,
}

/// The destination of a pull request, which is merged into its source before a script sees it: what is tested is what will
/// be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The branch; fetched by name.
    pub ref_name: RefName,
    /// The exact commit of it.
    pub commit: CommitHash,
}

/// What people set for an application so that its steps reach other hosts over SSH. It has nothing to do with how the
/// repository is cloned: that credential stays with the runner.
#[derive(Debug, Clone, Default)]
pub struct StepSsh {
    /// A private key in OpenSSH form, without a passphrase; written to a file that only the step reads, never into its
    /// environment.
    pub private_key: Option<Secret>,
    /// `known_hosts` lines; may be empty.
    pub known_hosts: String,
}

/// How git authenticates to Bitbucket.
#[derive(Debug, Clone)]
pub enum CloneCredential {
    /// No authentication.
    None,
    /// An SSH private key in OpenSSH form.
    Ssh {
        /// The private key.
        private_key: Secret,
        /// `known_hosts` lines that the host must match; a host that does not match is refused.
        known_hosts: String,
    },
    /// An `Authorization` header for the URL's host.
    Header {
        /// The whole value: `Bearer …` or `Basic …`.
        value: Secret,
    },
}
