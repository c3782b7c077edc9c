//! What applications take, measured now and then: a page that shows it reads a row, however much there is. Moves and pull
//! requests, which are few, are counted when they are asked for.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, RepositoryId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    APPLICATIONS = same("SELECT id, repository_id FROM applications ORDER BY id");
    BUILDS = same("SELECT COUNT(*), CAST(0 AS BIGINT) FROM builds WHERE application_id = $1");
    LOGS = same(
        "SELECT COUNT(*), CAST(COALESCE(SUM(t.log_bytes), 0) AS BIGINT) FROM attempts t JOIN builds b ON b.id = t.build_id
         WHERE b.application_id = $1 AND t.log_bytes > 0 AND t.log_removed_at IS NULL"
    );
    ARTIFACTS = same(
        "SELECT COUNT(*), CAST(COALESCE(SUM(r.bytes), 0) AS BIGINT) FROM artifacts r JOIN builds b ON b.id = r.build_id
         WHERE b.application_id = $1 AND r.removed_at IS NULL"
    );
    STATUSES = same(
        "SELECT COUNT(*), CAST(0 AS BIGINT) FROM statuses s JOIN builds b ON b.id = s.build_id WHERE b.application_id = $1"
    );
    TESTS = same(
        "SELECT CAST(COALESCE(SUM(r.listed), 0) AS BIGINT), CAST(0 AS BIGINT) FROM test_reports r JOIN builds b ON b.id = r.build_id WHERE b.application_id = $1"
    );
    DELIVERIES = same(
        "SELECT COUNT(*), CAST(COALESCE(SUM(LENGTH(body)), 0) AS BIGINT) FROM deliveries WHERE repository_id = $1"
    );
    SET = same(
        "INSERT INTO storage_sizes (application_id, builds, logs, log_bytes, artifacts, artifact_bytes, deliveries, body_bytes, statuses,
            cache_bytes, mirror_bytes, measured_at, tests)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (application_id) DO UPDATE SET builds = excluded.builds, logs = excluded.logs, log_bytes = excluded.log_bytes,
            artifacts = excluded.artifacts, artifact_bytes = excluded.artifact_bytes, deliveries = excluded.deliveries,
            body_bytes = excluded.body_bytes, statuses = excluded.statuses, cache_bytes = excluded.cache_bytes,
            mirror_bytes = excluded.mirror_bytes, measured_at = excluded.measured_at, tests = excluded.tests"
    );
    OF_ACCOUNT = same(
        "SELECT a.name, a.slug, s.builds, s.logs, s.log_bytes, s.artifacts, s.artifact_bytes, s.deliveries, s.body_bytes, s.statuses,
                s.cache_bytes, s.mirror_bytes, s.measured_at, s.tests,
                (SELECT COUNT(*) FROM ref_moves m WHERE m.application_id = a.id) AS moves,
                (SELECT COUNT(*) FROM pull_request_heads h WHERE h.application_id = a.id) AS pull_requests
         FROM storage_sizes s JOIN applications a ON a.id = s.application_id
         WHERE a.account_id = $1 ORDER BY s.log_bytes + s.artifact_bytes + s.body_bytes + s.cache_bytes + s.mirror_bytes DESC, a.name"
    );
}

/// What an application takes: numbers and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Sizes {
    /// Builds.
    pub builds: i64,
    /// Logs that are kept.
    pub logs: i64,
    /// Their bytes.
    pub log_bytes: i64,
    /// Artifacts that are kept.
    pub artifacts: i64,
    /// Their bytes.
    pub artifact_bytes: i64,
    /// Deliveries of its repository.
    pub deliveries: i64,
    /// Bytes of their bodies that are kept.
    pub body_bytes: i64,
    /// Statuses, sent and still to be sent.
    pub statuses: i64,
    /// Bytes of its caches on this machine.
    pub cache_bytes: i64,
    /// Bytes of its repository's mirror on this machine.
    pub mirror_bytes: i64,
    /// Results of tests.
    pub tests: i64,
}

/// The sizes of an application, for people.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ApplicationSizes {
    /// Its name.
    pub name: String,
    /// Its part of addresses.
    pub slug: String,
    /// What it takes.
    #[sqlx(flatten)]
    pub sizes: Sizes,
    /// Moves of its branches and tags that are kept.
    pub moves: i64,
    /// Pull requests whose newest state is kept.
    pub pull_requests: i64,
    /// When that was measured.
    #[sqlx(try_from = "i64")]
    pub measured_at: Timestamp,
}

/// Every application with its repository.
pub async fn applications(db: &Db) -> Result<Vec<(ApplicationId, RepositoryId)>, StoreError> {
    let rows: Vec<(Uuid, Uuid)> = read!(db, APPLICATIONS, |executor, sql| sqlx::query_as(sql)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|(application, repository)| {
            (
                ApplicationId::from_uuid(application),
                RepositoryId::from_uuid(repository),
            )
        })
        .collect())
}

/// Counts what the database knows of an application; what is on this machine's disk alone is 0.
pub async fn measure(
    db: &Db,
    application: ApplicationId,
    repository: RepositoryId,
) -> Result<Sizes, StoreError> {
    let (builds, _) = pair(db, BUILDS, application.as_uuid()).await?;
    let (logs, log_bytes) = pair(db, LOGS, application.as_uuid()).await?;
    let (artifacts, artifact_bytes) = pair(db, ARTIFACTS, application.as_uuid()).await?;
    let (tests, _) = pair(db, TESTS, application.as_uuid()).await?;
    let (statuses, _) = pair(db, STATUSES, application.as_uuid()).await?;
    let (deliveries, body_bytes) = pair(db, DELIVERIES, repository.as_uuid()).await?;
    Ok(Sizes {
        builds,
        logs,
        log_bytes,
        artifacts,
        artifact_bytes,
        deliveries,
        body_bytes,
        statuses,
        tests,
        ..Sizes::default()
    })
}

async fn pair(
    db: &Db,
    statement: crate::macros::Statement,
    id: Uuid,
) -> Result<(i64, i64), StoreError> {
    Ok(read!(db, statement, |executor, sql| sqlx::query_as(sql)
        .bind(id)
        .fetch_one(executor)
        .await)?)
}

/// Keeps what was measured.
pub async fn set(
    tx: &mut Tx,
    application: ApplicationId,
    sizes: &Sizes,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SET, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(sizes.builds)
        .bind(sizes.logs)
        .bind(sizes.log_bytes)
        .bind(sizes.artifacts)
        .bind(sizes.artifact_bytes)
        .bind(sizes.deliveries)
        .bind(sizes.body_bytes)
        .bind(sizes.statuses)
        .bind(sizes.cache_bytes)
        .bind(sizes.mirror_bytes)
        .bind(now.as_micros())
        .bind(sizes.tests)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The applications of an account with their sizes, the largest first.
pub async fn of_account(db: &Db, account: AccountId) -> Result<Vec<ApplicationSizes>, StoreError> {
    Ok(read!(db, OF_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?)
}
