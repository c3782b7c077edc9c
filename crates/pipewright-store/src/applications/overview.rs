//! What the list of applications says of their builds.

use pipewright_core::Timestamp;
use pipewright_core::build::BuildState;
use pipewright_core::ids::{AccountId, ApplicationId, BuildId};
use uuid::Uuid;

use crate::db::Db;
use crate::error::StoreError;

/// So many applications are asked for at a time: the places in the statement below. An unused one is NULL, which equals
/// nothing.
const ASKED: usize = 25;

statements! {
    // Numbers are counted per application, so its last twenty are found by the unique index alone.
    LAST_BUILDS = same(
        "SELECT b.id, b.application_id, b.number, b.state, b.state_message, b.ref_name, b.commit_message, b.commit_author, b.accepted_at,
             b.pipeline,
             EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM applications a JOIN builds b ON b.application_id = a.id AND b.number >= a.next_number - 20
         WHERE a.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
         ORDER BY b.application_id, b.number"
    );
    // Whoever has years of builds must not pay for them here: only what is under way stands in this index. SQLite has to be
    // told that, because it takes every index that begins with the application for as good.
    UNDER_WAY = split(
        "SELECT b.state, EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM applications a JOIN builds b INDEXED BY builds_under_way ON b.application_id = a.id
         WHERE a.account_id = $1 AND b.state IN ('queued', 'running', 'paused', 'stopping')",
        "SELECT b.state, EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM applications a JOIN builds b ON b.application_id = a.id
         WHERE a.account_id = $1 AND b.state IN ('queued', 'running', 'paused', 'stopping')",
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
    runs_a_step: bool,
}

/// The last twenty builds of each of these applications, in the order of applications' ids, oldest first. The caller has
/// reached the applications through their account.
pub async fn last_builds(
    db: &Db,
    applications: &[ApplicationId],
) -> Result<Vec<LastBuild>, StoreError> {
    let mut builds = Vec::new();
    for some in applications.chunks(ASKED) {
        let rows: Vec<Row> = read!(db, LAST_BUILDS, |executor, sql| {
            let query = sqlx::query_as(sql);
            places(some)
                .fold(query, sqlx::query::QueryAs::bind)
                .fetch_all(executor)
                .await
        })?;
        for row in rows {
            builds.push(row.read()?);
        }
    }
    Ok(builds)
}

/// Where the builds stand that an account has under way, as people are shown it, in no order.
pub async fn under_way(db: &Db, account: AccountId) -> Result<Vec<BuildState>, StoreError> {
    let rows: Vec<(String, bool)> = read!(db, UNDER_WAY, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    rows.into_iter()
        .map(|(state, runs_a_step)| Ok(parse(&state, || account.to_string())?.seen(runs_a_step)))
        .collect()
}

/// What stands in the places of a statement.
fn places(applications: &[ApplicationId]) -> impl Iterator<Item = Option<Uuid>> {
    (0..ASKED).map(|place| applications.get(place).map(|id| id.as_uuid()))
}

fn parse(state: &str, key: impl FnOnce() -> String) -> Result<BuildState, StoreError> {
    BuildState::parse(state).map_err(|error| StoreError::Inconsistent {
        table: "builds",
        key: key(),
        what: error.to_string(),
    })
}

impl Row {
    fn read(self) -> Result<LastBuild, StoreError> {
        let state = parse(&self.state, || {
            format!("{} of {}", self.number, self.application_id)
        })?;
        Ok(LastBuild {
            id: BuildId::from_uuid(self.id),
            application: ApplicationId::from_uuid(self.application_id),
            number: self.number,
            state: state.seen(self.runs_a_step),
            state_message: self.state_message,
            ref_name: self.ref_name,
            commit_message: self.commit_message,
            commit_author: self.commit_author,
            pipeline: self.pipeline,
            accepted_at: Timestamp::from_micros(self.accepted_at),
        })
    }
}
