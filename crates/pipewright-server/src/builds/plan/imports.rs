//! The file that a build's pipeline imports from: of the same repository at the build's commit, or of another repository of
//! the same account, through the same integration and its mirror.

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::Checkout;
use pipewright_core::{CommitHash, RefName};
use pipewright_git::GitError;
use pipewright_spec::limits::MAX_FILE_BYTES;
use pipewright_spec::{Import, NeededImport};
use pipewright_store::builds::ToPlan;
use pipewright_store::repositories::{self, Repository};

use super::fetch::FetchError;
use crate::access::clone_credential;
use crate::app::App;

/// What was found.
#[derive(Debug)]
pub(super) enum Brought {
    /// The file, and the commit of the other repository that it was read at.
    File(Vec<u8>, Option<CommitHash>),
    /// It is not to be had: why, and what to do.
    Refused(String, &'static str),
}

/// Reads the file that a pipeline is imported from. An error may pass; what a person must mend is [`Brought::Refused`].
pub(super) async fn bring(
    app: &App,
    build: &ToPlan,
    needed: &NeededImport,
) -> Result<Brought, FetchError> {
    match &needed.source {
        Import::File { path } => {
            // The pipeline file itself may have come from memory; the mirror is asked here.
            ensure(app, build.repository_id, &build.ref_name, &build.commit).await?;
            let help = "correct the path below `definitions.imports`, or commit the file";
            Ok(
                match show(app, build.repository_id, &build.commit, path).await? {
                    Shown::File(file) => Brought::File(file, None),
                    Shown::Missing => {
                        Brought::Refused("there is no such file at this commit".to_owned(), help)
                    }
                    Shown::TooLarge => too_large(),
                },
            )
        }
        Import::Repository {
            repository,
            reference,
            ..
        } => {
            let visible =
                repositories::beside(&app.db, build.account_id, build.repository_id, repository)
                    .await?;
            let own =
                repositories::of_account(&app.db, build.account_id, build.repository_id).await?;
            let owner = own.map(|own| own.owner).unwrap_or_default();
            let other = match choose(&visible, &owner, repository) {
                Ok(other) => other,
                Err(refused) => return Ok(refused),
            };
            match from_repository(app, other, reference, needed.source.path()).await {
                // Somebody must do something first; trying again would only say the same later.
                Err(error) if !error.is_retryable() => Ok(Brought::Refused(
                    format!("{} cannot be read: {error}", other.full_name),
                    "",
                )),
                Err(error) => Err(FetchError::Imported {
                    repository: other.full_name.clone(),
                    error: Box::new(error),
                }),
                found => found,
            }
        }
    }
}

/// The one that is meant: by its slug one of the same workspace or project, by its unchanging id any. What is imported runs
/// with this application's secured variables, so a name never reaches another workspace, where anybody may have taken it.
fn choose<'r>(
    visible: &'r [Repository],
    owner: &str,
    name: &str,
) -> Result<&'r Repository, Brought> {
    let own = visible.iter().find(|repository| repository.owner == owner);
    if let Some(found) = own.or_else(|| {
        visible
            .iter()
            .find(|repository| repository.remote_id == name)
    }) {
        return Ok(found);
    }
    if visible.is_empty() {
        return Err(Brought::Refused(
            format!("the connection of this repository sees no repository {name:?}"),
            "correct its name below `import`, or give the connected account access to it",
        ));
    }
    let names: Vec<&str> = visible
        .iter()
        .map(|repository| repository.full_name.as_str())
        .collect();
    Err(Brought::Refused(
        format!(
            "{owner} has no repository {name:?} that the connection sees, and those of other owners are not found by it: {}",
            names.join(", ")
        ),
        "name it by its UUID (at Data Center, the number that is its id) where one of these is meant",
    ))
}

async fn from_repository(
    app: &App,
    other: &Repository,
    reference: &str,
    path: &str,
) -> Result<Brought, FetchError> {
    let (url, credential) = clone_credential(app, other.id).await?;
    let remote = app
        .mirrors
        .git()
        .list_remote_refs(&url, &credential)
        .await?;
    // A branch before a tag of the same name.
    let wanted = [RefName::branch(reference), RefName::tag(reference)];
    let found = wanted
        .iter()
        .flatten()
        .find_map(|name| remote.refs.iter().find(|(known, _)| known == name));
    let Some((ref_name, commit)) = found else {
        return Ok(Brought::Refused(
            format!("{} has no branch or tag {reference:?}", other.full_name),
            "correct its name",
        ));
    };
    let checkout = Checkout {
        repository: other.id,
        url,
        credential,
        ref_name: ref_name.clone(),
        commit: commit.clone(),
        merge: None,
    };
    app.mirrors.ensure(&checkout).await?;
    Ok(match show(app, other.id, commit, path).await? {
        Shown::File(file) => Brought::File(file, Some(commit.clone())),
        Shown::Missing => Brought::Refused(
            format!(
                "{} has no file {path:?} at {reference} ({})",
                other.full_name,
                commit.short()
            ),
            "correct the path, or name another branch or tag",
        ),
        Shown::TooLarge => too_large(),
    })
}

async fn ensure(
    app: &App,
    repository: RepositoryId,
    ref_name: &RefName,
    commit: &CommitHash,
) -> Result<(), FetchError> {
    let (url, credential) = clone_credential(app, repository).await?;
    let checkout = Checkout {
        repository,
        url,
        credential,
        ref_name: ref_name.clone(),
        commit: commit.clone(),
        merge: None,
    };
    app.mirrors.ensure(&checkout).await?;
    Ok(())
}

enum Shown {
    File(Vec<u8>),
    Missing,
    TooLarge,
}

async fn show(
    app: &App,
    repository: RepositoryId,
    commit: &CommitHash,
    path: &str,
) -> Result<Shown, FetchError> {
    match app
        .mirrors
        .show_file(repository, commit, path, MAX_FILE_BYTES)
        .await
    {
        Ok(Some(file)) => Ok(Shown::File(file)),
        Ok(None) => Ok(Shown::Missing),
        Err(GitError::TooLarge { .. }) => Ok(Shown::TooLarge),
        Err(error) => Err(error.into()),
    }
}

fn too_large() -> Brought {
    Brought::Refused(
        format!("it is larger than the {MAX_FILE_BYTES} bytes that are read"),
        "make it smaller",
    )
}
