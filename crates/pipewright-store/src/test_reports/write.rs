//! Keeping what the tests of an attempt said, and forgetting the cases that went with a build.

use std::collections::BTreeMap;

use pipewright_core::ids::{ApplicationId, AttemptId, BuildId, TestCaseId};
use pipewright_core::wire::{TestCase, TestReport};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Tx;
use crate::error::StoreError;

/// Rows of one statement.
const BATCH: usize = 1000;

statements! {
    // Steps of one name are told apart by how many of it come before.
    OF_ATTEMPT = same(
        "SELECT t.build_id, b.application_id, t.number, s.position, s.name,
                (SELECT COUNT(*) FROM steps o WHERE o.build_id = s.build_id AND o.name = s.name AND o.position < s.position) AS namesakes
         FROM attempts t JOIN steps s ON s.id = t.step_id JOIN builds b ON b.id = t.build_id WHERE t.id = $1"
    );
    INSERT = same(
        "INSERT INTO test_reports (attempt_id, build_id, passed, failed, errored, skipped, micros, listed, files, bytes, unread_files, unread)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    // Split: a list of rows is another function on each database. The order is the same for all that write at once, so that no
    // two of them wait for each other.
    CASES = split(
        "INSERT INTO test_cases (id, application_id, step_name, suite, name, file, line)
         SELECT unhex(value ->> 'id', '-'), $1, $2, value ->> 'suite', value ->> 'name', value ->> 'file', value ->> 'line' FROM json_each($3)
         WHERE TRUE ORDER BY value ->> 'id'
         ON CONFLICT (id) DO UPDATE SET file = excluded.file, line = excluded.line
            WHERE test_cases.file <> excluded.file OR test_cases.line <> excluded.line",
        "INSERT INTO test_cases (id, application_id, step_name, suite, name, file, line)
         SELECT e.id, $1, $2, e.suite, e.name, e.file, e.line
         FROM jsonb_to_recordset($3) AS e (id UUID, suite TEXT, name TEXT, file TEXT, line BIGINT)
         ORDER BY e.id
         ON CONFLICT (id) DO UPDATE SET file = excluded.file, line = excluded.line
            WHERE test_cases.file <> excluded.file OR test_cases.line <> excluded.line"
    );
    // Split: the same.
    RESULTS = split(
        "INSERT INTO test_results (build_id, case_id, attempt, step, state, is_flaky, micros, message, output)
         SELECT $1, unhex(value ->> 'id', '-'), $2, $3, value ->> 'state', value ->> 'is_flaky', value ->> 'micros', value ->> 'message', value ->> 'output'
         FROM json_each($4) WHERE TRUE
         ON CONFLICT DO NOTHING",
        "INSERT INTO test_results (build_id, case_id, attempt, step, state, is_flaky, micros, message, output)
         SELECT $1, e.id, $2, $3, e.state, e.is_flaky, e.micros, e.message, e.output
         FROM jsonb_to_recordset($4) AS e (id UUID, state TEXT, is_flaky BOOLEAN, micros BIGINT, message TEXT, output TEXT)
         ON CONFLICT DO NOTHING"
    );
    FORGET = same(
        "DELETE FROM test_cases WHERE id IN (SELECT case_id FROM test_results WHERE build_id = $1)
           AND NOT EXISTS (SELECT 1 FROM test_results o WHERE o.case_id = test_cases.id AND o.build_id <> $1)"
    );
}

#[derive(sqlx::FromRow)]
struct OfAttempt {
    build_id: Uuid,
    application_id: Uuid,
    number: i64,
    position: i64,
    name: String,
    namesakes: i64,
}

/// A case as both statements read it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: Uuid,
    suite: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    state: &'static str,
    is_flaky: bool,
    micros: i64,
    message: &'a str,
    output: &'a str,
}

/// Keeps what the tests of an attempt said. It is bounded here, whoever said it.
pub(crate) async fn insert(
    tx: &mut Tx,
    attempt: AttemptId,
    report: &TestReport,
) -> Result<(), StoreError> {
    let of: Option<OfAttempt> = within!(tx, OF_ATTEMPT, |executor, sql| sqlx::query_as(sql)
        .bind(attempt.as_uuid())
        .fetch_optional(executor)
        .await)?;
    let Some(of) = of else {
        return Ok(());
    };
    let report = report.clone().bounded();
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let totals = report.totals;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(attempt.as_uuid())
        .bind(of.build_id)
        .bind(number(totals.passed))
        .bind(number(totals.failed))
        .bind(number(totals.errored))
        .bind(number(totals.skipped))
        .bind(number(totals.micros))
        .bind(report.cases.len() as i64)
        .bind(number(report.files))
        .bind(number(report.bytes))
        .bind(number(report.unread_files))
        .bind(Json(&report.unread))
        .execute(executor)
        .await
        .map(drop))?;
    let step = match of.namesakes {
        0 => of.name.clone(),
        before => format!("{} ({})", of.name, before + 1),
    };
    let application = ApplicationId::from_uuid(of.application_id);
    let rows: BTreeMap<Uuid, Row<'_>> = report
        .cases
        .iter()
        .map(|case| row(application, &step, case))
        .map(|row| (row.id, row))
        .collect();
    let rows: Vec<_> = rows.into_values().collect();
    for batch in rows.chunks(BATCH) {
        within!(tx, CASES, |executor, sql| sqlx::query(sql)
            .bind(of.application_id)
            .bind(step.as_str())
            .bind(Json(batch))
            .execute(executor)
            .await
            .map(drop))?;
        within!(tx, RESULTS, |executor, sql| sqlx::query(sql)
            .bind(of.build_id)
            .bind(of.number)
            .bind(of.position)
            .bind(Json(batch))
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(())
}

fn row<'a>(application: ApplicationId, step: &str, case: &'a TestCase) -> Row<'a> {
    Row {
        id: id_of(application, step, &case.suite, &case.name).as_uuid(),
        suite: &case.suite,
        name: &case.name,
        file: case.file.as_deref().unwrap_or_default(),
        line: case.line.unwrap_or(0),
        state: case.state.as_str(),
        is_flaky: case.is_flaky,
        micros: i64::try_from(case.micros).unwrap_or(i64::MAX),
        message: &case.message,
        output: &case.output,
    }
}

/// The id of a case: the same for the same case of every build.
fn id_of(application: ApplicationId, step: &str, suite: &str, name: &str) -> TestCaseId {
    let mut hash = Sha256::new();
    hash.update(application.as_uuid().as_bytes());
    // No name has this character.
    for part in [step, suite, name] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    TestCaseId::from_uuid(Uuid::from_bytes(id))
}

/// Forgets the cases that only this build knows. Its results are removed with it.
pub(crate) async fn forget_cases_of(tx: &mut Tx, build: BuildId) -> Result<(), StoreError> {
    within!(tx, FORGET, |executor, sql| sqlx::query(sql)
        .bind(build.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
