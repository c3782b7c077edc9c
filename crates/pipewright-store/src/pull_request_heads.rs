//! Where each pull request stood when it was last decided: its source's commit, and the branch that it is to be merged into.

use pipewright_core::ids::{ApplicationId, BuildId};
use pipewright_core::{CommitHash, Timestamp};

use crate::db::Tx;
use crate::error::StoreError;

statements! {
    GET = same(
        "SELECT h.source_hash, h.destination, h.changed_at, h.build_id, b.number AS build_number
         FROM pull_request_heads h LEFT JOIN builds b ON b.id = h.build_id WHERE h.application_id = $1 AND h.number = $2"
    );
    PUT = same(
        "INSERT INTO pull_request_heads (application_id, number, source_hash, destination, changed_at, build_id, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (application_id, number) DO UPDATE SET source_hash = excluded.source_hash, destination = excluded.destination,
             changed_at = excluded.changed_at, build_id = excluded.build_id, decided_at = excluded.decided_at"
    );
}

/// Where a pull request stood when it was last decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestHead {
    /// The commit of its source.
    pub source: CommitHash,
    /// The short name of the branch it is to be merged into.
    pub destination: String,
    /// Bitbucket's own time of its last change.
    pub changed_at: Option<Timestamp>,
    /// The build that was made of it there.
    pub build: Option<BuildId>,
    /// That build's number; none where the build is not kept any more.
    pub build_number: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    source_hash: CommitHash,
    destination: String,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    changed_at: Option<Timestamp>,
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    build_id: Option<BuildId>,
    build_number: Option<i64>,
}

/// Where the pull request of this number stood; none before it was decided for the first time.
pub async fn get(
    tx: &mut Tx,
    application: ApplicationId,
    number: u64,
) -> Result<Option<PullRequestHead>, StoreError> {
    let row: Option<Row> = within!(tx, GET, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(stored(number))
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| PullRequestHead {
        source: row.source_hash,
        destination: row.destination,
        changed_at: row.changed_at,
        build: row.build_id,
        build_number: row.build_number,
    }))
}

/// Notes where the pull request of this number stands.
pub async fn put(
    tx: &mut Tx,
    application: ApplicationId,
    number: u64,
    head: &PullRequestHead,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, PUT, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(stored(number))
        .bind(head.source.as_str())
        .bind(head.destination.as_str())
        .bind(head.changed_at.map(Timestamp::as_micros))
        .bind(head.build.map(BuildId::as_uuid))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
