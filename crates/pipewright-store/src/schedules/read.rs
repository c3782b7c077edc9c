//! Schedules for people: an application's list, and one.

use pipewright_core::build::BuildState;
use pipewright_core::ids::{AccountId, ApplicationId, ScheduleId};
use uuid::Uuid;

use super::row::{Row, Schedule};
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    LIST = same(
        "SELECT s.*, b.number AS last_number, b.state AS last_state,
             EXISTS (SELECT 1 FROM steps p WHERE p.build_id = b.id AND p.state = 'running') AS last_runs FROM schedules s LEFT JOIN builds b ON b.id = s.last_build_id
         WHERE s.account_id = $1 AND s.application_id = $2 ORDER BY s.id"
    );
    GET = same("SELECT * FROM schedules WHERE account_id = $1 AND application_id = $2 AND id = $3");
    COUNT = same("SELECT COUNT(*) FROM schedules WHERE application_id = $1");
    LAST_ZONE = same("SELECT time_zone FROM schedules WHERE account_id = $1 ORDER BY changed_at DESC LIMIT 1");
}

/// A schedule with what a list says of its last build.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The schedule.
    pub schedule: Schedule,
    /// Its last build.
    pub last: Option<LastBuild>,
}

/// A schedule's last build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBuild {
    /// Its number in its application.
    pub number: i64,
    /// Where it stands, as people are shown it.
    pub state: BuildState,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    schedule: Row,
    last_number: Option<i64>,
    last_state: Option<String>,
    last_runs: bool,
}

/// The application's schedules, oldest first.
pub async fn list(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
) -> Result<Vec<Listed>, StoreError> {
    let rows: Vec<ListedRow> = read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?;
    let listed = |row: ListedRow| {
        let state = row
            .last_state
            .and_then(|word| BuildState::parse(&word).ok())
            .map(|state| state.seen(row.last_runs));
        Listed {
            last: row
                .last_number
                .zip(state)
                .map(|(number, state)| LastBuild { number, state }),
            schedule: row.schedule.into(),
        }
    };
    Ok(rows.into_iter().map(listed).collect())
}

/// A schedule of an application of the account.
pub async fn get(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
    id: ScheduleId,
) -> Result<Option<Schedule>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Schedule::from))
}

/// How many schedules the application has.
pub async fn count(tx: &mut Tx, application: ApplicationId) -> Result<i64, StoreError> {
    Ok(within!(tx, COUNT, |executor, sql| sqlx::query_scalar(sql)
        .bind(application.as_uuid())
        .fetch_one(executor)
        .await)?)
}

/// The time zone that somebody in the account chose last.
pub async fn last_zone(db: &Db, account: AccountId) -> Result<Option<String>, StoreError> {
    let account: Uuid = account.as_uuid();
    Ok(read!(db, LAST_ZONE, |executor, sql| sqlx::query_scalar(
        sql
    )
    .bind(account)
    .fetch_optional(executor)
    .await)?)
}
