//! Steps of a build: where each stands.

use pipewright_core::build::{StepRun, StepState};
use pipewright_core::ids::{BuildId, StepId};
use pipewright_core::{Plan, Timestamp};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    INSERT = same("INSERT INTO steps (id, build_id, position, name, state, attempts, lost) VALUES ($1, $2, $3, $4, 'waiting', 0, 0)");
    STATES = same("SELECT state, attempts, lost, interrupted, crashed FROM steps WHERE build_id = $1 ORDER BY position");
    SET = same(
        "UPDATE steps SET state = $3, attempts = $4, lost = $5, started_at = COALESCE(started_at, $6), finished_at = $7, message = $8,
                interrupted = $9, crashed = $10
         WHERE build_id = $1 AND position = $2"
    );
    LIST = same("SELECT id, build_id, position, name, state, attempts, lost, interrupted, crashed, started_at, finished_at, message FROM steps WHERE build_id = $1 ORDER BY position");
}

/// A step.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Step {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: StepId,
    /// Its build.
    #[sqlx(try_from = "Uuid")]
    pub build_id: BuildId,
    /// Its number in the plan, from 0.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: StepState,
    /// Attempts made.
    pub attempts: i64,
    /// How many of them lost their runner.
    pub lost: i64,
    /// How many of them were given back by us.
    pub interrupted: i64,
    /// How many of them ended with the server's process.
    pub crashed: i64,
    /// When its first attempt began.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub finished_at: Option<Timestamp>,
    /// Why it stands where it stands, where its state alone does not say it: a sentence. It may hold names from the
    /// pipeline file and of files; hostile text.
    pub message: Option<String>,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    #[sqlx(try_from = "String")]
    state: StepState,
    attempts: i64,
    lost: i64,
    interrupted: i64,
    crashed: i64,
}

/// Makes the rows of a plan's steps.
pub async fn insert_all(tx: &mut Tx, build: BuildId, plan: &Plan) -> Result<(), StoreError> {
    for (position, step) in plan.steps().enumerate() {
        within!(tx, INSERT, |executor, sql| sqlx::query(sql)
            .bind(StepId::new().as_uuid())
            .bind(build.as_uuid())
            .bind(position as i64)
            .bind(step.name.as_str())
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// The states of a build's steps, in plan order.
pub async fn states(tx: &mut Tx, build: BuildId) -> Result<Vec<StepRun>, StoreError> {
    let rows: Vec<StateRow> = within!(tx, STATES, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|row| StepRun {
            state: row.state,
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            lost: u32::try_from(row.lost).unwrap_or(u32::MAX),
            interrupted: u32::try_from(row.interrupted).unwrap_or(u32::MAX),
            crashed: u32::try_from(row.crashed).unwrap_or(u32::MAX),
        })
        .collect())
}

/// Stores where a step stands, and the sentence that says why or none; the caller holds the build's row.
pub async fn set(
    tx: &mut Tx,
    build: BuildId,
    position: usize,
    step: StepRun,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let started = (step.state == StepState::Running).then_some(now.as_micros());
    let finished = step.state.is_finished().then_some(now.as_micros());
    let rows = within!(tx, SET, |executor, sql| sqlx::query(sql)
        .bind(build.as_uuid())
        .bind(position as i64)
        .bind(step.state.as_str())
        .bind(i64::from(step.attempts))
        .bind(i64::from(step.lost))
        .bind(started)
        .bind(finished)
        .bind(message)
        .bind(i64::from(step.interrupted))
        .bind(i64::from(step.crashed))
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "steps",
            key: format!("{build} position {position}"),
        })
    }
}

/// A build's steps in plan order. The caller has reached the build through its account.
pub async fn list(db: &Db, build: BuildId) -> Result<Vec<Step>, StoreError> {
    Ok(read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?)
}
