//! What conditions are held against, and the names of locks made from, on this machine: the rules of the server, with what a checkout knows.
//!
//! Where the server knows where a ref stood before a push, a checkout knows where it stood when `origin` was last fetched:
//! what differs is what a push would send.

use std::path::{Path, PathBuf};

use pipewright_core::build::Verdict;
use pipewright_core::plan::{ConditionPlan, Locks};
use pipewright_core::{CommitHash, RefName};
use pipewright_git::{Compared, GitError, LocalRepository, with_more};
use pipewright_spec::Trigger;
use pipewright_spec::plan::{Facts, judge};

use super::attempt::Means;
use super::steps::Chosen;

/// The files that changed, committed ones only; `None` where that cannot be told.
pub(in crate::commands) async fn changed_files(
    repository: &LocalRepository,
    trigger: &Trigger,
    commit: &CommitHash,
) -> Option<Vec<String>> {
    let compared = compared(repository, trigger).await.ok()??;
    repository.changed_files(commit, &compared).await
}

/// As [`changed_files`], with what is not committed beside it but for the env file. `home` is where the person's
/// configuration is.
pub(super) async fn changed_files_and_work_tree(
    repository: &LocalRepository,
    trigger: &Trigger,
    commit: &CommitHash,
    home: Option<&Path>,
    env_file: Option<&Path>,
) -> Option<Vec<String>> {
    let committed = changed_files(repository, trigger, commit).await;
    let changes: Vec<PathBuf> = repository.all_changes(home).await.ok()?;
    let changes = changes
        .into_iter()
        .filter(|path| Some(path.as_path()) != env_file);
    with_more(
        committed,
        changes.map(|path| path.to_string_lossy().into_owned()),
    )
}

async fn compared(
    repository: &LocalRepository,
    trigger: &Trigger,
) -> Result<Option<Compared>, GitError> {
    let branch = |name: &str| RefName::branch(name).ok();
    Ok(match trigger {
        Trigger::Branch { name } => {
            let Some(branch) = branch(name) else {
                return Ok(None);
            };
            Some(
                repository
                    .resolve_fetched(&branch)
                    .await?
                    .map_or(Compared::LastCommit, Compared::Since),
            )
        }
        Trigger::PullRequest {
            destination_branch, ..
        } => {
            let Some(branch) = branch(destination_branch) else {
                return Ok(None);
            };
            let fetched = repository.resolve_fetched(&branch).await?;
            let there = if fetched.is_some() {
                fetched
            } else {
                repository.resolve(&branch).await?
            };
            there.map(Compared::Destination)
        }
        Trigger::Tag { .. } | Trigger::Custom { .. } => Some(Compared::LastCommit),
    })
}

/// Whether the chosen step of this position runs by this condition. `outputs` is what steps before it handed on.
pub(super) fn verdict(
    means: &Means,
    chosen: &Chosen,
    outputs: Vec<(String, String)>,
    condition: &ConditionPlan,
    position: usize,
) -> Verdict {
    let variables = known_variables(means, chosen, outputs, position);
    judge(
        condition,
        &Facts {
            changed: means.changed.as_deref(),
            value_of: &|name| value_of(&variables, name),
        },
    )
}

/// What the chosen step of this position must have to begin.
pub(super) fn locks(
    means: &Means,
    chosen: &Chosen,
    outputs: Vec<(String, String)>,
    position: usize,
) -> Locks {
    let variables = known_variables(means, chosen, outputs, position);
    chosen
        .plan
        .locks_of(position, &|name| value_of(&variables, name))
}

/// Of several of one name the last one counts.
fn value_of(variables: &[(String, String)], name: &str) -> Option<String> {
    variables
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.clone())
}

/// What is known of a step's variables before an attempt of it is made, in order; later ones win.
fn known_variables(
    means: &Means,
    chosen: &Chosen,
    outputs: Vec<(String, String)>,
    position: usize,
) -> Vec<(String, String)> {
    let step = chosen.places.get(position).zip(chosen.plan.step(position));
    let defaults = step
        .map(|(place, step)| means.defaults.for_attempt(*place, step, 1))
        .unwrap_or_default();
    defaults
        .into_iter()
        .chain(means.env_file.variables())
        .chain(chosen.plan.variables.iter().cloned())
        .chain(outputs)
        .collect()
}
