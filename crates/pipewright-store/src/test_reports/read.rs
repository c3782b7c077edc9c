//! What the tests of a build said, as its last attempts told it.

use std::collections::HashMap;

use pipewright_core::ids::{BuildId, TestCaseId};
use pipewright_core::wire::{TestState, TestTotals, UnreadReport};
use uuid::Uuid;

use super::list;
use crate::db::Db;
use crate::error::StoreError;
use crate::jump::contained;

/// What is read of a case and its result, and where from.
macro_rules! of_cases {
    () => {
        "SELECT c.id, c.suite, c.name, c.file, c.line, c.step_name, r.step, r.attempt, r.state, r.is_flaky, r.micros, r.message, r.output
         FROM test_results r JOIN steps s ON s.build_id = r.build_id AND s.position = r.step AND s.attempts = r.attempt
         JOIN test_cases c ON c.id = r.case_id
         WHERE r.build_id = $1"
    };
}

/// What failed comes first, then what took longest.
macro_rules! in_order {
    () => {
        " ORDER BY CASE WHEN r.state IN ('failed', 'errored') THEN 0 ELSE 1 END, r.micros DESC, c.suite, c.name, c.id"
    };
}

statements! {
    // Split: a list of values is another function on each database.
    SUMMARIES = split(
        "SELECT r.build_id, CAST(SUM(r.passed) AS BIGINT) AS passed, CAST(SUM(r.failed) AS BIGINT) AS failed, CAST(SUM(r.errored) AS BIGINT) AS errored,
                CAST(SUM(r.skipped) AS BIGINT) AS skipped, CAST(SUM(r.micros) AS BIGINT) AS micros
         FROM test_reports r JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE t.number = s.attempts AND r.build_id IN (SELECT unhex(value, '-') FROM json_each($1)) GROUP BY r.build_id",
        "SELECT r.build_id, CAST(SUM(r.passed) AS BIGINT) AS passed, CAST(SUM(r.failed) AS BIGINT) AS failed, CAST(SUM(r.errored) AS BIGINT) AS errored,
                CAST(SUM(r.skipped) AS BIGINT) AS skipped, CAST(SUM(r.micros) AS BIGINT) AS micros
         FROM test_reports r JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE t.number = s.attempts AND r.build_id IN (SELECT CAST(value AS UUID) FROM jsonb_array_elements_text($1)) GROUP BY r.build_id"
    );
    BY_STEP = same(
        "SELECT s.position AS step, t.number AS attempt, r.passed, r.failed, r.errored, r.skipped, r.micros, r.listed, r.files, r.bytes, r.unread_files, r.unread
         FROM test_reports r JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE r.build_id = $1 AND t.number = s.attempts ORDER BY s.position"
    );
    CASES = same(concat!(
        of_cases!(),
        r" AND (CAST($2 AS TEXT) IS NULL OR r.state = $2 OR ($2 = 'failed' AND r.state = 'errored'))
           AND (CAST($3 AS BIGINT) IS NULL OR r.step = $3)
           AND (CAST($4 AS TEXT) IS NULL OR LOWER(c.suite || ' ' || c.name) LIKE $4 ESCAPE '\')",
        in_order!(),
        " LIMIT $5 OFFSET $6"
    ));
    // Both results on one commit: in one run, in two attempts of a step, or in two builds.
    FLAKY = same(concat!(
        of_cases!(),
        " AND (r.is_flaky OR (r.state <> 'skipped' AND EXISTS (
              SELECT 1 FROM test_results o WHERE o.case_id = r.case_id
                 AND o.build_id IN (SELECT same.id FROM builds b JOIN builds same ON same.application_id = b.application_id AND same.commit_hash = b.commit_hash WHERE b.id = $1)
                 AND o.state <> 'skipped' AND (o.state = 'passed') <> (r.state = 'passed'))))",
        in_order!(),
        " LIMIT $2"
    ));
}

/// What narrows a list of cases.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Failed, which includes errored; passed; or skipped.
    pub state: Option<TestState>,
    /// A step's position in the plan, from 0.
    pub step: Option<i64>,
    /// Looked for in suite and name, whatever its case.
    pub text: Option<String>,
    /// How many are passed over.
    pub offset: i64,
}

/// A case and what became of it in a build. Every text is hostile.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CaseRow {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: TestCaseId,
    /// Its class or suite; may be empty.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// The file that holds it; empty where it is not known.
    pub file: String,
    /// Its line there; 0 where it is not known.
    pub line: i64,
    /// Its step's name.
    pub step_name: String,
    /// Its step's position in the plan, from 0.
    pub step: i64,
    /// The attempt of that step, from 1.
    pub attempt: i64,
    /// How it ended.
    #[sqlx(try_from = "String")]
    pub state: TestState,
    /// Whether it failed and passed in the same run.
    pub is_flaky: bool,
    /// Microseconds.
    pub micros: i64,
    /// Why it did not pass.
    pub message: String,
    /// What it printed.
    pub output: String,
}

/// What the tests of a step's last attempt said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTests {
    /// The step's position in the plan, from 0.
    pub step: i64,
    /// The number of the attempt.
    pub attempt: i64,
    /// Of all cases.
    pub totals: TestTotals,
    /// How many of them are kept.
    pub listed: u64,
    /// How many files were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many could not be read.
    pub unread_files: u64,
    /// The first of those.
    pub unread: Vec<UnreadReport>,
}

#[derive(sqlx::FromRow)]
struct TotalsRow {
    passed: i64,
    failed: i64,
    errored: i64,
    skipped: i64,
    micros: i64,
}

impl From<TotalsRow> for TestTotals {
    fn from(row: TotalsRow) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            passed: number(row.passed),
            failed: number(row.failed),
            errored: number(row.errored),
            skipped: number(row.skipped),
            micros: number(row.micros),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    build_id: Uuid,
    #[sqlx(flatten)]
    totals: TotalsRow,
}

#[derive(sqlx::FromRow)]
struct StepRow {
    step: i64,
    attempt: i64,
    #[sqlx(flatten)]
    totals: TotalsRow,
    listed: i64,
    files: i64,
    bytes: i64,
    unread_files: i64,
    #[sqlx(json)]
    unread: Vec<UnreadReport>,
}

/// What the tests of these builds said; a build without a report is not there. The caller has reached them through their
/// account.
pub async fn summaries(
    db: &Db,
    builds: &[BuildId],
) -> Result<HashMap<BuildId, TestTotals>, StoreError> {
    if builds.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = list(builds.iter().map(|build| build.as_uuid()));
    let rows: Vec<SummaryRow> = read!(db, SUMMARIES, |executor, sql| sqlx::query_as(sql)
        .bind(&ids)
        .fetch_all(executor)
        .await)?;
    Ok(rows
        .into_iter()
        .map(|row| (BuildId::from_uuid(row.build_id), row.totals.into()))
        .collect())
}

/// What the tests of a build's steps said, in the order of the plan. The caller has reached the build through its account.
pub async fn by_step(db: &Db, build: BuildId) -> Result<Vec<StepTests>, StoreError> {
    let rows: Vec<StepRow> = read!(db, BY_STEP, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|row| StepTests {
            step: row.step,
            attempt: row.attempt,
            totals: row.totals.into(),
            listed: number(row.listed),
            files: number(row.files),
            bytes: number(row.bytes),
            unread_files: number(row.unread_files),
            unread: row.unread,
        })
        .collect())
}

/// Cases of a build: what failed first, then what took longest. The caller has reached the build through its account.
pub async fn cases(
    db: &Db,
    build: BuildId,
    filter: &CaseFilter,
    limit: i64,
) -> Result<Vec<CaseRow>, StoreError> {
    Ok(read!(db, CASES, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .bind(filter.state.map(TestState::as_str))
        .bind(filter.step)
        .bind(filter.text.as_deref().map(contained))
        .bind(limit)
        .bind(filter.offset)
        .fetch_all(executor)
        .await)?)
}

/// Cases of a build that failed and passed on its commit, at most `limit`. The caller has reached the build through its
/// account.
pub async fn flaky(db: &Db, build: BuildId, limit: i64) -> Result<Vec<CaseRow>, StoreError> {
    Ok(read!(db, FLAKY, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}
