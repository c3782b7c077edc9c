//! What became of cases in earlier builds.

use pipewright_core::ids::{ApplicationId, BuildId, TestCaseId};
use pipewright_core::wire::TestState;
use pipewright_core::{CommitHash, RefName, Timestamp};
use uuid::Uuid;

use super::list;
use crate::db::Db;
use crate::error::StoreError;

statements! {
    PAST_BUILDS = same(
        "SELECT b.id, b.number FROM builds b
         WHERE b.application_id = $1 AND b.ref_name = $2 AND b.number <= $3 AND EXISTS (SELECT 1 FROM test_reports r WHERE r.build_id = b.id)
         ORDER BY b.number DESC LIMIT $4"
    );
    // Split: a list of values is another function on each database.
    PAST_RESULTS = split(
        "SELECT build_id, case_id, attempt, state, is_flaky, micros FROM test_results
         WHERE build_id IN (SELECT unhex(value, '-') FROM json_each($1)) AND case_id IN (SELECT unhex(value, '-') FROM json_each($2))
         ORDER BY build_id, case_id, attempt",
        "SELECT build_id, case_id, attempt, state, is_flaky, micros FROM test_results
         WHERE build_id IN (SELECT CAST(value AS UUID) FROM jsonb_array_elements_text($1)) AND case_id IN (SELECT CAST(value AS UUID) FROM jsonb_array_elements_text($2))
         ORDER BY build_id, case_id, attempt"
    );
    CASE = same("SELECT step_name, suite, name, file, line FROM test_cases WHERE application_id = $1 AND id = $2");
    OF_CASE = same(
        "SELECT b.number, b.ref_name, b.commit_hash, b.accepted_at, r.attempt, r.step, r.state, r.is_flaky, r.micros, r.message, r.output
         FROM test_results r JOIN builds b ON b.id = r.build_id
         WHERE b.application_id = $1 AND r.case_id = $2 ORDER BY b.number DESC, r.attempt DESC LIMIT $3"
    );
}

/// A build whose tests said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastBuild {
    /// Its id.
    pub id: BuildId,
    /// Its number in its application.
    pub number: i64,
}

/// What became of a case in one attempt of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastResult {
    /// The build.
    pub build: BuildId,
    /// The case.
    pub case: TestCaseId,
    /// The attempt of its step, from 1.
    pub attempt: i64,
    /// How it ended.
    pub state: TestState,
    /// Whether it failed and passed in the same run.
    pub is_flaky: bool,
    /// Microseconds.
    pub micros: i64,
}

#[derive(sqlx::FromRow)]
struct PastRow {
    build_id: Uuid,
    case_id: Uuid,
    attempt: i64,
    #[sqlx(try_from = "String")]
    state: TestState,
    is_flaky: bool,
    micros: i64,
}

/// A case by itself. Every text is hostile.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CaseName {
    /// The step that runs it.
    pub step_name: String,
    /// Its class or suite; may be empty.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// The file that holds it; empty where it is not known.
    pub file: String,
    /// Its line there; 0 where it is not known.
    pub line: i64,
}

/// What became of a case in one attempt, with its build.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CaseResult {
    /// The build's number.
    pub number: i64,
    /// Its branch or tag.
    #[sqlx(try_from = "String")]
    pub ref_name: RefName,
    /// Its commit.
    #[sqlx(try_from = "String", rename = "commit_hash")]
    pub commit: CommitHash,
    /// When its push was stored.
    #[sqlx(try_from = "i64")]
    pub accepted_at: Timestamp,
    /// The attempt of the step, from 1.
    pub attempt: i64,
    /// The step's position in the plan, from 0.
    pub step: i64,
    /// How it ended.
    #[sqlx(try_from = "String")]
    pub state: TestState,
    /// Whether it failed and passed in the same run.
    pub is_flaky: bool,
    /// Microseconds.
    pub micros: i64,
    /// Why it did not pass; hostile text.
    pub message: String,
    /// What it printed; hostile text.
    pub output: String,
}

/// The builds of a ref whose tests said something, up to a number, newest first. The caller has reached the application
/// through its account.
pub async fn past_builds(
    db: &Db,
    application: ApplicationId,
    ref_name: &RefName,
    number: i64,
    limit: i64,
) -> Result<Vec<PastBuild>, StoreError> {
    let rows: Vec<(Uuid, i64)> = read!(db, PAST_BUILDS, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(ref_name.full())
        .bind(number)
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|(id, number)| PastBuild {
            id: BuildId::from_uuid(id),
            number,
        })
        .collect())
}

/// What became of these cases in these builds; of one case in one build, attempts in order.
pub async fn past_results(
    db: &Db,
    builds: &[PastBuild],
    cases: &[TestCaseId],
) -> Result<Vec<PastResult>, StoreError> {
    if builds.is_empty() || cases.is_empty() {
        return Ok(Vec::new());
    }
    let builds = list(builds.iter().map(|build| build.id.as_uuid()));
    let cases = list(cases.iter().map(|case| case.as_uuid()));
    let rows: Vec<PastRow> = read!(db, PAST_RESULTS, |executor, sql| sqlx::query_as(sql)
        .bind(&builds)
        .bind(&cases)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|row| PastResult {
            build: BuildId::from_uuid(row.build_id),
            case: TestCaseId::from_uuid(row.case_id),
            attempt: row.attempt,
            state: row.state,
            is_flaky: row.is_flaky,
            micros: row.micros,
        })
        .collect())
}

/// A case of the application; none where there is none.
pub async fn case(
    db: &Db,
    application: ApplicationId,
    id: TestCaseId,
) -> Result<Option<CaseName>, StoreError> {
    Ok(read!(db, CASE, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// What became of a case of the application in its builds, newest first, at most `limit`.
pub async fn of_case(
    db: &Db,
    application: ApplicationId,
    id: TestCaseId,
    limit: i64,
) -> Result<Vec<CaseResult>, StoreError> {
    Ok(read!(db, OF_CASE, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(id.as_uuid())
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}
