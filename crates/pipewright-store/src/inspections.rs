//! Inspections: what was last found in a repository (its branches, and what its pipeline file says), so that the wizard
//! and the editor of branch patterns never wait on Bitbucket. What is found is the caller's; here it is JSON.

use std::time::Duration;

use pipewright_core::Timestamp;
use pipewright_core::ids::RepositoryId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

words! {
    /// How the last inspection went.
    InspectionState, "state of an inspection" {
        /// Somebody asked for one.
        Wanted = "wanted",
        /// It is under way.
        Looking = "looking",
        /// It is whole.
        Ready = "ready",
        /// It failed; what was found before is kept.
        Failed = "failed",
    }
}

statements! {
    GET = same("SELECT * FROM inspections WHERE repository_id = $1");
    WANT = same(
        "INSERT INTO inspections (repository_id, state, started_at) VALUES ($1, 'wanted', $2)
         ON CONFLICT (repository_id) DO UPDATE SET state = 'wanted' WHERE inspections.state <> 'looking'"
    );
    DUE = same(
        "SELECT repository_id FROM inspections WHERE state = 'wanted' OR (state = 'looking' AND started_at <= $1)
         ORDER BY started_at, repository_id LIMIT 20"
    );
    BEGIN = same(
        "INSERT INTO inspections (repository_id, state, started_at) VALUES ($1, 'looking', $2)
         ON CONFLICT (repository_id) DO UPDATE SET state = 'looking', started_at = excluded.started_at
         WHERE inspections.state <> 'looking' OR inspections.started_at <= $3"
    );
    FINISH = same(
        "UPDATE inspections SET state = 'ready', error = NULL, findings = $3, finished_at = $4
         WHERE repository_id = $1 AND started_at = $2"
    );
    FAIL = same("UPDATE inspections SET state = 'failed', error = $3 WHERE repository_id = $1 AND started_at = $2");
}

/// What was last found in a repository.
#[derive(Debug, Clone)]
pub struct Inspection<F> {
    /// How the last one went.
    pub state: InspectionState,
    /// Why it failed.
    pub error: Option<String>,
    /// What the last whole one found; none where there never was one.
    pub findings: Option<F>,
    /// When the last one began.
    pub started_at: Timestamp,
    /// When the last whole one ended.
    pub finished_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    state: InspectionState,
    error: Option<String>,
    findings: Option<Json<serde_json::Value>>,
    started_at: i64,
    finished_at: Option<i64>,
}

/// The last inspection, if there ever was one. Findings of an older version's shape are as good as none.
pub async fn get<F: DeserializeOwned>(
    db: &Db,
    repository: RepositoryId,
) -> Result<Option<Inspection<F>>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| Inspection {
        state: row.state,
        error: row.error,
        findings: row
            .findings
            .and_then(|Json(findings)| serde_json::from_value(findings).ok()),
        started_at: Timestamp::from_micros(row.started_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
    }))
}

/// Asks for an inspection; one that is under way is enough.
pub async fn want(tx: &mut Tx, repository: RepositoryId, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, WANT, |executor, sql| sqlx::query(sql)
        .bind(repository.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Repositories to be inspected: those somebody asked for, and those whose inspection died with its process: it began at
/// or before `dead`. Twenty at most.
pub async fn due(db: &Db, dead: Timestamp) -> Result<Vec<RepositoryId>, StoreError> {
    let ids: Vec<Uuid> = read!(db, DUE, |executor, sql| sqlx::query_scalar(sql)
        .bind(dead.as_micros())
        .fetch_all(executor)
        .await)?;
    Ok(ids.into_iter().map(RepositoryId::from_uuid).collect())
}

/// Begins an inspection. False where one is under way; one that takes longer than `limit` died with its process.
pub async fn begin(
    tx: &mut Tx,
    repository: RepositoryId,
    now: Timestamp,
    limit: Duration,
) -> Result<bool, StoreError> {
    let rows = within!(tx, BEGIN, |executor, sql| sqlx::query(sql)
        .bind(repository.as_uuid())
        .bind(now.as_micros())
        .bind((now - limit).as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Keeps what the inspection that began at `started_at` found.
pub async fn finish<F: Serialize + Sync>(
    tx: &mut Tx,
    repository: RepositoryId,
    started_at: Timestamp,
    findings: &F,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, FINISH, |executor, sql| sqlx::query(sql)
        .bind(repository.as_uuid())
        .bind(started_at.as_micros())
        .bind(Json(findings))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps why the inspection that began at `started_at` failed.
pub async fn fail(
    tx: &mut Tx,
    repository: RepositoryId,
    started_at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    within!(tx, FAIL, |executor, sql| sqlx::query(sql)
        .bind(repository.as_uuid())
        .bind(started_at.as_micros())
        .bind(error)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    use super::{InspectionState, begin, due, fail, finish, get, want};
    use crate::integrations::testing::{an_account, an_integration};
    use crate::repositories::testing::a_repository;
    use crate::testing::on_each_database;

    #[test]
    fn what_was_found_stays_when_the_next_look_fails() {
        on_each_database(async |db| {
            let limit = Duration::from_mins(5);
            let (first, second) = (Timestamp::from_seconds(1000), Timestamp::from_seconds(1001));
            let mut tx = db.begin().await.expect("begins");
            let (account, user) = an_account(&mut tx, "harbor").await;
            let integration = an_integration(&mut tx, account, user).await;
            let repository = a_repository(&mut tx, account, integration, "harbor/api").await;
            want(&mut tx, repository, first).await.expect("asks");
            tx.commit().await.expect("commits");
            assert_eq!(
                due(&db, Timestamp::from_seconds(0)).await.expect("reads"),
                [repository]
            );
            let mut tx = db.begin().await.expect("begins");
            assert!(
                begin(&mut tx, repository, first, limit)
                    .await
                    .expect("begins")
            );
            want(&mut tx, repository, second)
                .await
                .expect("is under way");
            assert!(
                !begin(&mut tx, repository, second, limit)
                    .await
                    .expect("is under way")
            );
            finish(&mut tx, repository, first, &vec!["main"], first)
                .await
                .expect("ends");
            assert!(
                begin(&mut tx, repository, second, limit)
                    .await
                    .expect("begins")
            );
            fail(&mut tx, repository, second, "unreachable")
                .await
                .expect("fails");
            tx.commit().await.expect("commits");
            assert!(due(&db, first).await.expect("reads").is_empty());
            let inspection = get::<Vec<String>>(&db, repository)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(
                (inspection.state, inspection.error.as_deref()),
                (InspectionState::Failed, Some("unreachable"))
            );
            assert_eq!(
                (inspection.findings, inspection.finished_at),
                (Some(vec!["main".to_owned()]), Some(first))
            );
            assert!(
                get::<u64>(&db, repository)
                    .await
                    .expect("reads")
                    .expect("is there")
                    .findings
                    .is_none(),
                "another shape"
            );
        });
    }
}
