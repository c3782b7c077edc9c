//! Refs: where each branch and tag of an application stood when it was last decided, so that a push whose webhook was
//! lost is found.

use pipewright_core::ids::{AccountId, ApplicationId, IntegrationId, RepositoryId};
use pipewright_core::{CommitHash, RefName, Timestamp};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    LIST = same("SELECT name, commit_hash FROM refs WHERE application_id = $1 ORDER BY name");
    GET = same("SELECT commit_hash, object_hash, happened_at FROM refs WHERE application_id = $1 AND name = $2");
    KNOWN = same("SELECT commit_hash, decided_at FROM refs WHERE application_id = $1 AND name = $2");
    PUT_NEW = same(
        "INSERT INTO refs (application_id, name, commit_hash, decided_at) VALUES ($1, $2, $3, $4) ON CONFLICT (application_id, name) DO NOTHING"
    );
    PUT = same(
        "INSERT INTO refs (application_id, name, commit_hash, object_hash, happened_at, decided_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (application_id, name) DO UPDATE SET commit_hash = excluded.commit_hash, object_hash = excluded.object_hash,
             happened_at = excluded.happened_at, decided_at = excluded.decided_at"
    );
    REMOVE = same("DELETE FROM refs WHERE application_id = $1 AND name = $2");
    COMPARED = same("UPDATE applications SET refs_compared_at = $2, refs_message = $3 WHERE id = $1");
    FAILED = same("UPDATE applications SET refs_message = $2 WHERE id = $1");
    DUE = same(
        "SELECT a.id, a.account_id, a.repository_id, r.integration_id, a.watch, a.refs_compared_at
         FROM applications a JOIN repositories r ON r.id = a.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE i.state = 'connected' AND r.gone_at IS NULL
           AND (a.refs_compared_at IS NULL OR a.refs_compared_at <= CASE WHEN a.watch = 'polling' THEN CAST($1 AS BIGINT) ELSE CAST($2 AS BIGINT) END
                OR a.refs_compared_at > $4)
         ORDER BY a.refs_compared_at NULLS FIRST, a.id LIMIT $3"
    );
    WATCHED = same(
        "SELECT a.id FROM applications a JOIN repositories r ON r.id = a.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE i.state = 'connected' AND r.gone_at IS NULL"
    );
    ONE = same(
        "SELECT a.id, a.account_id, a.repository_id, r.integration_id, a.watch, a.refs_compared_at
         FROM applications a JOIN repositories r ON r.id = a.repository_id WHERE a.id = $1"
    );
    UNDECIDED = same("SELECT COUNT(*) FROM deliveries WHERE repository_id = $1 AND state = 'received'");
}

/// An application whose refs are to be compared.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToCompare {
    /// The application.
    #[sqlx(try_from = "Uuid")]
    pub id: ApplicationId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its repository.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// Its integration.
    #[sqlx(try_from = "Uuid")]
    pub integration_id: IntegrationId,
    /// `webhook` or `polling`.
    pub watch: String,
    /// When its refs were last compared; none before the first time.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub refs_compared_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    name: RefName,
    #[sqlx(try_from = "String")]
    commit_hash: CommitHash,
}

/// Where a ref stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The commit.
    pub commit: CommitHash,
    /// The tag object that leads there, where Bitbucket named it: the next move of an annotated tag comes from it.
    pub object: Option<CommitHash>,
    /// Bitbucket's own time of the move that brought it there.
    pub happened_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    #[sqlx(try_from = "String")]
    commit_hash: CommitHash,
    #[sqlx(try_from = "crate::columns::MaybeText")]
    object_hash: Option<CommitHash>,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    happened_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct KnownRow {
    #[sqlx(try_from = "String")]
    commit_hash: CommitHash,
    #[sqlx(try_from = "i64")]
    decided_at: Timestamp,
}

/// The application's refs as last decided, by name.
pub async fn list(
    db: &Db,
    application: ApplicationId,
) -> Result<Vec<(RefName, CommitHash)>, StoreError> {
    let rows: Vec<Row> = read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.name, row.commit_hash))
        .collect())
}

/// Where a ref stood when it was last decided.
pub async fn get(
    tx: &mut Tx,
    application: ApplicationId,
    name: &RefName,
) -> Result<Option<Standing>, StoreError> {
    let row: Option<StandingRow> = within!(tx, GET, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(name.full())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| Standing {
        commit: row.commit_hash,
        object: row.object_hash,
        happened_at: row.happened_at,
    }))
}

/// Where a ref stood when it was last decided, and when that was.
pub async fn known(
    db: &Db,
    application: ApplicationId,
    name: &RefName,
) -> Result<Option<(CommitHash, Timestamp)>, StoreError> {
    let row: Option<KnownRow> = read!(db, KNOWN, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(name.full())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| (row.commit_hash, row.decided_at)))
}

/// Notes where a ref stands that was never decided: one that was, stays as it is.
pub async fn put_new(
    tx: &mut Tx,
    application: ApplicationId,
    name: &RefName,
    commit: &CommitHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, PUT_NEW, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(name.full())
        .bind(commit.as_str())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes where a ref stands.
pub async fn put(
    tx: &mut Tx,
    application: ApplicationId,
    name: &RefName,
    standing: &Standing,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, PUT, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(name.full())
        .bind(standing.commit.as_str())
        .bind(standing.object.as_ref().map(CommitHash::as_str))
        .bind(standing.happened_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets a ref that is gone.
pub async fn remove(
    tx: &mut Tx,
    application: ApplicationId,
    name: &RefName,
) -> Result<(), StoreError> {
    within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(name.full())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes that an application's refs were compared; `message` says what could not be.
pub async fn compared(
    tx: &mut Tx,
    application: ApplicationId,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, COMPARED, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(now.as_micros())
        .bind(message)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes why an application's refs could not be compared.
pub async fn not_compared(
    tx: &mut Tx,
    application: ApplicationId,
    message: &str,
) -> Result<(), StoreError> {
    within!(tx, FAILED, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(message)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Every application whose refs can be compared.
pub async fn watched(db: &Db) -> Result<Vec<ApplicationId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, WATCHED, |executor, sql| sqlx::query_scalar(sql)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(ApplicationId::from_uuid).collect())
}

/// Applications whose refs were last compared at or before a moment, the longest ago first: one moment for those that
/// are only polled, one for those with a webhook. What was compared after `now` is due as well: the clock was set back.
pub async fn due(
    db: &Db,
    polled: Timestamp,
    hooked: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ToCompare>, StoreError> {
    Ok(read!(db, DUE, |executor, sql| sqlx::query_as(sql)
        .bind(polled.as_micros())
        .bind(hooked.as_micros())
        .bind(limit)
        .bind(now.as_micros())
        .fetch_all(executor)
        .await)?)
}

/// One application, to compare its refs now.
pub async fn one(db: &Db, application: ApplicationId) -> Result<Option<ToCompare>, StoreError> {
    Ok(read!(db, ONE, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// How many deliveries of a repository are not decided yet.
pub async fn undecided_deliveries(db: &Db, repository: RepositoryId) -> Result<i64, StoreError> {
    Ok(read!(db, UNDECIDED, |executor, sql| sqlx::query_scalar(
        sql
    )
    .bind(repository.as_uuid())
    .fetch_one(executor)
    .await)?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::{RefName, Timestamp};

    use crate::testing::on_each_database;
    use crate::testing_builds::an_application;

    #[test]
    fn a_ref_is_noted_moved_and_forgotten_and_a_new_application_is_due_first() {
        on_each_database(async |db| {
            let made = an_application(&db, "refs").await;
            let now = Timestamp::from_seconds(600);
            let main = RefName::branch("größe/日本").expect("a branch");
            let commit = |digit: &str| digit.repeat(40).parse().expect("a commit");
            let at = |digit: &str| super::Standing {
                commit: commit(digit),
                object: None,
                happened_at: None,
            };
            assert_eq!(
                super::due(&db, now, now, now, 10)
                    .await
                    .expect("reads")
                    .len(),
                1
            );
            let mut tx = db.begin().await.expect("begins");
            super::put(&mut tx, made.application, &main, &at("a"), now)
                .await
                .expect("puts");
            super::put(&mut tx, made.application, &main, &at("b"), now)
                .await
                .expect("moves");
            super::compared(&mut tx, made.application, None, now)
                .await
                .expect("notes");
            tx.commit().await.expect("commits");
            assert_eq!(
                super::list(&db, made.application).await.expect("lists"),
                [(main.clone(), commit("b"))]
            );
            let before = Timestamp::from_seconds(599);
            assert!(
                super::due(&db, now, before, now, 10)
                    .await
                    .expect("reads")
                    .is_empty(),
                "it has a webhook"
            );
            let mut tx = db.begin().await.expect("begins");
            super::remove(&mut tx, made.application, &main)
                .await
                .expect("removes");
            tx.commit().await.expect("commits");
            assert!(
                super::list(&db, made.application)
                    .await
                    .expect("lists")
                    .is_empty()
            );
        });
    }
}
