//! What is not kept for ever: how long an account keeps things, what is over by that, and removing it in small batches.
//!
//! The newest build of each ref and what has not ended are always kept. What a removed row had on disk is written into
//! `removals` in the same transaction, and is removed from the disk afterwards: whatever is killed in between, no file is
//! forgotten and none is removed that a row speaks of.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, ArtifactId, AttemptId, BuildId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    ACCOUNTS = same("SELECT id FROM accounts ORDER BY id");
    OWN = same("SELECT builds_days, builds_per_ref, logs_days, bodies_days, statuses_days FROM retention WHERE account_id = $1");
    SET_OWN = same(
        "INSERT INTO retention (account_id, builds_days, builds_per_ref, logs_days, bodies_days, statuses_days, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (account_id) DO UPDATE SET builds_days = excluded.builds_days, builds_per_ref = excluded.builds_per_ref,
            logs_days = excluded.logs_days, bodies_days = excluded.bodies_days, statuses_days = excluded.statuses_days, changed_at = excluded.changed_at"
    );
    OLD_BUILDS = same(
        "SELECT b.id FROM builds b
         WHERE b.account_id = $1 AND b.finished_at IS NOT NULL AND b.finished_at < $2
           AND EXISTS (SELECT 1 FROM builds n WHERE n.application_id = b.application_id AND n.ref_name = b.ref_name AND n.number > b.number)
         ORDER BY b.finished_at LIMIT $3"
    );
    CROWDED = same(
        "SELECT application_id, ref_name FROM builds WHERE application_id IN (SELECT id FROM applications WHERE account_id = $1)
         GROUP BY application_id, ref_name HAVING COUNT(*) > $2 LIMIT $3"
    );
    BEYOND = same(
        "SELECT id FROM builds WHERE application_id = $1 AND ref_name = $2 AND finished_at IS NOT NULL
           AND number <= (SELECT number FROM builds WHERE application_id = $1 AND ref_name = $2 ORDER BY number DESC LIMIT 1 OFFSET $3)
         ORDER BY number LIMIT $4"
    );
    // Split: PostgreSQL must hold the row against a rerun that opens the build again.
    HOLD_BUILD = split(
        "SELECT COUNT(*) FROM builds WHERE id = $1 AND finished_at IS NOT NULL",
        "SELECT COUNT(*) FROM (SELECT 1 FROM builds WHERE id = $1 AND finished_at IS NOT NULL FOR UPDATE) held"
    );
    LOGS_OF_BUILD = same(
        "INSERT INTO removals (kind, id) SELECT 'log', id FROM attempts WHERE build_id = $1 ON CONFLICT DO NOTHING"
    );
    ARTIFACTS_OF_BUILD = same(
        "INSERT INTO removals (kind, id) SELECT 'artifact', id FROM artifacts WHERE build_id = $1 AND removed_at IS NULL ON CONFLICT DO NOTHING"
    );
    REMOVE_BUILD = same("DELETE FROM builds WHERE id = $1");
    OLD_LOGS = same(
        "SELECT t.id FROM attempts t JOIN builds b ON b.id = t.build_id
         WHERE t.state = 'finished' AND t.log_removed_at IS NULL AND t.finished_at < $2 AND b.account_id = $1 AND b.finished_at IS NOT NULL
         ORDER BY t.finished_at LIMIT $3"
    );
    MARK_LOG = same("UPDATE attempts SET log_removed_at = $2 WHERE id = $1 AND log_removed_at IS NULL");
    LOG = same("INSERT INTO removals (kind, id) VALUES ('log', $1) ON CONFLICT DO NOTHING");
    // The bodies that are kept are found by an index; an emptied one is not in it any more.
    BODIES = split(
        "UPDATE deliveries SET body = X'', headers = '[]' WHERE id IN (
            SELECT id FROM deliveries WHERE account_id = $1 AND received_at < $2 AND state <> 'received' AND LENGTH(body) > 0 LIMIT $3)",
        "UPDATE deliveries SET body = ''::bytea, headers = '[]'::jsonb WHERE id IN (
            SELECT id FROM deliveries WHERE account_id = $1 AND received_at < $2 AND state <> 'received' AND LENGTH(body) > 0 LIMIT $3)"
    );
    DELIVERIES = same(
        "DELETE FROM deliveries WHERE id IN (
            SELECT d.id FROM deliveries d WHERE d.account_id = $1 AND d.received_at < $2 AND d.state <> 'received'
               AND NOT EXISTS (SELECT 1 FROM decisions c WHERE c.delivery_id = d.id AND c.build_id IS NOT NULL)
            LIMIT $3)"
    );
    SENT = same(
        "DELETE FROM statuses WHERE id IN (
            SELECT s.id FROM statuses s JOIN builds b ON b.id = s.build_id WHERE s.sent_at < $2 AND b.account_id = $1 LIMIT $3)"
    );
    GIVEN_UP = same(
        "DELETE FROM statuses WHERE id IN (
            SELECT s.id FROM statuses s JOIN builds b ON b.id = s.build_id WHERE s.given_up_at < $2 AND b.account_id = $1 LIMIT $3)"
    );
    REMOVALS = same("SELECT kind, id FROM removals ORDER BY kind, id LIMIT $1");
    REMOVED = same("DELETE FROM removals WHERE kind = $1 AND id = $2");
}

/// What an account says itself of how long it keeps things; none is the installation's setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct OwnRetention {
    /// Days from a build's end.
    pub builds_days: Option<i64>,
    /// The newest builds of each branch or tag, at least 1.
    pub builds_per_ref: Option<i64>,
    /// Days from an attempt's end.
    pub logs_days: Option<i64>,
    /// Days from a delivery's arrival.
    pub bodies_days: Option<i64>,
    /// Days from sending, or giving up.
    pub statuses_days: Option<i64>,
}

/// A file whose row is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The log of an attempt.
    Log(AttemptId),
    /// The content of an artifact.
    Artifact(ArtifactId),
}

/// Every account.
pub async fn accounts(db: &Db) -> Result<Vec<AccountId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, ACCOUNTS, |executor, sql| sqlx::query_scalar(sql)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(AccountId::from_uuid).collect())
}

/// What an account says itself.
pub async fn own(db: &Db, account: AccountId) -> Result<OwnRetention, StoreError> {
    let row: Option<OwnRetention> = read!(db, OWN, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.unwrap_or_default())
}

/// Keeps what an account says itself.
pub async fn set_own(
    tx: &mut Tx,
    account: AccountId,
    own: &OwnRetention,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SET_OWN, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(own.builds_days)
        .bind(own.builds_per_ref)
        .bind(own.logs_days)
        .bind(own.bodies_days)
        .bind(own.statuses_days)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Builds of the account that ended before a moment, oldest first, without the newest of each ref.
pub async fn builds_before(
    db: &Db,
    account: AccountId,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<BuildId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, OLD_BUILDS, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(before.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(BuildId::from_uuid).collect())
}

/// Refs of the account that have more builds than are kept.
pub async fn crowded_refs(
    db: &Db,
    account: AccountId,
    keep: i64,
    limit: i64,
) -> Result<Vec<(ApplicationId, String)>, StoreError> {
    let rows: Vec<(Uuid, String)> = read!(db, CROWDED, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(keep)
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|(application, name)| (ApplicationId::from_uuid(application), name))
        .collect())
}

/// Builds of a ref that have ended, oldest first, without its newest `keep`, which must be at least 1.
pub async fn builds_beyond(
    db: &Db,
    application: ApplicationId,
    ref_name: &str,
    keep: i64,
    limit: i64,
) -> Result<Vec<BuildId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, BEYOND, |executor, sql| sqlx::query_scalar(sql)
        .bind(application.as_uuid())
        .bind(ref_name)
        .bind(keep.max(1))
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(BuildId::from_uuid).collect())
}

/// Removes a build with everything that is of it, unless it is under way again. True where it was there.
pub async fn remove_build(tx: &mut Tx, build: BuildId) -> Result<bool, StoreError> {
    let held: i64 = within!(tx, HOLD_BUILD, |executor, sql| sqlx::query_scalar(sql)
        .bind(build.as_uuid())
        .fetch_one(executor)
        .await)?;
    if held == 0 {
        return Ok(false);
    }
    crate::test_reports::forget_cases_of(tx, build).await?;
    for statement in [LOGS_OF_BUILD, ARTIFACTS_OF_BUILD, REMOVE_BUILD] {
        within!(tx, statement, |executor, sql| sqlx::query(sql)
            .bind(build.as_uuid())
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(true)
}

/// Gives up the logs of attempts that ended before a moment, at most `limit`; answers how many.
pub async fn remove_logs(
    tx: &mut Tx,
    account: AccountId,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<usize, StoreError> {
    let old: Vec<Uuid> = within!(tx, OLD_LOGS, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(before.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    for attempt in &old {
        within!(tx, MARK_LOG, |executor, sql| sqlx::query(sql)
            .bind(*attempt)
            .bind(now.as_micros())
            .execute(executor)
            .await
            .map(drop))?;
        within!(tx, LOG, |executor, sql| sqlx::query(sql)
            .bind(*attempt)
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(old.len())
}

/// Empties the bodies of decided deliveries that came before a moment, at most `limit`; answers how many.
pub async fn empty_bodies(
    tx: &mut Tx,
    account: AccountId,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    batch(tx, BODIES, account, before, limit).await
}

/// Removes decided deliveries that came before a moment and that no build is of, at most `limit`; answers how many.
pub async fn remove_deliveries(
    tx: &mut Tx,
    account: AccountId,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    batch(tx, DELIVERIES, account, before, limit).await
}

/// Removes statuses that were sent or given up before a moment, at most `limit` of each; answers how many.
pub async fn remove_statuses(
    tx: &mut Tx,
    account: AccountId,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let sent = batch(tx, SENT, account, before, limit).await?;
    Ok(sent + batch(tx, GIVEN_UP, account, before, limit).await?)
}

async fn batch(
    tx: &mut Tx,
    statement: crate::macros::Statement,
    account: AccountId,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    Ok(within!(tx, statement, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(before.as_micros())
        .bind(limit)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?)
}

/// Files that are still to be removed, at most `limit`.
pub async fn removals(db: &Db, limit: i64) -> Result<Vec<Removal>, StoreError> {
    let rows: Vec<(String, Uuid)> = read!(db, REMOVALS, |executor, sql| sqlx::query_as(sql)
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|(kind, id)| match kind.as_str() {
            "log" => Removal::Log(AttemptId::from_uuid(id)),
            _ => Removal::Artifact(ArtifactId::from_uuid(id)),
        })
        .collect())
}

/// Notes that a file is gone.
pub async fn removed(tx: &mut Tx, removal: Removal) -> Result<(), StoreError> {
    let (kind, id) = match removal {
        Removal::Log(attempt) => ("log", attempt.as_uuid()),
        Removal::Artifact(artifact) => ("artifact", artifact.as_uuid()),
    };
    within!(tx, REMOVED, |executor, sql| sqlx::query(sql)
        .bind(kind)
        .bind(id)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
