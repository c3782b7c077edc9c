//! Tasks: background work that must survive a restart and that no other table shows to be due.
//!
//! A task is claimed by lease; one whose process died is claimed again when its time is up, so a task must be harmless
//! when run twice. What fails is tried again later, and in the end kept as `failed` with its reason. Claiming clears the
//! key that keeps a task from waiting twice: what happens while it runs is a new task and not lost.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::TaskId;
use sqlx::types::Json;
use uuid::Uuid;

use crate::columns::too_far;
use crate::db::Tx;
use crate::error::StoreError;

statements! {
    ENQUEUE = same(
        "INSERT INTO tasks (id, kind, unique_key, payload, state, run_after, tries, created_at) VALUES ($1, $2, $3, $4, 'waiting', $5, 0, $6)
         ON CONFLICT (unique_key) DO NOTHING"
    );
    // Split: PostgreSQL passes over tasks that another server is claiming.
    CLAIM = split(
        "UPDATE tasks SET lease_owner = $1, lease_until = $2, tries = tries + 1, unique_key = NULL
         WHERE id = (SELECT id FROM tasks WHERE state = 'waiting' AND (run_after <= $3 OR run_after > $4) AND (lease_until IS NULL OR lease_until <= $3 OR lease_until > $4)
                     ORDER BY run_after, id LIMIT 1)
         RETURNING id, kind, payload, tries",
        "UPDATE tasks SET lease_owner = $1, lease_until = $2, tries = tries + 1, unique_key = NULL
         WHERE id = (SELECT id FROM tasks WHERE state = 'waiting' AND (run_after <= $3 OR run_after > $4) AND (lease_until IS NULL OR lease_until <= $3 OR lease_until > $4)
                     ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, kind, payload, tries"
    );
    END = same(
        "UPDATE tasks SET state = $3, error = $4, finished_at = $5, lease_owner = NULL, lease_until = NULL
         WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'"
    );
    RETRY = same("UPDATE tasks SET run_after = $3, error = $4, lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'");
    FORGET = same("DELETE FROM tasks WHERE state = 'done' AND finished_at <= $1");
}

/// A task to be done.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Which kind of work.
    pub kind: String,
    /// At most one task of this key waits; further ones change nothing.
    pub unique_key: Option<String>,
    /// What to do it with.
    pub payload: serde_json::Value,
    /// Not before.
    pub run_after: Timestamp,
    /// Now.
    pub created_at: Timestamp,
}

/// A claimed task.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Task {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: TaskId,
    /// Which kind of work.
    pub kind: String,
    /// What to do it with.
    #[sqlx(json)]
    pub payload: serde_json::Value,
    /// How often it was claimed, this time included.
    pub tries: i64,
}

/// Has a task done. False where one of the same key waits already.
pub async fn enqueue(tx: &mut Tx, new: &NewTask) -> Result<bool, StoreError> {
    let rows = within!(tx, ENQUEUE, |executor, sql| sqlx::query(sql)
        .bind(TaskId::new().as_uuid())
        .bind(new.kind.as_str())
        .bind(new.unique_key.as_deref())
        .bind(Json(&new.payload))
        .bind(new.run_after.as_micros())
        .bind(new.created_at.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Claims the task that is next, if one is due.
pub async fn claim(
    tx: &mut Tx,
    owner: Uuid,
    now: Timestamp,
    lease: Duration,
) -> Result<Option<Task>, StoreError> {
    Ok(within!(tx, CLAIM, |executor, sql| sqlx::query_as(sql)
        .bind(owner)
        .bind((now + lease).as_micros())
        .bind(now.as_micros())
        .bind(too_far(now))
        .fetch_optional(executor)
        .await)?)
}

/// It is done. False where the lease is another's by now.
pub async fn done(
    tx: &mut Tx,
    id: TaskId,
    owner: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    end(tx, id, owner, "done", None, now).await
}

/// It failed for good, and is kept with its reason. False where the lease is another's by now.
pub async fn failed(
    tx: &mut Tx,
    id: TaskId,
    owner: Uuid,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    end(tx, id, owner, "failed", Some(why), now).await
}

async fn end(
    tx: &mut Tx,
    id: TaskId,
    owner: Uuid,
    state: &str,
    why: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, END, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(owner)
        .bind(state)
        .bind(why)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Has it done again later. False where the lease is another's by now.
pub async fn retry_later(
    tx: &mut Tx,
    id: TaskId,
    owner: Uuid,
    at: Timestamp,
    why: &str,
) -> Result<bool, StoreError> {
    let rows = within!(tx, RETRY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(owner)
        .bind(at.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Removes tasks that were done at or before a moment. Failed ones stay for a person to see.
pub async fn forget_done(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    within!(tx, FORGET, |executor, sql| sqlx::query(sql)
        .bind(before.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use uuid::Uuid;

    use super::NewTask;
    use crate::testing::on_each_database;

    #[test]
    fn a_task_waits_once_is_claimed_once_and_comes_back() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(500);
            let minute = Duration::from_mins(1);
            let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
            let task = NewTask {
                kind: "compare".to_owned(),
                unique_key: Some("compare:1".to_owned()),
                payload: serde_json::json!({"application": 1}),
                run_after: now,
                created_at: now,
            };
            let mut tx = db.begin().await.expect("begins");
            assert!(super::enqueue(&mut tx, &task).await.expect("enqueues"));
            assert!(!super::enqueue(&mut tx, &task).await.expect("waits already"));
            let claimed = super::claim(&mut tx, one, now, minute)
                .await
                .expect("claims")
                .expect("one");
            assert!(
                super::claim(&mut tx, two, now, minute)
                    .await
                    .expect("claims")
                    .is_none()
            );
            assert!(
                super::enqueue(&mut tx, &task)
                    .await
                    .expect("a new wish while it runs")
            );
            let second = super::claim(&mut tx, two, now, minute)
                .await
                .expect("claims")
                .expect("the new one");
            assert_ne!(claimed.id, second.id);

            // The first owner dies; the second takes its task over, and the first has no say any more.
            let again = super::claim(&mut tx, two, now + minute, minute)
                .await
                .expect("claims")
                .expect("one");
            assert_eq!((again.id, again.tries), (claimed.id, 2));
            assert!(
                !super::done(&mut tx, again.id, one, now)
                    .await
                    .expect("too late")
            );
            assert!(
                super::retry_later(&mut tx, again.id, two, now + minute * 5, "away")
                    .await
                    .expect("waits")
            );
            assert!(
                super::done(&mut tx, second.id, two, now)
                    .await
                    .expect("ends")
            );
            assert!(
                super::claim(&mut tx, one, now + minute * 2, minute)
                    .await
                    .expect("claims")
                    .is_none()
            );
            let last = super::claim(&mut tx, one, now + minute * 5, minute)
                .await
                .expect("claims")
                .expect("one");
            assert!(
                super::failed(&mut tx, last.id, one, "never", now)
                    .await
                    .expect("ends")
            );
            super::forget_done(&mut tx, now + minute * 9)
                .await
                .expect("forgets");
            tx.commit().await.expect("commits");
        });
    }
}
