//! Brings a build's commit into the mirror and reads what planning needs of it.

use std::sync::Arc;

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::Checkout;
use pipewright_core::{CommitHash, RefName};
use pipewright_git::GitError;
use pipewright_spec::limits::MAX_FILE_BYTES;
use pipewright_store::StoreError;
use pipewright_store::builds::CommitText;

use crate::access::{IntegrationUnavailable, clone_credential};
use crate::app::App;
use crate::live::ReadCommit;

/// The pipeline file's place in a repository.
pub(crate) const FILE_NAME: &str = "bitbucket-pipelines.yml";

/// What is kept of a commit's message at most, in characters.
const MESSAGE_LIMIT: usize = 10_000;

/// What is kept of a name or address at most, in characters.
const NAME_LIMIT: usize = 200;

/// The commit or its file cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The repository cannot be cloned.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The integration cannot be used.
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
    /// A repository that a pipeline is imported from.
    #[error("{repository}, from which its pipeline is imported: {error}")]
    Imported {
        /// Its full name.
        repository: String,
        /// What happened.
        error: Box<Self>,
    },
    /// The branch that its pull request is to be merged into.
    #[error("the destination of its pull request, {branch}, cannot be fetched: {error}")]
    Destination {
        /// Its short name.
        branch: String,
        /// What happened.
        error: Box<Self>,
    },
    /// Something that Bitbucket named is not there, or no name.
    #[error("{0}")]
    Name(String),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is larger than is read.
    #[error(
        "{FILE_NAME} is larger than the {MAX_FILE_BYTES} bytes that are read; make it smaller, or move scripts into files of their own"
    )]
    FileTooLarge(CommitText),
}

impl FetchError {
    /// The error of the database that it is, wherever it came from: no fault of the repository, and so no try of reading it.
    pub(super) fn into_store(self) -> Result<StoreError, Self> {
        match self {
            Self::Store(error) | Self::Integration(IntegrationUnavailable::Store(error)) => {
                Ok(error)
            }
            Self::Imported { repository, error } => {
                error.into_store().map_err(|error| Self::Imported {
                    repository,
                    error: Box::new(error),
                })
            }
            Self::Destination { branch, error } => {
                error.into_store().map_err(|error| Self::Destination {
                    branch,
                    error: Box::new(error),
                })
            }
            other => Err(other),
        }
    }

    /// True where this machine is at fault.
    pub(super) fn is_of_machine(&self) -> bool {
        match self {
            Self::Git(error) => error.is_of_machine(),
            Self::Imported { error, .. } | Self::Destination { error, .. } => error.is_of_machine(),
            Self::Integration(_) | Self::Store(_) | Self::FileTooLarge(_) | Self::Name(_) => false,
        }
    }

    /// True where it may work later by itself.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Git(error) => error.is_transient(),
            Self::Integration(error) => error.is_retryable(),
            Self::Imported { error, .. } | Self::Destination { error, .. } => error.is_retryable(),
            Self::Store(_) => true,
            Self::FileTooLarge(_) | Self::Name(_) => false,
        }
    }
}

/// Reads the pipeline file and what the commit says of itself. Needs no network where the mirror has the commit.
pub(super) async fn fetch(
    app: &App,
    repository: RepositoryId,
    ref_name: &RefName,
    commit: &CommitHash,
) -> Result<Arc<ReadCommit>, FetchError> {
    if let Some(read) = app.live().files.get(repository, commit) {
        return Ok(read);
    }
    let (url, credential) = clone_credential(app, repository).await?;
    let checkout = Checkout {
        repository,
        url,
        credential,
        ref_name: ref_name.clone(),
        commit: commit.clone(),
        merge: None,
    };
    let ensured = app.mirrors.ensure(&checkout).await?;
    let fetch_micros = u64::try_from(ensured.elapsed.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(%repository, commit = commit.short(), fetched = ensured.fetched, fetch_micros, "a commit to plan is in the mirror");
    let (info, file) = tokio::join!(
        app.mirrors.commit_info(repository, commit),
        app.mirrors
            .show_file(repository, commit, FILE_NAME, MAX_FILE_BYTES)
    );
    let info = info?;
    let cut = |text: String, limit| {
        if text.chars().nth(limit).is_some() {
            text.chars().take(limit).collect()
        } else {
            text
        }
    };
    let text = CommitText {
        message: cut(without_nul(info.message), MESSAGE_LIMIT),
        author: cut(without_nul(info.author_name), NAME_LIMIT),
        email: cut(without_nul(info.author_email), NAME_LIMIT),
        committed_at: info.committed_at,
    };
    let file = match file {
        Err(GitError::TooLarge { .. }) => return Err(FetchError::FileTooLarge(text)),
        other => other?,
    };
    let read = Arc::new(ReadCommit {
        file,
        text,
        parents: info.parents,
    });
    app.live().files.keep(repository, commit, &read);
    Ok(read)
}

/// PostgreSQL keeps no NUL in text.
fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::access::IntegrationUnavailable;
    use pipewright_store::StoreError;

    use super::FetchError;

    #[test]
    fn the_database_is_told_from_the_repository_wherever_it_failed() {
        let failed = || StoreError::Missing {
            table: "variables",
            key: String::new(),
        };
        let imported = |error| FetchError::Imported {
            repository: "FIN/tools".to_owned(),
            error: Box::new(error),
        };
        for error in [
            failed().into(),
            FetchError::from(IntegrationUnavailable::Store(failed())),
            imported(failed().into()),
        ] {
            assert!(error.into_store().is_ok());
        }
        let away = IntegrationUnavailable::Later("Bitbucket is away".to_owned());
        let kept = imported(away.into())
            .into_store()
            .expect_err("no matter of the database");
        assert!(
            kept.is_retryable() && kept.to_string().contains("FIN/tools"),
            "{kept}"
        );
    }
}
