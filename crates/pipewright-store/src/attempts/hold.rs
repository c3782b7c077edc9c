//! Attempts that a runner holds: renewing, stopping, ending, and finding those whose runner is gone.

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::{AttemptId, BuildId, RunnerId};
use pipewright_core::wire::{NewArtifact, TestReport, Timing};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::logs::LogSize;
use crate::vault::Sealed;
use crate::{artifacts, output_variables, test_reports};

statements! {
    BEGIN = same("UPDATE attempts SET started_at = $3, timings = $4 WHERE id = $1 AND lease = $2 AND state = 'running' AND started_at IS NULL");
    RENEW = same(
        "UPDATE attempts SET lease_until = $3, log_bytes = CASE WHEN log_bytes < $4 THEN $4 ELSE log_bytes END,
                log_lines = CASE WHEN log_lines < $5 THEN $5 ELSE log_lines END
         WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING stop_requested"
    );
    REQUEST_STOP = same(
        "UPDATE attempts SET stop_requested = TRUE
         WHERE state = 'running' AND step_id = (SELECT id FROM steps WHERE build_id = $1 AND position = $2) RETURNING id"
    );
    FINISH = same(
        "UPDATE attempts SET state = 'finished', outcome = $3, exit_code = $4, message = $5, timings = COALESCE($6, timings), finished_at = $7, log_bytes = $8, log_lines = $9,
                started_at = COALESCE(started_at, $10), lease_until = NULL
         WHERE id = $1 AND lease = $2 AND state = 'running'"
    );
    RUNNING = same(
        "SELECT t.id, t.build_id, t.number, s.position, t.lease, t.lease_until FROM attempts t JOIN steps s ON s.id = t.step_id
         WHERE t.state = 'running' ORDER BY t.lease_until LIMIT $1"
    );
    HELD_BY = same(
        "SELECT t.id, t.build_id, t.number, s.position, t.lease, t.lease_until FROM attempts t JOIN steps s ON s.id = t.step_id
         WHERE t.state = 'running' AND t.runner_id = $1 ORDER BY t.claimed_at"
    );
}

/// An attempt that somebody holds, or held until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The attempt.
    pub id: AttemptId,
    /// Its build.
    pub build_id: BuildId,
    /// Its step's number in the plan, from 0.
    pub position: usize,
    /// Its number in its step, from 1.
    pub number: u32,
    /// The lease.
    pub lease: Uuid,
    /// Until when its holder last had it prolonged. By the clock on the wall, which may be set: that it changes is a sign of
    /// life, how it compares with now is none.
    pub until: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The outcome.
    pub outcome: AttemptOutcome,
    /// The script's exit status.
    pub exit_code: Option<i32>,
    /// One sentence where the outcome is not the script's own.
    pub message: Option<String>,
    /// What it hands to later steps; what an earlier attempt of its step left is forgotten. Sealed by
    /// [`output_variables::seal`].
    pub output_variables: Vec<(String, Sealed)>,
    /// What it left, and when that goes.
    pub artifacts: Vec<NewArtifact>,
    /// See `artifacts`.
    pub artifacts_expire: Timestamp,
    /// What its tests said.
    pub tests: Option<Box<TestReport>>,
    /// When its first command ran; none leaves what is stored.
    pub started_at: Option<Timestamp>,
    /// How long its parts took; none leaves what is stored.
    pub timings: Option<Vec<Timing>>,
    /// Bytes of its log, as printed.
    pub log_bytes: u64,
    /// Whole lines of its log.
    pub log_lines: u64,
}

impl Ended {
    /// An attempt of which nothing more is known than how it ended.
    pub const fn of(outcome: AttemptOutcome, message: Option<String>) -> Self {
        Self {
            outcome,
            exit_code: None,
            message,
            output_variables: Vec::new(),
            artifacts: Vec::new(),
            artifacts_expire: Timestamp::from_micros(0),
            tests: None,
            started_at: None,
            timings: None,
            log_bytes: 0,
            log_lines: 0,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: AttemptId,
    #[sqlx(try_from = "Uuid")]
    build_id: BuildId,
    number: i64,
    position: i64,
    lease: Uuid,
    lease_until: Option<i64>,
}

impl From<Row> for Held {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            build_id: row.build_id,
            position: usize::try_from(row.position).unwrap_or_default(),
            number: u32::try_from(row.number).unwrap_or_default(),
            lease: row.lease,
            until: Timestamp::from_micros(row.lease_until.unwrap_or_default()),
        }
    }
}

/// Notes that the attempt's first command runs. A repetition changes nothing.
pub async fn begin(
    tx: &mut Tx,
    id: AttemptId,
    lease: Uuid,
    timings: &[Timing],
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, BEGIN, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(lease)
        .bind(now.as_micros())
        .bind(Json(timings))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Renews a lease and notes how large the log is. Answers whether the attempt is to stop; `None` where the lease is gone.
pub async fn renew(
    tx: &mut Tx,
    id: AttemptId,
    lease: Uuid,
    until: Timestamp,
    log: LogSize,
) -> Result<Option<bool>, StoreError> {
    Ok(within!(tx, RENEW, |executor, sql| sqlx::query_scalar(sql)
        .bind(id.as_uuid())
        .bind(lease)
        .bind(until.as_micros())
        .bind(log.printed as i64)
        .bind(log.lines as i64)
        .fetch_optional(executor)
        .await)?)
}

/// Asks the runner of a step's attempt to stop it. Answers the attempt, if one runs.
pub async fn request_stop(
    tx: &mut Tx,
    build: BuildId,
    position: usize,
) -> Result<Option<AttemptId>, StoreError> {
    let row: Option<Uuid> = within!(tx, REQUEST_STOP, |executor, sql| sqlx::query_scalar(sql)
        .bind(build.as_uuid())
        .bind(position as i64)
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(AttemptId::from_uuid))
}

/// Ends an attempt. False where the lease is gone: then nothing changed, and nothing more may be done about the attempt.
pub async fn finish(
    tx: &mut Tx,
    id: AttemptId,
    lease: Uuid,
    ended: &Ended,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, FINISH, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(lease)
        .bind(ended.outcome.as_str())
        .bind(ended.exit_code.map(i64::from))
        .bind(ended.message.as_deref())
        .bind(ended.timings.as_ref().map(Json))
        .bind(now.as_micros())
        .bind(ended.log_bytes as i64)
        .bind(ended.log_lines as i64)
        .bind(ended.started_at.map(Timestamp::as_micros))
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 {
        output_variables::replace(tx, id, &ended.output_variables).await?;
        artifacts::insert_all(tx, id, &ended.artifacts, now, ended.artifacts_expire).await?;
        if let Some(report) = &ended.tests {
            test_reports::insert(tx, id, report).await?;
        }
    }
    Ok(rows == 1)
}

/// Attempts that somebody holds, at most `limit`, those first that were prolonged the longest time ago.
pub async fn running(db: &Db, limit: i64) -> Result<Vec<Held>, StoreError> {
    let rows: Vec<Row> = read!(db, RUNNING, |executor, sql| sqlx::query_as(sql)
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Held::from).collect())
}

/// Attempts that this runner is said to hold.
pub async fn held_by(db: &Db, runner: RunnerId) -> Result<Vec<Held>, StoreError> {
    let rows: Vec<Row> = read!(db, HELD_BY, |executor, sql| sqlx::query_as(sql)
        .bind(runner.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Held::from).collect())
}
