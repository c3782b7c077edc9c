//! The newest moves of each branch and tag that were decided: what a push that is told again, late, or by a comparison of
//! refs is known by.
//!
//! A move is one event at Bitbucket, unique per application, ref and event. Ids are a counter of the database, so that the
//! order of deciding needs no clock. What the rows mean for a new push is decided by the caller; here is no rule.

use std::collections::BTreeSet;

use pipewright_core::ids::{ApplicationId, BuildId};
use pipewright_core::{CommitHash, RefName, Timestamp};

use crate::db::{Db, Tx};
use crate::error::StoreError;

/// How many moves of a ref are kept: far more than deliveries are ever late by.
pub const KEPT: i64 = 32;

statements! {
    OF_REF = same(
        "SELECT m.id, m.event, m.old_hash, m.new_hash, m.is_compared, m.is_gap, m.is_settled, m.happened_at, m.build_id, b.number AS build_number
         FROM ref_moves m LEFT JOIN builds b ON b.id = m.build_id
         WHERE m.application_id = $1 AND m.ref_name = $2 ORDER BY m.id DESC LIMIT $3"
    );
    INSERT = same(
        "INSERT INTO ref_moves (application_id, ref_name, event, old_hash, new_hash, is_compared, is_gap, is_settled, happened_at, build_id, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    PRUNE = same(
        "DELETE FROM ref_moves WHERE application_id = $1 AND ref_name = $2 AND id <=
         (SELECT id FROM ref_moves WHERE application_id = $1 AND ref_name = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)"
    );
    TOLD = same("UPDATE ref_moves SET event = $2, old_hash = $3, is_gap = $4, happened_at = $5, is_compared = FALSE WHERE id = $1");
    BUILT = same("UPDATE ref_moves SET build_id = $2 WHERE id = $1");
    FILLED = same("UPDATE ref_moves SET is_gap = FALSE WHERE id = $1");
    SETTLED = same("UPDATE ref_moves SET is_gap = FALSE, is_settled = TRUE WHERE id = $1");
    SETTLED_UNTIL = same(
        "UPDATE ref_moves SET is_gap = FALSE, is_settled = TRUE
         WHERE application_id = $1 AND ref_name = $2 AND id <= $3 AND (is_gap OR NOT is_settled)"
    );
    // Of all applications: it is only a bound, and is read from the end of the table.
    NEWEST = same("SELECT COALESCE(MAX(id), 0) FROM ref_moves");
    OPEN = same("SELECT ref_name FROM ref_moves WHERE application_id = $1 AND (is_gap OR NOT is_settled) ORDER BY id");
}

/// A move that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMoveRow {
    /// Its place in the order of deciding.
    pub id: i64,
    /// Which event it was.
    pub event: String,
    /// Where the ref stood; none where it was not there.
    pub old: Option<CommitHash>,
    /// Where it went; none where it was deleted.
    pub new: Option<CommitHash>,
    /// True where comparing refs found it, and no delivery has told of it since.
    pub is_compared: bool,
    /// True where nothing that was decided had moved the ref to `old`: a move before it is still to be told.
    pub is_gap: bool,
    /// False where its place among the other moves is not known yet.
    pub is_settled: bool,
    /// Bitbucket's own time of it, where it says.
    pub happened_at: Option<Timestamp>,
    /// The build that was made of it.
    pub build: Option<BuildId>,
    /// That build's number; none where the build is not kept any more.
    pub build_number: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    event: String,
    #[sqlx(try_from = "crate::columns::MaybeText")]
    old_hash: Option<CommitHash>,
    #[sqlx(try_from = "crate::columns::MaybeText")]
    new_hash: Option<CommitHash>,
    is_compared: bool,
    is_gap: bool,
    is_settled: bool,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    happened_at: Option<Timestamp>,
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    build_id: Option<BuildId>,
    build_number: Option<i64>,
}

impl From<Row> for RefMoveRow {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            event: row.event,
            old: row.old_hash,
            new: row.new_hash,
            is_compared: row.is_compared,
            is_gap: row.is_gap,
            is_settled: row.is_settled,
            happened_at: row.happened_at,
            build: row.build_id,
            build_number: row.build_number,
        }
    }
}

/// A move to be noted.
#[derive(Debug, Clone)]
pub struct NewRefMove<'a> {
    /// The application.
    pub application: ApplicationId,
    /// The branch or tag.
    pub ref_name: &'a RefName,
    /// Which event it is.
    pub event: &'a str,
    /// Where the ref stood.
    pub old: Option<&'a CommitHash>,
    /// Where it went.
    pub new: Option<&'a CommitHash>,
    /// True where comparing refs found it.
    pub is_compared: bool,
    /// True where nothing that was decided had moved the ref to `old`.
    pub is_gap: bool,
    /// False where its place among the other moves is not known yet.
    pub is_settled: bool,
    /// Bitbucket's own time of it.
    pub happened_at: Option<Timestamp>,
    /// The build that was made of it.
    pub build: Option<BuildId>,
    /// Now.
    pub decided_at: Timestamp,
}

/// The kept moves of a ref, newest first.
pub async fn of_ref(
    tx: &mut Tx,
    application: ApplicationId,
    ref_name: &RefName,
) -> Result<Vec<RefMoveRow>, StoreError> {
    let rows: Vec<Row> = within!(tx, OF_REF, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(ref_name.full())
        .bind(KEPT)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(RefMoveRow::from).collect())
}

/// Notes a move. `kept` is how many of the ref [`of_ref`] had read: where that is all that is kept, the oldest goes.
pub async fn insert(tx: &mut Tx, new: &NewRefMove<'_>, kept: usize) -> Result<(), StoreError> {
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.application.as_uuid())
        .bind(new.ref_name.full())
        .bind(new.event)
        .bind(new.old.map(CommitHash::as_str))
        .bind(new.new.map(CommitHash::as_str))
        .bind(new.is_compared)
        .bind(new.is_gap)
        .bind(new.is_settled)
        .bind(new.happened_at.map(Timestamp::as_micros))
        .bind(new.build.map(BuildId::as_uuid))
        .bind(new.decided_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    if i64::try_from(kept).unwrap_or(KEPT) >= KEPT {
        within!(tx, PRUNE, |executor, sql| sqlx::query(sql)
            .bind(new.application.as_uuid())
            .bind(new.ref_name.full())
            .bind(KEPT)
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// Notes that a delivery told of a move that comparing refs had found: which event it is, and where it really came from.
pub async fn told(
    tx: &mut Tx,
    id: i64,
    event: &str,
    old: Option<&CommitHash>,
    is_gap: bool,
    happened_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    within!(tx, TOLD, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(event)
        .bind(old.map(CommitHash::as_str))
        .bind(is_gap)
        .bind(happened_at.map(Timestamp::as_micros))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes the build of a move that had none.
pub async fn built(tx: &mut Tx, id: i64, build: BuildId) -> Result<(), StoreError> {
    within!(tx, BUILT, |executor, sql| sqlx::query(sql)
        .bind(id)
        .bind(build.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes that the move before this one was told.
pub async fn filled(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    within!(tx, FILLED, |executor, sql| sqlx::query(sql)
        .bind(id)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes that this move's place is known.
pub async fn settled(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    within!(tx, SETTLED, |executor, sql| sqlx::query(sql)
        .bind(id)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes that the moves of a ref up to this one lie behind where the ref was seen to stand.
pub async fn settled_until(
    tx: &mut Tx,
    application: ApplicationId,
    ref_name: &RefName,
    newest: i64,
) -> Result<(), StoreError> {
    within!(tx, SETTLED_UNTIL, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(ref_name.full())
        .bind(newest)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The newest move of all; 0 where there is none.
pub async fn newest(db: &Db) -> Result<i64, StoreError> {
    Ok(read!(db, NEWEST, |executor, sql| sqlx::query_scalar(sql)
        .fetch_one(executor)
        .await)?)
}

/// The refs with moves whose place is not known yet.
pub async fn open_refs(db: &Db, application: ApplicationId) -> Result<Vec<RefName>, StoreError> {
    let names: Vec<String> = read!(db, OPEN, |executor, sql| sqlx::query_scalar(sql)
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?;
    let names: BTreeSet<String> = names.into_iter().collect();
    Ok(names
        .into_iter()
        .filter_map(|name| name.parse().ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use pipewright_core::{RefName, Timestamp};

    use super::NewRefMove;
    use crate::testing::on_each_database;
    use crate::testing_builds::an_application;

    #[test]
    fn the_newest_moves_of_a_ref_are_kept_and_each_event_is_noted_once() {
        on_each_database(async |db| {
            let made = an_application(&db, "moves").await;
            let main = RefName::branch("main").expect("a branch");
            let commit = |digit: u32| format!("{digit:040x}").parse().expect("a commit");
            let mut tx = db.begin().await.expect("begins");
            for number in 1..50_u32 {
                let kept = super::of_ref(&mut tx, made.application, &main)
                    .await
                    .expect("reads")
                    .len();
                let (event, new) = (format!("event-{number}"), commit(number));
                let row = NewRefMove {
                    application: made.application,
                    ref_name: &main,
                    event: &event,
                    old: None,
                    new: Some(&new),
                    is_compared: number == 49,
                    is_gap: number == 49,
                    is_settled: number != 48,
                    happened_at: None,
                    build: None,
                    decided_at: Timestamp::from_seconds(1),
                };
                super::insert(&mut tx, &row, kept).await.expect("notes");
            }
            let rows = super::of_ref(&mut tx, made.application, &main)
                .await
                .expect("reads");
            assert_eq!(rows.len(), 32);
            assert_eq!(
                (rows[0].event.as_str(), rows[31].event.as_str()),
                ("event-49", "event-18")
            );
            tx.commit().await.expect("commits");
            assert_eq!(
                super::open_refs(&db, made.application)
                    .await
                    .expect("reads"),
                std::slice::from_ref(&main)
            );
            assert_eq!(super::newest(&db).await.expect("reads"), rows[0].id);
            let mut tx = db.begin().await.expect("begins");
            super::told(&mut tx, rows[0].id, "told", None, false, None)
                .await
                .expect("notes");
            super::settled_until(&mut tx, made.application, &main, rows[0].id)
                .await
                .expect("settles");
            tx.commit().await.expect("commits");
            assert!(
                super::open_refs(&db, made.application)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            let mut tx = db.begin().await.expect("begins");
            let again = NewRefMove {
                application: made.application,
                ref_name: &main,
                event: "told",
                old: None,
                new: None,
                is_compared: false,
                is_gap: false,
                is_settled: true,
                happened_at: None,
                build: None,
                decided_at: Timestamp::from_seconds(1),
            };
            assert!(
                super::insert(&mut tx, &again, 0).await.is_err(),
                "one event is one move"
            );
        });
    }
}
