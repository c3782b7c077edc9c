//! The lane that decides: the deliveries of a repository in order, those that wait together in one transaction.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use pipewright_core::ids::{DeliveryId, RepositoryId};
use pipewright_store::StoreError;
use pipewright_store::deliveries::{self, DeliveryState, Origin, ToDecide};

use super::prepare::{asks, prepare};
use super::read::{From, read};
use super::record::{product, record};
use crate::app::App;
use crate::ground::{Lane, Work, backoff, chain, enqueue_within};
use crate::live::Part;

/// How often a delivery is tried before it is given up: with [`backoff`], for about ten minutes.
const TRIES: i64 = 8;

/// How many deliveries of a repository are decided together at most, and how many bytes their bodies may have: each commit
/// waits for the disk, however little it writes.
const TOGETHER: i64 = 64;
const TOGETHER_BYTES: i64 = 1 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct DecideLane(pub(crate) App);

impl Lane for DecideLane {
    type Key = RepositoryId;
    type Unit = Vec<ToDecide>;
    type Id = Option<DeliveryId>;

    const PART: Part = Part::Deciding;
    const SIDE_BY_SIDE: usize = 4;

    async fn waiting(&self, limit: i64) -> Result<Vec<RepositoryId>, StoreError> {
        deliveries::repositories_to_decide(&self.0.db, self.0.clock.now(), limit).await
    }

    async fn next(&self, key: RepositoryId) -> Result<Option<Vec<ToDecide>>, StoreError> {
        let now = self.0.clock.now();
        let next = deliveries::next(&self.0.db, key, now, TOGETHER, TOGETHER_BYTES).await?;
        Ok((!next.is_empty()).then_some(next))
    }

    fn id(unit: &Vec<ToDecide>) -> Option<DeliveryId> {
        unit.first().map(|delivery| delivery.id)
    }

    async fn step(&self, deliveries: Vec<ToDecide>) -> Result<(), StoreError> {
        let Some(first) = deliveries.first() else {
            return Ok(());
        };
        let mut count = deliveries.len();
        loop {
            let failed = match guarded(Box::pin(decide(&self.0, &deliveries[..count]))).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) if error.is_unavailable() => return Err(error),
                Some(Err(error)) => Some(chain(&error)),
                None => None,
            };
            // What spoils one must not spoil the others: fewer are decided together, until it is found.
            if count > 1 {
                let error = failed.as_deref().unwrap_or("a bug");
                tracing::warn!(%error, count, "deciding deliveries together failed; deciding fewer");
                count /= 2;
                continue;
            }
            return match failed {
                Some(error) => {
                    let why = format!("What becomes of it cannot be stored: {error}.");
                    try_later(&self.0, first, &why).await
                }
                None => self.panicked(Some(first.id)).await,
            };
        }
    }

    async fn panicked(&self, id: Option<DeliveryId>) -> Result<(), StoreError> {
        let Some(id) = id else { return Ok(()) };
        let why = "A bug in Pipewright stopped this delivery from being decided; the server's log has the details. Redeliver it after an update.";
        tracing::warn!(delivery = %id, why, "a delivery cannot be decided");
        let repository = deliveries::repository_of(&self.0.db, id).await?;
        fail_one(&self.0, id, repository, why).await
    }
}

/// What comes of it; none where it was ended by a bug, which the log has by then.
async fn guarded(
    deciding: impl Future<Output = Result<(), StoreError>>,
) -> Option<Result<(), StoreError>> {
    AssertUnwindSafe(deciding).catch_unwind().await.ok()
}

/// Decides deliveries of one repository together. Only the first of them may be one that Bitbucket must be asked for, or that
/// cannot be read: the others up to such a one are decided, and its turn comes next.
async fn decide(app: &App, deliveries: &[ToDecide]) -> Result<(), StoreError> {
    let Some(first) = deliveries.first() else {
        return Ok(());
    };
    let Some(repository) = deliveries::repository(&app.db, first.repository_id).await? else {
        return fail(app, first, "The repository no longer exists.").await;
    };
    let mut ready = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let from = From {
            product: product(&repository.kind),
            remote_id: &repository.remote_id,
            is_our_own: delivery.webhook_id == delivery.repository_id.as_uuid()
                && delivery.origin != Origin::Bitbucket,
        };
        let mut read = match read(from, &delivery.event_key, &delivery.body) {
            Ok(read) => read,
            Err(_) if !ready.is_empty() => break,
            Err(error) => return fail(app, delivery, &sentence(&error.to_string())).await,
        };
        if !ready.is_empty() && asks(&read.candidates) {
            break;
        }
        if let Err(error) = prepare(app, &repository, &mut read.candidates).await {
            let why = sentence(&error.to_string());
            return if error.is_retryable() {
                try_later(app, delivery, &why).await
            } else {
                fail(app, delivery, &why).await
            };
        }
        ready.push((delivery, read));
    }
    record(app, repository.id, &ready).await
}

/// Has a delivery decided later, or gives it up where it was tried often enough.
async fn try_later(app: &App, delivery: &ToDecide, why: &str) -> Result<(), StoreError> {
    if delivery.tries + 1 >= TRIES {
        return fail(app, delivery, why).await;
    }
    let mut tx = app.db.begin().await?;
    let at = app.clock.now() + backoff(delivery.tries);
    deliveries::retry_later(&mut tx, delivery.id, at, why).await?;
    tx.commit().await
}

/// Ends a delivery that cannot be decided; a person can redeliver it, and what it would have told of refs is found by comparing
/// them.
async fn fail(app: &App, delivery: &ToDecide, why: &str) -> Result<(), StoreError> {
    tracing::warn!(delivery = %delivery.id, why, "a delivery cannot be decided");
    fail_one(app, delivery.id, Some(delivery.repository_id), why).await
}

async fn fail_one(
    app: &App,
    id: DeliveryId,
    repository: Option<RepositoryId>,
    why: &str,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if !deliveries::settle(&mut tx, id, DeliveryState::Failed, Some(why), now).await? {
        return tx.rollback().await;
    }
    if let Some(repository) = repository {
        for application in deliveries::applications_of(&mut tx, repository).await? {
            let application = application.id;
            enqueue_within(app, &mut tx, &Work::CompareRefs { application }, now).await?;
        }
    }
    tx.commit().await?;
    app.live().tasks.ring();
    Ok(())
}

/// A fragment as a sentence.
fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}
