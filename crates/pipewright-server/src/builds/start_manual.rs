//! **Run**: a person builds a branch or tag as it stands now, or a custom pipeline of it.
//!
//! Two steps, because only the first needs the network: [`ready_manual`] asks Bitbucket where the ref stands, and
//! [`ReadyBuild::create`] makes the build in a transaction of the caller's, who writes into it what belongs to the build.
//! [`start_manual`] is both, for a person at the form.

use std::time::Duration;

use pipewright_core::ids::{ApplicationId, BuildId, RepositoryId};
use pipewright_core::{CommitHash, RefName, Right, TriggerKind};
use pipewright_git::GitError;
use pipewright_store::builds::{self, Created, NewBuild, TriggerDetail};
use pipewright_store::{StoreError, Tx, applications};
use serde_json::json;

use crate::access::{IntegrationUnavailable, clone_credential};
use crate::app::App;
use crate::ground::{Actor, Aftermath, Denied, Failure, Kind};

/// How long is waited for Bitbucket to say where a ref stands.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a person asks for.
#[derive(Debug, Clone)]
pub(crate) struct ManualBuild {
    /// Of which application.
    pub(crate) application: ApplicationId,
    /// Which branch or tag.
    pub(crate) ref_name: RefName,
    /// The key under `pipelines.custom`; none for what a push of the ref runs.
    pub(crate) custom: Option<String>,
    /// Values for the custom pipeline's variables.
    pub(crate) variables: Vec<(String, String)>,
}

/// A build was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManualBuildError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such application, or it is another account's.
    #[error("there is no such application")]
    NotFound,
    /// The ref is not at Bitbucket.
    #[error("there is no {kind} {name} at Bitbucket; check its name", kind = .0.kind().as_str(), name = .0.short())]
    NoSuchRef(RefName),
    /// The repository holds nothing yet.
    #[error("the repository is empty; push a commit first")]
    EmptyRepository,
    /// Bitbucket did not say where the ref stands.
    #[error(transparent)]
    Git(#[from] GitError),
    /// It took too long.
    #[error("Bitbucket did not report within {} s which commit the branch is at; try again", PATIENCE.as_secs())]
    Timeout,
    /// The integration cannot be used.
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ManualBuildError {
    /// True where it may work later by itself.
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Git(error) => error.is_transient(),
            Self::Integration(error) => error.is_retryable(),
            Self::Timeout | Self::Store(_) => true,
            Self::Denied(_) | Self::NotFound | Self::NoSuchRef(_) | Self::EmptyRepository => false,
        }
    }
}

impl Failure for ManualBuildError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::NoSuchRef(_) | Self::EmptyRepository => Kind::Unusable,
            Self::Git(_) | Self::Timeout | Self::Integration(_) => Kind::NotNow,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Asks Bitbucket where a ref of a repository stands.
pub(crate) async fn tip_of(
    app: &App,
    repository: RepositoryId,
    ref_name: &RefName,
) -> Result<CommitHash, ManualBuildError> {
    let (url, credential) = clone_credential(app, repository).await?;
    let listed = tokio::time::timeout(
        PATIENCE,
        app.mirrors.git().list_remote_refs(&url, &credential),
    )
    .await
    .map_err(|_| ManualBuildError::Timeout)??;
    if listed.refs.is_empty() {
        return Err(ManualBuildError::EmptyRepository);
    }
    let found = listed.refs.into_iter().find(|(name, _)| name == ref_name);
    found
        .map(|(_, commit)| commit)
        .ok_or_else(|| ManualBuildError::NoSuchRef(ref_name.clone()))
}

/// A build that can be made: it is known which commit it is of.
#[derive(Debug)]
pub(crate) struct ReadyBuild {
    new: NewBuild,
    repository: RepositoryId,
    /// What people call the application.
    application: String,
}

/// Readies a build of the account.
pub(crate) async fn ready_manual(
    app: &App,
    actor: &Actor,
    wish: ManualBuild,
) -> Result<ReadyBuild, ManualBuildError> {
    actor.require(Right::Build)?;
    let application = applications::get(&app.db, wish.application)
        .await?
        .filter(|found| found.account == actor.account)
        .ok_or(ManualBuildError::NotFound)?;
    let commit = tip_of(app, application.repository, &wish.ref_name).await?;
    let now = app.clock.now();
    let new = NewBuild {
        id: BuildId::new(),
        account_id: actor.account,
        application_id: wish.application,
        ref_name: wish.ref_name,
        commit,
        previous: None,
        trigger: TriggerKind::Manual,
        detail: TriggerDetail {
            custom: wish.custom,
            variables: wish.variables,
            ..TriggerDetail::default()
        },
        repeatable: true,
        event: None,
        delivery_id: None,
        started_by: Some(actor.name.clone()),
        accepted_at: now,
        created_at: now,
    };
    Ok(ReadyBuild {
        new,
        repository: application.repository,
        application: application.name,
    })
}

impl ReadyBuild {
    /// Makes the build. Answers it and its number.
    pub(crate) async fn create(&self, tx: &mut Tx) -> Result<(BuildId, i64), StoreError> {
        match builds::create(tx, &self.new).await? {
            Created::New { number } => Ok((self.new.id, number)),
            Created::Existing { id, number } => Ok((id, number)),
        }
    }

    /// Wakes who waits for it; once the transaction is committed.
    pub(crate) fn announce(&self, app: &App) {
        let mut aftermath = Aftermath::default();
        aftermath.planned_for(self.repository);
        aftermath.moved(self.new.account_id, self.new.id);
        aftermath.announce(app);
    }
}

/// Starts what a person chose at the form, with its line of history. Answers the build's number.
pub(crate) async fn start_manual(
    app: &App,
    actor: &Actor,
    wish: ManualBuild,
) -> Result<i64, ManualBuildError> {
    let ready = ready_manual(app, actor, wish).await?;
    let new = &ready.new;
    let branch = if new.ref_name.is_branch() {
        new.ref_name.short()
    } else {
        new.ref_name.full()
    };
    let mut detail = json!({ "branch": branch });
    if let Some(custom) = &new.detail.custom {
        detail["pipeline"] = json!(custom);
    }
    // Values may be nobody's business: the history names the variables alone, the build's own page shows them.
    let names: Vec<&str> = new
        .detail
        .variables
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    if !names.is_empty() {
        detail["variables"] = json!(names.join(", "));
    }
    let mut tx = app.db.begin().await?;
    let (_, number) = ready.create(&mut tx).await?;
    let subject = format!("{} #{number}", ready.application);
    actor
        .record(&mut tx, "build.started", &subject, detail)
        .await?;
    tx.commit().await?;
    ready.announce(app);
    Ok(number)
}
