//! The variables of a step, in one place: the names that bitbucket-pipelines.yml promises, and what people set over them.
//!
//! The executor adds those that only it knows (`BITBUCKET_CLONE_DIR`, `BUILD_DIR`, `BITBUCKET_EXIT_CODE`). Values come
//! from other people's pushes; they are handed over as environment variables and never become shell text (trap T20).

use pipewright_core::plan::{GroupKind, Plan};
use pipewright_core::{CommitHash, RefName, TriggerKind};
use pipewright_store::attempts::Claimed;
use pipewright_store::builds::{RunContext, TriggerDetail};
use pipewright_store::repositories::Repository;

/// The variables of one attempt, in order; later ones win. `given` are those that people set, for this step.
pub(super) fn attempt_variables(
    context: &RunContext,
    repository: &Repository,
    plan: &Plan,
    claimed: &Claimed,
    given: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let own = [
        (
            "BITBUCKET_STEP_UUID",
            format!("{{{}}}", claimed.step_id.as_uuid()),
        ),
        ("BITBUCKET_STEP_RUN_NUMBER", claimed.number.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    own.into_iter()
        .chain(known_variables(
            context,
            repository,
            plan,
            claimed.position,
            given,
        ))
        .collect()
}

/// What is known of a step's variables before an attempt of it is made, which is what its conditions are held against: the
/// same for every attempt, in order; later ones win.
pub(super) fn known_variables(
    context: &RunContext,
    repository: &Repository,
    plan: &Plan,
    position: usize,
    given: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let RunContext {
        number,
        commit,
        ref_name,
        trigger,
        detail,
        ..
    } = context;
    let mut variables = change_variables(
        &Change {
            number: *number,
            commit,
            ref_name,
            trigger: *trigger,
            detail,
        },
        repository,
    );
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    if let Some(url) = &repository.http_url {
        set(
            "BITBUCKET_GIT_HTTP_ORIGIN",
            url.trim_end_matches(".git").to_owned(),
        );
    }
    if let Some(url) = &repository.ssh_url {
        set("BITBUCKET_GIT_SSH_ORIGIN", url.clone());
    }
    set(
        "BITBUCKET_PIPELINE_UUID",
        format!("{{{}}}", context.id.as_uuid()),
    );
    if let Some((index, count)) = parallel(plan, position) {
        set("BITBUCKET_PARALLEL_STEP", index.to_string());
        set("BITBUCKET_PARALLEL_STEP_COUNT", count.to_string());
    }
    if let Some(environment) = environment_of(plan, position) {
        set("BITBUCKET_DEPLOYMENT_ENVIRONMENT", environment.to_owned());
    }
    variables.extend(given);
    // What a person gave this run wins over what is set for all (bitbucket-pipelines-yml.md §6.1).
    variables.extend(plan.variables.iter().cloned());
    variables
}

/// What a build is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) number: i64,
    pub(crate) commit: &'a CommitHash,
    pub(crate) ref_name: &'a RefName,
    pub(crate) trigger: TriggerKind,
    pub(crate) detail: &'a TriggerDetail,
}

/// What is known before there is a plan: the variables of the change and of its repository, which rules may ask for too.
pub(crate) fn change_variables(
    change: &Change<'_>,
    repository: &Repository,
) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::with_capacity(32);
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    set("CI", "true".to_owned());
    set("BITBUCKET_BUILD_NUMBER", change.number.to_string());
    set("BITBUCKET_COMMIT", change.commit.to_string());
    if change.ref_name.is_branch() {
        set("BITBUCKET_BRANCH", change.ref_name.short().to_owned());
    } else {
        set("BITBUCKET_TAG", change.ref_name.short().to_owned());
    }
    if let (TriggerKind::PullRequest, Some(request)) = (change.trigger, &change.detail.pull_request)
    {
        set("BITBUCKET_PR_ID", request.id.to_string());
        set(
            "BITBUCKET_PR_DESTINATION_BRANCH",
            request.destination.clone(),
        );
        // What was said, which Cloud shortens, as long as it is what is merged.
        let said = request.destination_commit.clone();
        let commit = match &request.merged {
            None => said,
            Some(merged) => said
                .filter(|said| merged.as_str().starts_with(said.as_str()))
                .or_else(|| Some(merged.to_string())),
        };
        if let Some(commit) = commit {
            set("BITBUCKET_PR_DESTINATION_COMMIT", commit);
        }
    }
    set("BITBUCKET_WORKSPACE", repository.owner.clone());
    set("BITBUCKET_REPO_OWNER", repository.owner.clone());
    set("BITBUCKET_REPO_SLUG", repository.slug.clone());
    set("BITBUCKET_REPO_UUID", repository.remote_id.clone());
    set(
        "BITBUCKET_REPO_FULL_NAME",
        format!("{}/{}", repository.owner, repository.slug),
    );
    set(
        "BITBUCKET_REPO_IS_PRIVATE",
        repository.is_private.to_string(),
    );
    // Left out where it is not known: the workspace's name would be another thing.
    if let Some(key) = &repository.project_key {
        set("BITBUCKET_PROJECT_KEY", key.clone());
    }
    variables
}

/// The environment whose variables a step is given.
pub(super) fn environment_of(plan: &Plan, position: usize) -> Option<&str> {
    plan.step(position)
        .and_then(|step| step.deployment.as_deref().or(step.environment.as_deref()))
}

/// A step's place in its parallel group, from 0, and how many there are.
fn parallel(plan: &Plan, position: usize) -> Option<(usize, usize)> {
    let mut first = 0;
    for group in &plan.groups {
        let end = first + group.steps.len();
        if (first..end).contains(&position) {
            return matches!(group.kind, GroupKind::Parallel { .. })
                .then_some((position - first, group.steps.len()));
        }
        first = end;
    }
    None
}
