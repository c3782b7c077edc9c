//! Decisions: what became of each change of a delivery, and why, in a stable word and a sentence.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, BuildId, DecisionId, DeliveryId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

words! {
    /// What kind of change was decided.
    ChangeKind, "kind of change" {
        /// A ref appeared.
        Created = "created",
        /// A ref moved.
        Updated = "updated",
        /// A ref went.
        Deleted = "deleted",
        /// A pull request was opened or changed.
        PullRequest = "pull_request",
        /// Anything else that a delivery can say.
        Other = "other",
    }
}

words! {
    /// What became of a change.
    DecisionOutcome, "outcome of a decision" {
        /// A build was made.
        Built = "built",
        /// This ref and commit had been built for this trigger.
        Duplicate = "duplicate",
        /// No build; the reason says why.
        NotBuilt = "not_built",
    }
}

statements! {
    INSERT = same(
        "INSERT INTO decisions (id, account_id, delivery_id, application_id, position, change_kind, ref_name, old_hash, new_hash, outcome, reason, sentence, build_id, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    OF_DELIVERY = same(
        "SELECT d.delivery_id, d.application_id, d.position, d.change_kind, d.ref_name, d.old_hash, d.new_hash, d.outcome, d.reason, d.sentence,
                d.build_id, b.number AS build_number, a.slug AS application_slug, a.name AS application_name, d.decided_at
         FROM decisions d LEFT JOIN builds b ON b.id = d.build_id LEFT JOIN applications a ON a.id = d.application_id
         WHERE d.account_id = $1 AND d.delivery_id = $2 ORDER BY d.position, d.id"
    );
    OF_BUILD = same(
        "SELECT d.delivery_id, d.application_id, d.position, d.change_kind, d.ref_name, d.old_hash, d.new_hash, d.outcome, d.reason, d.sentence,
                d.build_id, b.number AS build_number, a.slug AS application_slug, a.name AS application_name, d.decided_at
         FROM decisions d LEFT JOIN builds b ON b.id = d.build_id LEFT JOIN applications a ON a.id = d.application_id
         WHERE d.account_id = $1 AND d.build_id = $2 ORDER BY d.id"
    );
    BETWEEN = same(
        "SELECT d.delivery_id, d.application_id, d.position, d.change_kind, d.ref_name, d.old_hash, d.new_hash, d.outcome, d.reason, d.sentence,
                d.build_id, b.number AS build_number, a.slug AS application_slug, a.name AS application_name, d.decided_at
         FROM decisions d JOIN deliveries y ON y.id = d.delivery_id
              LEFT JOIN builds b ON b.id = d.build_id LEFT JOIN applications a ON a.id = d.application_id
         WHERE y.account_id = $1 AND y.id >= $2 AND y.id <= $3 ORDER BY d.delivery_id, d.position, d.id"
    );
}

/// A decision to be recorded.
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// The account.
    pub account_id: AccountId,
    /// The delivery it belongs to.
    pub delivery_id: DeliveryId,
    /// The application it was decided for; none where the repository has none.
    pub application_id: Option<ApplicationId>,
    /// The change's place in the delivery, from 0.
    pub position: i64,
    /// What kind of change it is.
    pub change_kind: ChangeKind,
    /// The ref, as text: it may be one that we refuse.
    pub ref_name: Option<String>,
    /// Where the ref stood before.
    pub old_hash: Option<String>,
    /// Where it stands now.
    pub new_hash: Option<String>,
    /// What became of it.
    pub outcome: DecisionOutcome,
    /// Why, as a stable word.
    pub reason: &'static str,
    /// Why, as a sentence.
    pub sentence: String,
    /// The build that was made, or that had been made before.
    pub build_id: Option<BuildId>,
    /// When.
    pub decided_at: Timestamp,
}

/// A decision as recorded.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Decision {
    /// The delivery it belongs to.
    #[sqlx(try_from = "Uuid")]
    pub delivery_id: DeliveryId,
    /// The application it was decided for.
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    pub application_id: Option<ApplicationId>,
    /// The change's place in the delivery, from 0.
    pub position: i64,
    /// What kind of change it is.
    #[sqlx(try_from = "String")]
    pub change_kind: ChangeKind,
    /// The ref, as text: it may be one that we refuse.
    pub ref_name: Option<String>,
    /// Where the ref stood before.
    pub old_hash: Option<String>,
    /// Where it stands now.
    pub new_hash: Option<String>,
    /// What became of it.
    #[sqlx(try_from = "String")]
    pub outcome: DecisionOutcome,
    /// Why, as a stable word.
    pub reason: String,
    /// Why, as a sentence.
    pub sentence: String,
    /// The build that was made, or that had been made before.
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    pub build_id: Option<BuildId>,
    /// That build's number in its application.
    pub build_number: Option<i64>,
    /// The application's last part of the address.
    pub application_slug: Option<String>,
    /// The application's name.
    pub application_name: Option<String>,
    /// When.
    #[sqlx(try_from = "i64")]
    pub decided_at: Timestamp,
}

/// Records a decision.
pub async fn insert(tx: &mut Tx, new: &NewDecision) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(DecisionId::new().as_uuid())
        .bind(new.account_id.as_uuid())
        .bind(new.delivery_id.as_uuid())
        .bind(new.application_id.map(ApplicationId::as_uuid))
        .bind(new.position)
        .bind(new.change_kind.as_str())
        .bind(new.ref_name.as_deref())
        .bind(new.old_hash.as_deref())
        .bind(new.new_hash.as_deref())
        .bind(new.outcome.as_str())
        .bind(new.reason)
        .bind(new.sentence.as_str())
        .bind(new.build_id.map(BuildId::as_uuid))
        .bind(new.decided_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The decisions of a delivery in the order of its changes.
pub async fn of_delivery(
    db: &Db,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<Vec<Decision>, StoreError> {
    Ok(read!(db, OF_DELIVERY, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(delivery.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// The decisions that made a build or pointed to it, oldest first: the build's trail.
pub async fn of_build(
    db: &Db,
    account: AccountId,
    build: BuildId,
) -> Result<Vec<Decision>, StoreError> {
    Ok(read!(db, OF_BUILD, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// The decisions of all deliveries from `oldest` to `newest`, both included: one query for a page of deliveries.
pub async fn between(
    db: &Db,
    account: AccountId,
    oldest: DeliveryId,
    newest: DeliveryId,
) -> Result<Vec<Decision>, StoreError> {
    Ok(read!(db, BETWEEN, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(oldest.as_uuid())
        .bind(newest.as_uuid())
        .fetch_all(executor)
        .await)?)
}
