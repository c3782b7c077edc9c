//! The lane that decides: one delivery of a repository at a time, in order.

use pipewright_core::ids::{DeliveryId, RepositoryId};
use pipewright_store::StoreError;
use pipewright_store::deliveries::{self, DeliveryState, Origin, ToDecide};

use super::prepare::prepare;
use super::read::{From, read};
use super::record::{product, record};
use crate::app::App;
use crate::ground::{Lane, Work, backoff, enqueue_within};
use crate::live::{NewsItem, Part};

/// How often a delivery is tried before it is given up: with [`backoff`], for about ten minutes.
const TRIES: i64 = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct DecideLane(pub(crate) App);

impl Lane for DecideLane {
    type Key = RepositoryId;
    type Unit = ToDecide;
    type Id = DeliveryId;

    const PART: Part = Part::Deciding;
    const SIDE_BY_SIDE: usize = 4;

    async fn waiting(&self, limit: i64) -> Result<Vec<RepositoryId>, StoreError> {
        deliveries::repositories_to_decide(&self.0.db, self.0.clock.now(), limit).await
    }

    async fn next(&self, key: RepositoryId) -> Result<Option<ToDecide>, StoreError> {
        deliveries::next(&self.0.db, key, self.0.clock.now()).await
    }

    fn id(unit: &ToDecide) -> DeliveryId {
        unit.id
    }

    async fn step(&self, delivery: ToDecide) -> Result<(), StoreError> {
        let app = &self.0;
        decide(app, &delivery).await?;
        app.live().news.tell(NewsItem::Delivery {
            account: delivery.account_id,
            delivery: delivery.id,
        });
        Ok(())
    }

    async fn panicked(&self, id: DeliveryId) -> Result<(), StoreError> {
        let why = "A bug in Pipewright stopped this delivery from being decided; the server's log has the details. Redeliver it after an update.";
        tracing::warn!(delivery = %id, why, "a delivery cannot be decided");
        let repository = deliveries::repository_of(&self.0.db, id).await?;
        fail_one(&self.0, id, repository, why).await
    }
}

async fn decide(app: &App, delivery: &ToDecide) -> Result<(), StoreError> {
    let Some(repository) = deliveries::repository(&app.db, delivery.repository_id).await? else {
        return fail(app, delivery, "The repository no longer exists.").await;
    };
    let from = From {
        product: product(&repository.kind),
        remote_id: &repository.remote_id,
        is_our_own: delivery.webhook_id == delivery.repository_id.as_uuid()
            && delivery.origin != Origin::Bitbucket,
    };
    let mut read = match read(from, &delivery.event_key, &delivery.body) {
        Ok(read) => read,
        Err(error) => return fail(app, delivery, &sentence(&error.to_string())).await,
    };
    if let Err(error) = prepare(app, &repository, &mut read.candidates).await {
        if !error.is_retryable() || delivery.tries + 1 >= TRIES {
            return fail(app, delivery, &sentence(&error.to_string())).await;
        }
        let mut tx = app.db.begin().await?;
        let at = app.clock.now() + backoff(delivery.tries);
        deliveries::retry_later(&mut tx, delivery.id, at, &sentence(&error.to_string())).await?;
        return tx.commit().await;
    }
    if let Some(aftermath) = record(app, delivery, &read, app.clock.now()).await? {
        aftermath.announce(app);
    }
    Ok(())
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
    app.wakeups.tasks.notify_one();
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
