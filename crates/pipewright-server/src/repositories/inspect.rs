//! Looking into a repository in the background: its branches and tags, and what its pipeline file says.

use std::time::Duration;

use pipewright_bitbucket::remote::{Permission, RefList};
use pipewright_bitbucket::{ApiError, Bitbucket, RepositoryAddress};
use pipewright_core::CommitHash;
use pipewright_core::ids::RepositoryId;
use pipewright_spec::diagnostic::Code;
use pipewright_spec::{Capabilities, Diagnostic, PipelineFile};
use pipewright_store::repositories::Repository;
use pipewright_store::{StoreError, inspections, repositories};
use serde::{Deserialize, Serialize};

use super::list::seen;
use crate::access::{IntegrationUnavailable, bitbucket_for, note_revoked};
use crate::app::App;
use crate::ground::address_of;

/// The file that says what is built.
const PIPELINE_FILE: &str = "bitbucket-pipelines.yml";

/// The longest pipeline file that is read, in bytes.
const FILE_LIMIT: usize = 1024 * 1024;

/// The longest pipeline file that is kept with the findings, in bytes.
const KEPT_LIMIT: usize = 64 * 1024;

/// The most branches, and the most tags, that are kept.
const MOST_REFS: usize = 2_000;

/// How long an inspection may take; one that takes longer died with its process.
const LIMIT: Duration = Duration::from_mins(5);

/// What was found in a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// The default branch's short name; none in an empty repository.
    pub(crate) default_branch: Option<String>,
    /// Branches, at most [`MOST_REFS`], the default one first.
    pub(crate) branches: Vec<BranchFound>,
    /// Tags, as many.
    pub(crate) tags: Vec<BranchFound>,
    /// How many branches there are in all.
    pub(crate) branch_count: usize,
    /// What the pipeline file on the default branch says.
    pub(crate) file: FilePart,
    /// That file itself, where it is not long; none in findings of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<KeptFile>,
}

/// The pipeline file of the default branch, kept so that forms can be drawn without asking Bitbucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptFile {
    /// The commit that it was read at.
    pub(crate) commit: CommitHash,
    /// Its text.
    pub(crate) text: String,
}

impl Findings {
    /// True where no branch and no tag was left out.
    pub(crate) fn names_every_ref(&self) -> bool {
        self.branches.len() == self.branch_count && self.tags.len() < MOST_REFS
    }
}

/// A branch or tag and where it points.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BranchFound {
    /// Its short name.
    pub(crate) name: String,
    /// The commit.
    pub(crate) commit: CommitHash,
}

/// What the pipeline file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum FilePart {
    /// Nothing was ever pushed.
    EmptyRepository,
    /// The default branch has no such file.
    Missing,
    /// It is longer than the limit.
    TooLong,
    /// It was read.
    Read {
        /// What starts a build, in the order of the file.
        starts: Vec<Start>,
        /// What is wrong with it, in the order of the file.
        problems: Vec<Problem>,
        /// True where it cannot be run at all.
        invalid: bool,
        /// What the executor here does without, so that its results are to be read with it: a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        qualification: Option<String>,
    },
}

/// One pipeline of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The key under `pipelines`.
    pub(crate) section: String,
    /// The name or pattern; empty for `default`.
    pub(crate) name: String,
    /// How many steps it has.
    pub(crate) steps: usize,
}

/// One problem of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// "error", "warning", …
    pub(crate) severity: String,
    /// True where nothing can be built before it is mended.
    pub(crate) fatal: bool,
    /// From 1.
    pub(crate) line: u32,
    /// From 1.
    pub(crate) column: u32,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

/// Looks into what is due.
pub(crate) async fn inspect_due(app: &App) -> Result<(), StoreError> {
    let due = inspections::due(&app.db, app.clock.now() - LIMIT).await?;
    for result in
        futures_util::future::join_all(due.into_iter().map(|repository| inspect(app, repository)))
            .await
    {
        result?;
    }
    Ok(())
}

/// Looks into one repository, unless that is under way.
async fn inspect(app: &App, id: RepositoryId) -> Result<(), StoreError> {
    let started_at = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mine = inspections::begin(&mut tx, id, started_at, LIMIT).await?;
    tx.commit().await?;
    let Some(repository) = repositories::get(&app.db, id).await?.filter(|_| mine) else {
        return Ok(());
    };
    let outcome = look(app, &repository).await;
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(findings) => {
            repositories::set_default_branch(&mut tx, id, findings.default_branch.as_deref())
                .await?;
            inspections::finish(&mut tx, id, started_at, &findings, app.clock.now()).await?;
        }
        Err(error) => {
            tracing::info!(repository = repository.full_name, error = %error, "a repository could not be looked into");
            inspections::fail(&mut tx, id, started_at, &error.to_string()).await?;
        }
    }
    tx.commit().await
}

/// Asks Bitbucket.
async fn look(app: &App, repository: &Repository) -> Result<Findings, IntegrationUnavailable> {
    let bitbucket = bitbucket_for(app, repository.integration).await?;
    let address = address_of(repository);
    match ask(app, &bitbucket, repository, &address).await {
        Ok(findings) => Ok(findings),
        Err(error) => {
            if error.is_unauthorized() {
                note_revoked(app, repository.integration).await?;
            }
            Err(IntegrationUnavailable::Later(error.to_string()))
        }
    }
}

async fn ask(
    app: &App,
    bitbucket: &Bitbucket,
    repository: &Repository,
    address: &RepositoryAddress,
) -> Result<Findings, ApiError> {
    // The repository itself says what the list did not: names that changed, and what we may do there.
    let (fresh, branches, tags) = tokio::try_join!(
        bitbucket.repository(address),
        bitbucket.branches(address),
        bitbucket.tags(address)
    )?;
    if let Err(error) = refresh(app, repository, &fresh).await {
        tracing::warn!(repository = repository.full_name, error = %error, "what a repository says of itself could not be kept");
    }
    let default = fresh.default_branch.as_ref();
    let head = default.and_then(|name| branches.refs.iter().find(|branch| branch.name == *name));
    let mut kept = None;
    let file = match head {
        None => FilePart::EmptyRepository,
        Some(head) => match bitbucket
            .file_at(address, &head.commit, PIPELINE_FILE, FILE_LIMIT)
            .await
        {
            Ok(Some(text)) => {
                kept = keep(&head.commit, &text);
                read(&text, &app.config.capabilities())
            }
            Ok(None) => FilePart::Missing,
            Err(ApiError::TooLarge { .. }) => FilePart::TooLong,
            Err(error) => return Err(error),
        },
    };
    let branch_count = branches.refs.len();
    let mut branches = found(branches);
    branches.sort_by_key(|branch| default.is_none_or(|default| default.short() != branch.name));
    branches.truncate(MOST_REFS);
    let mut tags = found(tags);
    tags.truncate(MOST_REFS);
    Ok(Findings {
        default_branch: default.map(|name| name.short().to_owned()),
        branches,
        tags,
        branch_count,
        file,
        kept,
    })
}

/// What is kept of the file; nothing of one that is long, is no text, or holds what a database does not take.
fn keep(commit: &CommitHash, text: &[u8]) -> Option<KeptFile> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() <= KEPT_LIMIT && !text.contains('\0'))?;
    Some(KeptFile {
        commit: commit.clone(),
        text: text.to_owned(),
    })
}

fn found(list: RefList) -> Vec<BranchFound> {
    list.refs
        .into_iter()
        .map(|one| BranchFound {
            name: one.name.short().to_owned(),
            commit: one.commit,
        })
        .collect()
}

/// Keeps what the repository says of itself now.
async fn refresh(
    app: &App,
    repository: &Repository,
    fresh: &pipewright_bitbucket::RemoteRepository,
) -> Result<(), StoreError> {
    let mut tx = app.db.begin().await?;
    let now = app.clock.now();
    repositories::remember(
        &mut tx,
        repository.account,
        repository.integration,
        &seen(fresh, repository),
        now,
    )
    .await?;
    if let Some(permission) = fresh.permission {
        repositories::set_can_administer(&mut tx, repository.id, permission == Permission::Admin)
            .await?;
    }
    tx.commit().await
}

/// What the file says, checked, and what an executor will not do of it.
fn read(text: &[u8], capabilities: &Capabilities) -> FilePart {
    let parsed = pipewright_spec::parse(PIPELINE_FILE, text);
    let file = parsed.pipeline_file.as_ref();
    let starts = file.map(PipelineFile::start_conditions).unwrap_or_default();
    let lacking = file
        .filter(|file| !file.is_invalid())
        .map(|file| file.not_done_by(capabilities))
        .unwrap_or_default();
    let problems: Vec<Problem> = parsed
        .diagnostics
        .iter()
        .chain(&lacking)
        .map(|diagnostic| Problem {
            severity: diagnostic.severity.as_str().to_owned(),
            fatal: diagnostic.is_fatal(),
            line: diagnostic.primary.line,
            column: diagnostic.primary.column,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        })
        .collect();
    let invalid = file.is_none() || problems.iter().any(|problem| problem.fatal);
    let starts = starts
        .into_iter()
        .map(|start| Start {
            section: start.section.as_str().to_owned(),
            name: start.name,
            steps: start.steps,
        })
        .collect();
    FilePart::Read {
        starts,
        problems,
        invalid,
        qualification: qualification(&lacking),
    }
}

/// What must be said beside "can be run"; none where steps are given all that the file declares.
fn qualification(lacking: &[Diagnostic]) -> Option<String> {
    let has = |code: Code| lacking.iter().any(|problem| problem.code == code.as_str());
    let image = has(Code::NotMet).then_some(
        "the images that it declares are not used, so scripts find the tools of the runner's machine",
    );
    let unsupported = has(Code::NotSupported)
        .then_some("some of its steps need what is not supported here yet and are refused");
    let parts: Vec<&str> = image.into_iter().chain(unsupported).collect();
    (!parts.is_empty()).then(|| format!("But {}.", parts.join(", and ")))
}

#[cfg(test)]
mod tests {
    use pipewright_spec::Capabilities;

    use super::{FilePart, read};

    #[test]
    fn what_is_not_used_here_is_said_beside_what_can_be_run() {
        let text = "image: php:8\npipelines:\n  default:\n    - step: {script: [make], caches: [docker]}\n  custom:\n    x:\n      - step: {script: [{pipe: a/b:1}]}\n";
        let FilePart::Read {
            problems,
            invalid,
            qualification,
            ..
        } = read(text.as_bytes(), &Capabilities::host())
        else {
            panic!("it is read")
        };
        assert!(!invalid);
        let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 4, 7], "image, cache, pipe");
        let said = qualification.expect("its results are to be read with that");
        assert!(
            said.contains("images") && said.contains("refused"),
            "{said}"
        );
        let plain = "pipelines:\n  default:\n    - step: {script: [make]}\n";
        assert!(matches!(
            read(plain.as_bytes(), &Capabilities::host()),
            FilePart::Read { qualification: None, problems, .. } if problems.is_empty()
        ));
    }
}
