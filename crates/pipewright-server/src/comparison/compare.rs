//! One application: list what is there, store what differs.

use pipewright_core::ids::{ApplicationId, DeliveryId};
use pipewright_core::{CommitHash, RefName};
use pipewright_git::GitError;
use pipewright_store::deliveries::{NewDelivery, Origin};
use pipewright_store::refs::{self, ToCompare};
use pipewright_store::{StoreError, deliveries, ref_moves};

use crate::access::{IntegrationUnavailable, clone_credential};
use crate::app::App;
use crate::deliveries::{COMPARED, Differences, differences};

/// Changes in one delivery at most, so that its transaction stays short.
const CHANGES: usize = 200;

/// Refs noted in one transaction at most.
const NOTED: usize = 1000;

/// Refs were not compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    /// The remote's refs cannot be listed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The integration cannot be used.
    #[error(transparent)]
    Integration(#[from] IntegrationUnavailable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares an application's refs now; nothing happens where it is gone. Why it failed is noted at the application.
pub(crate) async fn compare_one(app: &App, application: ApplicationId) -> Result<(), CompareError> {
    match refs::one(&app.db, application).await? {
        Some(to_compare) => compare(app, &to_compare).await.map(drop),
        None => Ok(()),
    }
}

/// Compares an application's refs. Answers how many differ.
pub(super) async fn compare(app: &App, of: &ToCompare) -> Result<usize, CompareError> {
    match list_and_store(app, of).await {
        Err(error @ (CompareError::Git(_) | CompareError::Integration(_))) => {
            let mut tx = app.db.begin().await?;
            refs::not_compared(&mut tx, of.id, &error.to_string()).await?;
            tx.commit().await?;
            Err(error)
        }
        other => other,
    }
}

/// What was decided of an application's refs, read before the remote is asked: what is decided meanwhile is then told apart
/// when the differences are decided, because the ref no longer stands where it stood here.
#[derive(Debug)]
pub(crate) struct Known {
    /// The newest move.
    newest: i64,
    /// Where each ref stands.
    decided: Vec<(RefName, CommitHash)>,
    /// Refs with moves whose place is not known; the remote's word settles them.
    open: Vec<RefName>,
}

impl Known {
    pub(crate) async fn read(app: &App, application: ApplicationId) -> Result<Self, StoreError> {
        Ok(Self {
            newest: ref_moves::newest(&app.db).await?,
            open: ref_moves::open_refs(&app.db, application).await?,
            decided: refs::list(&app.db, application).await?,
        })
    }
}

async fn list_and_store(app: &App, of: &ToCompare) -> Result<usize, CompareError> {
    let known = Known::read(app, of.id).await?;
    let (url, credential) = clone_credential(app, of.repository_id).await?;
    let remote = app
        .mirrors
        .git()
        .list_remote_refs(&url, &credential)
        .await?;
    let message = (remote.skipped > 0).then(|| {
        format!(
            "{} refs have names that cannot be built and are left out.",
            remote.skipped
        )
    });
    if of.refs_compared_at.is_none() {
        note_all(app, of.id, &remote.refs, message.as_deref()).await?;
        return Ok(0);
    }
    Ok(store(app, of, &known, &remote.refs, message.as_deref()).await?)
}

/// The first time: where everything stands, and nothing is built. What a delivery has decided before stays.
async fn note_all(
    app: &App,
    application: ApplicationId,
    remote: &[(RefName, CommitHash)],
    message: Option<&str>,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    for some in remote.chunks(NOTED) {
        let mut tx = app.db.begin().await?;
        for (name, commit) in some {
            refs::put_new(&mut tx, application, name, commit, now).await?;
        }
        tx.commit().await?;
    }
    let mut tx = app.db.begin().await?;
    refs::compared(&mut tx, application, message, now).await?;
    tx.commit().await
}

/// Stores deliveries of what differs from where the remote's refs stand, and that it was compared. Answers how many differ.
pub(crate) async fn store(
    app: &App,
    of: &ToCompare,
    known: &Known,
    remote: &[(RefName, CommitHash)],
    message: Option<&str>,
) -> Result<usize, StoreError> {
    let found = differences(&known.decided, remote);
    let count = found.len();
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    for name in &known.open {
        if !found.iter().any(|difference| difference.name == *name) {
            ref_moves::settled_until(&mut tx, of.id, name, known.newest).await?;
        }
    }
    let mut found = found.into_iter().peekable();
    while found.peek().is_some() {
        let differences = Differences {
            newest: known.newest,
            changes: found.by_ref().take(CHANGES).collect(),
        };
        let id = DeliveryId::new();
        let new = NewDelivery {
            id,
            account_id: of.account_id,
            repository_id: of.repository_id,
            webhook_id: of.repository_id.as_uuid(),
            request_id: format!("comparison-{id}"),
            event: None,
            origin: Origin::Comparison,
            event_key: COMPARED.to_owned(),
            attempt_number: 1,
            headers: Vec::new(),
            body: serde_json::to_vec(&differences).unwrap_or_default(),
            received_at: now,
        };
        deliveries::insert(&mut tx, &new).await?;
    }
    refs::compared(&mut tx, of.id, message, now).await?;
    tx.commit().await?;
    if count > 0 {
        tracing::info!(application = %of.id, count, "comparing found refs that no delivery told of");
        app.live().decide.give(of.repository_id);
    }
    Ok(count)
}
