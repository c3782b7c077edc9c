//! Queuing attempts, and claiming them: oldest build first, builds of one ref beginning in their order, and of those that
//! exclude one another one at a time.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AttemptId, BuildId, RunnerId, StepId};
use uuid::Uuid;

use super::locks::hold;
use crate::db::Tx;
use crate::error::StoreError;

/// What an attempt must have is free. A stage's lock does not keep the stage's own build back.
macro_rules! is_free {
    () => {
        "AND (t.lock_name IS NULL OR (
                  NOT EXISTS (SELECT 1 FROM attempts r
                              WHERE r.state = 'running' AND r.lock_application = t.lock_application AND r.lock_name = t.lock_name)
                  AND NOT EXISTS (SELECT 1 FROM builds h
                              WHERE h.application_id = t.lock_application AND h.holds = t.lock_name AND h.id <> t.build_id)))
              AND (t.stage_lock IS NULL OR t.stage_lock = t.lock_name OR (
                  NOT EXISTS (SELECT 1 FROM attempts r
                              WHERE r.state = 'running' AND r.lock_application = t.lock_application AND r.lock_name = t.stage_lock
                                AND r.build_id <> t.build_id)
                  AND NOT EXISTS (SELECT 1 FROM builds h
                              WHERE h.application_id = t.lock_application AND h.holds = t.stage_lock AND h.id <> t.build_id)))"
    };
}

statements! {
    QUEUE = same(
        "INSERT INTO attempts (id, build_id, step_id, number, state, stop_requested, queued_at, timings, log_bytes, log_lines)
         SELECT $1, build_id, id, $4, 'queued', FALSE, $5, $6, 0, 0 FROM steps WHERE build_id = $2 AND position = $3"
    );
    // Split: PostgreSQL passes over attempts and builds that another server holds, so that none waits for another. A build waits while an older one of the same
    // ref has not begun, so that builds of one branch begin in the order of their pushes.
    CLAIM = split(
        concat!(
            "UPDATE attempts SET state = 'running', runner_id = $1, lease = $2, lease_until = $3, claimed_at = $4
         WHERE id = (SELECT t.id FROM attempts t JOIN builds b ON b.id = t.build_id
                     WHERE t.state = 'queued'
                       AND (b.started_at IS NOT NULL OR NOT EXISTS (
                            SELECT 1 FROM builds older
                            WHERE older.application_id = b.application_id AND older.ref_name = b.ref_name AND older.number < b.number
                              AND older.started_at IS NULL AND older.state IN ('queued', 'running')))
                       ",
            is_free!(),
            "
                     ORDER BY t.build_id, t.id LIMIT 1)
         RETURNING id, build_id, step_id, number, queued_at, stage_lock"
        ),
        concat!(
            "UPDATE attempts SET state = 'running', runner_id = $1, lease = $2, lease_until = $3, claimed_at = $4
         WHERE id = (SELECT t.id FROM attempts t JOIN builds b ON b.id = t.build_id
                     WHERE t.state = 'queued'
                       AND (b.started_at IS NOT NULL OR NOT EXISTS (
                            SELECT 1 FROM builds older
                            WHERE older.application_id = b.application_id AND older.ref_name = b.ref_name AND older.number < b.number
                              AND older.started_at IS NULL AND older.state IN ('queued', 'running')))
                       ",
            is_free!(),
            "
                     ORDER BY t.build_id, t.id LIMIT 1 FOR NO KEY UPDATE OF t, b SKIP LOCKED)
         RETURNING id, build_id, step_id, number, queued_at, stage_lock"
        )
    );
    POSITION = same("SELECT position FROM steps WHERE id = $1");
    WITHDRAW = same(
        "UPDATE attempts SET state = 'finished', outcome = 'stopped', finished_at = $3
         WHERE state = 'queued' AND step_id = (SELECT id FROM steps WHERE build_id = $1 AND position = $2)"
    );
}

/// Who claims, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The runner.
    pub runner: RunnerId,
    /// The proof it will carry.
    pub lease: Uuid,
    /// Until when, unless it is renewed.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// A claimed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The attempt.
    pub id: AttemptId,
    /// Its build.
    pub build_id: BuildId,
    /// Its step.
    pub step_id: StepId,
    /// Its step's number in the plan, from 0.
    pub position: usize,
    /// Its number in its step, from 1.
    pub number: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: AttemptId,
    #[sqlx(try_from = "Uuid")]
    build_id: BuildId,
    #[sqlx(try_from = "Uuid")]
    step_id: StepId,
    number: i64,
    #[sqlx(try_from = "i64")]
    queued_at: Timestamp,
    stage_lock: Option<String>,
}

/// Gives a step a new attempt of this number and lets runners see it. The caller holds the build's row.
pub async fn queue(
    tx: &mut Tx,
    build: BuildId,
    position: usize,
    number: u32,
    now: Timestamp,
) -> Result<AttemptId, StoreError> {
    let id = AttemptId::new();
    let rows = within!(tx, QUEUE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(build.as_uuid())
        .bind(position as i64)
        .bind(i64::from(number))
        .bind(now.as_micros())
        .bind(sqlx::types::Json(serde_json::json!([])))
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 {
        Ok(id)
    } else {
        Err(StoreError::Missing {
            table: "steps",
            key: format!("{build} position {position}"),
        })
    }
}

/// Claims the attempt that is next, if there is one. Claim again for more. A unique violation means that another server
/// took what the attempt must have at the same moment: nothing was claimed, roll back and claim again.
pub async fn claim(tx: &mut Tx, claim: Claim) -> Result<Option<Claimed>, StoreError> {
    let row: Option<Row> = within!(tx, CLAIM, |executor, sql| sqlx::query_as(sql)
        .bind(claim.runner.as_uuid())
        .bind(claim.lease)
        .bind(claim.until.as_micros())
        .bind(claim.now.as_micros())
        .fetch_optional(executor)
        .await)?;
    let Some(row) = row else { return Ok(None) };
    if let Some(word) = &row.stage_lock {
        hold(tx, row.build_id, word).await?;
    }
    let position: i64 = within!(tx, POSITION, |executor, sql| sqlx::query_scalar(sql)
        .bind(row.step_id.as_uuid())
        .fetch_one(executor)
        .await)?;
    Ok(Some(Claimed {
        id: row.id,
        build_id: row.build_id,
        step_id: row.step_id,
        position: usize::try_from(position).unwrap_or_default(),
        number: u32::try_from(row.number).unwrap_or_default(),
        queued_at: row.queued_at,
    }))
}

/// Ends a step's attempt as stopped if no runner has it yet. False where a runner has it, or it has ended.
pub async fn withdraw(
    tx: &mut Tx,
    build: BuildId,
    position: usize,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, WITHDRAW, |executor, sql| sqlx::query(sql)
        .bind(build.as_uuid())
        .bind(position as i64)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// What only the tests of the last safeguard do.
#[cfg(test)]
pub(super) mod testing {
    use super::{AttemptId, StoreError, Tx};
    use crate::macros::Statement;

    /// Has an attempt run without asking whether it may.
    pub(crate) async fn force_running(tx: &mut Tx, attempt: AttemptId) -> Result<(), StoreError> {
        const FORCE: Statement = Statement {
            name: "FORCE",
            sqlite: "UPDATE attempts SET state = 'running' WHERE id = $1",
            postgres: "UPDATE attempts SET state = 'running' WHERE id = $1",
        };
        within!(tx, FORCE, |executor, sql| sqlx::query(sql)
            .bind(attempt.as_uuid())
            .execute(executor)
            .await
            .map(drop))?;
        Ok(())
    }
}
