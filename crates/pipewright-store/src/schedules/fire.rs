//! From a due time to a build, in two steps that may each be interrupted anywhere: [`fire`] and [`settle`].

use pipewright_core::Timestamp;
use pipewright_core::ids::{BuildId, RepositoryId, ScheduleId};
use uuid::Uuid;

use super::row::{Row, Schedule};
use crate::columns::too_far;
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    DUE = same("SELECT * FROM schedules WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2");
    MOVE_ON = same("UPDATE schedules SET next_at = $3, message = COALESCE($4, message) WHERE id = $1 AND next_at = $2");
    INSERT = same("INSERT INTO firings (schedule_id, due_at, missed, tries, retry_at) VALUES ($1, $2, $3, 0, $2) ON CONFLICT (schedule_id, due_at) DO NOTHING");
    FIRINGS = same(
        "SELECT s.*, f.due_at, f.missed, f.tries, a.repository_id FROM firings f JOIN schedules s ON s.id = f.schedule_id
         JOIN applications a ON a.id = s.application_id
         WHERE (f.retry_at <= $1 OR f.retry_at > $3) ORDER BY f.retry_at, f.due_at, f.schedule_id LIMIT $2"
    );
    // As everything that changes a schedule: its row first, then its firings. SQLite has one writer.
    LOCK = split("SELECT id FROM schedules WHERE id = $1", "SELECT id FROM schedules WHERE id = $1 FOR UPDATE");
    RETRY = same("UPDATE firings SET tries = tries + 1, retry_at = $3 WHERE schedule_id = $1 AND due_at = $2");
    REMOVE = same("DELETE FROM firings WHERE schedule_id = $1 AND due_at = $2");
    BUILT = same("UPDATE schedules SET last_build_id = $2, message = NULL WHERE id = $1");
    SAY = same("UPDATE schedules SET message = $2 WHERE id = $1");
}

/// A due time whose build is to be made.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The schedule as it is now.
    pub schedule: Schedule,
    /// The repository of its application.
    pub repository: RepositoryId,
    /// The due time.
    pub due_at: Timestamp,
    /// How many due times before it were passed over, because nobody was there to fire them.
    pub missed: i64,
    /// How often making the build failed.
    pub tries: i64,
}

#[derive(sqlx::FromRow)]
struct FiringRow {
    #[sqlx(flatten)]
    schedule: Row,
    due_at: i64,
    missed: i64,
    tries: i64,
    repository_id: Uuid,
}

/// How a due time ended.
#[derive(Debug, Clone)]
pub enum Settled {
    /// With this build.
    Built(BuildId),
    /// Without one: a whole sentence says why.
    NotBuilt(String),
}

/// Schedules whose time has come, at most `limit`.
pub async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<Schedule>, StoreError> {
    let rows: Vec<Row> = read!(db, DUE, |executor, sql| sqlx::query_as(sql)
        .bind(now.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Schedule::from).collect())
}

/// Moves a schedule that was due at `was` on to its next time and stores the newest due time as a firing. `due_at` is none
/// where nothing is to be fired, because the expression cannot be read any more: `message` then says so. False, and nothing
/// is stored, where another server, or a change by a person, came first.
pub async fn fire(
    tx: &mut Tx,
    id: ScheduleId,
    was: Timestamp,
    next_at: Option<Timestamp>,
    due_at: Option<(Timestamp, i64)>,
    message: Option<&str>,
) -> Result<bool, StoreError> {
    let moved = within!(tx, MOVE_ON, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(was.as_micros())
        .bind(next_at.map(Timestamp::as_micros))
        .bind(message)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if moved == 0 {
        return Ok(false);
    }
    if let Some((due_at, missed)) = due_at {
        within!(tx, INSERT, |executor, sql| sqlx::query(sql)
            .bind(id.as_uuid())
            .bind(due_at.as_micros())
            .bind(missed)
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(true)
}

/// Firings whose build is to be made, or tried again, now; at most `limit`.
pub async fn firings(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<Firing>, StoreError> {
    let rows: Vec<FiringRow> = read!(db, FIRINGS, |executor, sql| sqlx::query_as(sql)
        .bind(now.as_micros())
        .bind(limit)
        .bind(too_far(now))
        .fetch_all(executor)
        .await)?;
    let firing = |row: FiringRow| Firing {
        schedule: row.schedule.into(),
        repository: RepositoryId::from_uuid(row.repository_id),
        due_at: Timestamp::from_micros(row.due_at),
        missed: row.missed,
        tries: row.tries,
    };
    Ok(rows.into_iter().map(firing).collect())
}

/// Holds the schedule's row until the transaction ends, whether it is there or not.
async fn lock(tx: &mut Tx, id: ScheduleId) -> Result<(), StoreError> {
    within!(tx, LOCK, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Has a firing tried again later; the schedule shows why.
pub async fn retry(
    tx: &mut Tx,
    id: ScheduleId,
    due_at: Timestamp,
    at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    lock(tx, id).await?;
    within!(tx, RETRY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(due_at.as_micros())
        .bind(at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, SAY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Ends a firing, in the transaction that makes its build. False, and the caller makes none, where it was ended before, or
/// went with its schedule.
pub async fn settle(
    tx: &mut Tx,
    id: ScheduleId,
    due_at: Timestamp,
    how: &Settled,
) -> Result<bool, StoreError> {
    lock(tx, id).await?;
    let removed = within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(due_at.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if removed == 0 {
        return Ok(false);
    }
    match how {
        Settled::Built(build) => {
            within!(tx, BUILT, |executor, sql| sqlx::query(sql)
                .bind(id.as_uuid())
                .bind(build.as_uuid())
                .execute(executor)
                .await
                .map(drop))?;
        }
        Settled::NotBuilt(why) => {
            within!(tx, SAY, |executor, sql| sqlx::query(sql)
                .bind(id.as_uuid())
                .bind(why.as_str())
                .execute(executor)
                .await
                .map(drop))?;
        }
    }
    Ok(true)
}
