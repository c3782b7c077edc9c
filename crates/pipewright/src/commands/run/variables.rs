//! The variables that every step is given, with values that fit a laptop (bitbucket-pipelines-yml.md §6.3).
//!
//! The same names as on the server. Where a laptop knows no value: the build's number is 0, which no build of a server
//! has; workspace and slug come from the URL of `origin` where it is one of Bitbucket, else the workspace is `local` and
//! the slug the directory's name. What cannot be known (uuids of the repository, its project, privacy, the number of a
//! pull request) is not set.

use pipewright_core::ids::{BuildId, StepId};
use pipewright_core::plan::StepPlan;
use pipewright_core::{CommitHash, RefName};
use pipewright_git::LocalRepository;
use pipewright_spec::{Trigger, Values};

use super::origin::{Origin, without_secrets};
use super::steps::Place;

/// What scripts find of this shell's environment; everything else is named in the env file.
const INHERITED: &[&str] = &[
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "TZ",
];

/// No build of a server has this number.
const BUILD_NUMBER: &str = "0";

/// The variables that are the same for all steps.
#[derive(Debug)]
pub(in crate::commands) struct Defaults {
    inherited: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    branch: Option<RefName>,
    url: Option<String>,
}

impl Defaults {
    /// Reads what the repository knows of itself.
    pub(in crate::commands) async fn of(
        repository: &LocalRepository,
        trigger: &Trigger,
        commit: &CommitHash,
        checked_out: Option<&RefName>,
    ) -> anyhow::Result<Self> {
        let url = repository.origin().await?;
        let mut variables: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
        set("CI", "true");
        set("BITBUCKET_BUILD_NUMBER", BUILD_NUMBER);
        set("BITBUCKET_COMMIT", commit.as_str());
        let branch = match trigger {
            Trigger::Branch { name } => Some(RefName::branch(name)?),
            Trigger::PullRequest { source_branch, .. } => Some(RefName::branch(source_branch)?),
            Trigger::Tag { .. } => None,
            Trigger::Custom { .. } => checked_out.cloned(),
        };
        if let Some(branch) = &branch {
            set("BITBUCKET_BRANCH", branch.short());
        }
        if let Trigger::Tag { name } = trigger {
            set("BITBUCKET_TAG", name);
        }
        if let Trigger::PullRequest {
            destination_branch, ..
        } = trigger
        {
            set("BITBUCKET_PR_DESTINATION_BRANCH", destination_branch);
            let destination = RefName::branch(destination_branch)?;
            let commit = match repository.resolve_fetched(&destination).await? {
                Some(commit) => Some(commit),
                None => repository.resolve(&destination).await?,
            };
            if let Some(commit) = commit {
                set("BITBUCKET_PR_DESTINATION_COMMIT", commit.as_str());
            }
        }
        let origin = url.as_deref().and_then(Origin::of);
        let directory = repository.top().file_name().map_or_else(
            || "repository".into(),
            |name| name.to_string_lossy().to_lowercase(),
        );
        let (workspace, slug) = origin
            .as_ref()
            .map_or(("local", directory.as_str()), |origin| {
                (&origin.workspace, &origin.slug)
            });
        set("BITBUCKET_WORKSPACE", workspace);
        set("BITBUCKET_REPO_OWNER", workspace);
        set("BITBUCKET_REPO_SLUG", slug);
        set("BITBUCKET_REPO_FULL_NAME", &format!("{workspace}/{slug}"));
        if let Some(http) = origin.as_ref().and_then(|origin| origin.http.as_ref()) {
            set("BITBUCKET_GIT_HTTP_ORIGIN", http);
        }
        if let Some(ssh) = origin.as_ref().and_then(|origin| origin.ssh.as_ref()) {
            set("BITBUCKET_GIT_SSH_ORIGIN", ssh);
        }
        set("BITBUCKET_PIPELINE_UUID", &braced(BuildId::new().as_uuid()));
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        let url = url.as_deref().and_then(without_secrets);
        Ok(Self {
            inherited,
            variables,
            branch,
            url,
        })
    }

    /// The values for templates in the pipeline file.
    pub(in crate::commands) fn as_values(&self) -> Values {
        self.variables.iter().cloned().collect()
    }

    /// The branch that the steps find checked out.
    pub(super) const fn branch(&self) -> Option<&RefName> {
        self.branch.as_ref()
    }

    /// The URL of `origin` without user secrets.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Everything that one attempt is given before the person's own variables, in order; later ones win.
    pub(super) fn for_attempt(
        &self,
        place: Place,
        step: &StepPlan,
        attempt: u32,
    ) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = self
            .inherited
            .iter()
            .chain(&self.variables)
            .cloned()
            .collect();
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        set("BITBUCKET_STEP_UUID", braced(StepId::new().as_uuid()));
        set("BITBUCKET_STEP_RUN_NUMBER", attempt.to_string());
        if let Some((index, count)) = place.parallel {
            set("BITBUCKET_PARALLEL_STEP", index.to_string());
            set("BITBUCKET_PARALLEL_STEP_COUNT", count.to_string());
        }
        if let Some(environment) = step.deployment.as_ref().or(step.environment.as_ref()) {
            set("BITBUCKET_DEPLOYMENT_ENVIRONMENT", environment.clone());
        }
        variables
    }
}

/// As Bitbucket writes its ids.
fn braced(id: impl std::fmt::Display) -> String {
    format!("{{{id}}}")
}
