//! What the list of applications says of their builds.

use pipewright_core::Timestamp;
use pipewright_core::build::BuildState;
use pipewright_core::ids::{AccountId, ApplicationId, BuildId};
use uuid::Uuid;

use crate::db::Db;
use crate::error::StoreError;

statements! {
    // Numbers are counted per application, so its last twenty are found by the unique index alone.
    LAST_BUILDS = same(
        "SELECT b.id, b.application_id, b.number, b.state, b.state_message, b.ref_name, b.commit_message, b.commit_author, b.accepted_at,
             b.started_at, b.finished_at, b.pipeline,
             EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM applications a JOIN builds b ON b.application_id = a.id AND b.number >= a.next_number - 20
         WHERE a.account_id = $1
         ORDER BY b.application_id, b.number"
    );
}

/// A build, as briefly as a list shows it.
#[derive(Debug, Clone)]
pub struct LastBuild {
    /// Its id.
    pub id: BuildId,
    /// What it is a build of.
    pub application: ApplicationId,
    /// Its number there.
    pub number: i64,
    /// Where it stands, as people are shown it.
    pub state: BuildState,
    /// A sentence about that.
    pub state_message: Option<String>,
    /// The full name of its ref.
    pub ref_name: String,
    /// The commit's message, where it is known by now.
    pub commit_message: Option<String>,
    /// The commit's author.
    pub commit_author: Option<String>,
    /// The part of the file that runs, once that is known.
    pub pipeline: Option<String>,
    /// When the push was stored.
    pub accepted_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    application_id: Uuid,
    number: i64,
    state: String,
    state_message: Option<String>,
    ref_name: String,
    commit_message: Option<String>,
    commit_author: Option<String>,
    pipeline: Option<String>,
    accepted_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    runs_a_step: bool,
}

/// The last twenty builds of each application of an account, oldest first.
pub async fn last_builds(db: &Db, account: AccountId) -> Result<Vec<LastBuild>, StoreError> {
    let rows: Vec<Row> = read!(db, LAST_BUILDS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    rows.into_iter()
        .map(|row| {
            let state =
                BuildState::parse(&row.state).map_err(|error| StoreError::Inconsistent {
                    table: "builds",
                    key: format!("{} of {}", row.number, row.application_id),
                    what: error.to_string(),
                })?;
            Ok(LastBuild {
                id: BuildId::from_uuid(row.id),
                application: ApplicationId::from_uuid(row.application_id),
                number: row.number,
                state: state.seen(row.runs_a_step),
                state_message: row.state_message,
                ref_name: row.ref_name,
                commit_message: row.commit_message,
                commit_author: row.commit_author,
                pipeline: row.pipeline,
                accepted_at: Timestamp::from_micros(row.accepted_at),
                started_at: row.started_at.map(Timestamp::from_micros),
                finished_at: row.finished_at.map(Timestamp::from_micros),
            })
        })
        .collect()
}
