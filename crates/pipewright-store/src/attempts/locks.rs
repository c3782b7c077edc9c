//! What attempts must have to begin, who has it, and giving it back.
//!
//! An attempt has its lock while its row is running, so nothing that ends an attempt can forget to give it back. A build
//! has its stage's lock from the claim of the stage's first attempt until it is told to [`release`] it.

use pipewright_core::ids::{ApplicationId, AttemptId, BuildId};
use pipewright_core::plan::{Lock, Locks};

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    SET = same("UPDATE attempts SET lock_application = $2, lock_name = $3, stage_lock = $4 WHERE id = $1");
    HOLD = same("UPDATE builds SET holds = $2 WHERE id = $1");
    RELEASE = same("UPDATE builds SET holds = NULL WHERE id = $1");
    HELD_BACK = same(
        "SELECT s.position, s.name, r.lock_name AS lock, b.number, CASE WHEN b.id = t.build_id THEN 1 ELSE 0 END AS own
         FROM attempts t JOIN steps s ON s.id = t.step_id
              JOIN attempts r ON r.state = 'running' AND r.lock_application = t.lock_application
                   AND (r.lock_name = t.lock_name OR (r.lock_name = t.stage_lock AND r.build_id <> t.build_id))
              JOIN builds b ON b.id = r.build_id
         WHERE t.build_id = $1 AND t.state = 'queued'
         UNION ALL
         SELECT s.position, s.name, h.holds AS lock, h.number, 0 AS own
         FROM attempts t JOIN steps s ON s.id = t.step_id
              JOIN builds h ON h.application_id = t.lock_application AND h.id <> t.build_id AND (h.holds = t.lock_name OR h.holds = t.stage_lock)
         WHERE t.build_id = $1 AND t.state = 'queued'
         ORDER BY 1 LIMIT 100"
    );
}

/// A queued step that waits for a lock, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// The step's number in the plan, from 0.
    pub position: usize,
    /// The step's name.
    pub step: String,
    /// What it waits for.
    pub lock: Lock,
    /// The number of the build that has it.
    pub holder: i64,
    /// True where that is the step's own build.
    pub is_own: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    name: String,
    lock: String,
    number: i64,
    #[sqlx(try_from = "i32")]
    own: i64,
}

/// Notes what a queued attempt must have. The caller holds the build's row.
pub async fn set_locks(
    tx: &mut Tx,
    attempt: AttemptId,
    application: ApplicationId,
    locks: &Locks,
) -> Result<(), StoreError> {
    let word = |lock: &Option<Lock>| lock.as_ref().map(Lock::to_word);
    within!(tx, SET, |executor, sql| sqlx::query(sql)
        .bind(attempt.as_uuid())
        .bind(application.as_uuid())
        .bind(word(&locks.own))
        .bind(word(&locks.stage))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The build of a claimed attempt has its stage's lock from now on.
pub(super) async fn hold(tx: &mut Tx, build: BuildId, word: &str) -> Result<(), StoreError> {
    within!(tx, HOLD, |executor, sql| sqlx::query(sql)
        .bind(build.as_uuid())
        .bind(word)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The build has no stage's lock any more. The caller holds the build's row.
pub async fn release(tx: &mut Tx, build: BuildId) -> Result<(), StoreError> {
    within!(tx, RELEASE, |executor, sql| sqlx::query(sql)
        .bind(build.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The build's queued steps that wait because somebody has what they must have, in plan order.
pub async fn held_back(db: &Db, build: BuildId) -> Result<Vec<HeldBack>, StoreError> {
    let rows: Vec<Row> = read!(db, HELD_BACK, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?;
    let held = rows.into_iter().filter_map(|row| {
        Some(HeldBack {
            position: usize::try_from(row.position).ok()?,
            step: row.name,
            lock: Lock::parse(&row.lock)?,
            holder: row.number,
            is_own: row.own == 1,
        })
    });
    Ok(held.collect())
}
