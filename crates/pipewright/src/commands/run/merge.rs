//! What is merged into the commit that runs, for a pull request: its destination, as a checkout knows it.

use pipewright_core::RefName;
use pipewright_core::wire::Merge;
use pipewright_git::{GitError, LocalRepository};
use pipewright_spec::Trigger;

use crate::commands::shown::shown;

/// The destination of a pull request as it was last fetched from `origin`, else as it is here; with what to say of it. Nothing
/// is merged into a work tree that is taken as it is.
pub(super) async fn of(
    repository: &LocalRepository,
    trigger: &Trigger,
    is_dirty: bool,
) -> Result<(Option<Merge>, Option<String>), GitError> {
    let Trigger::PullRequest {
        destination_branch, ..
    } = trigger
    else {
        return Ok((None, None));
    };
    let name = shown(destination_branch, 80);
    if is_dirty {
        let notice = format!(
            "{name} is not merged into the work tree as it is; without --dirty it is, as at Bitbucket\n"
        );
        return Ok((None, Some(notice)));
    }
    let found = match RefName::branch(destination_branch) {
        Err(_) => None,
        Ok(branch) => {
            let fetched = repository.resolve_fetched(&branch).await?;
            let here = match fetched {
                Some(commit) => Some(commit),
                None => repository.resolve(&branch).await?,
            };
            here.map(|commit| Merge {
                ref_name: branch,
                commit,
            })
        }
    };
    Ok(if let Some(merge) = found {
        let notice = format!("{name} at {} is merged into it\n", merge.commit.short());
        (Some(merge), Some(notice))
    } else {
        let notice = format!(
            "There is no branch {name} here, so nothing is merged into the files, as Bitbucket would; fetch it first\n"
        );
        (None, Some(notice))
    })
}
