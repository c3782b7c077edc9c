//! The cost of every poll is independent of history: what SQLite makes of each statement is read, and none may go through a
//! table that grows.

use std::collections::BTreeSet;

use sqlx::Row as _;

use crate::db::Backend;
use crate::testing::on_each_database;

/// Tables that grow with use. Firings are not among them: a row goes when its build is made, so all there are is work.
const GROWING: &[&str] = &[
    "artifacts",
    "attempts",
    "builds",
    "decisions",
    "deliveries",
    "events",
    "output_variables",
    "refs",
    "sessions",
    "statuses",
    "steps",
    "tasks",
    "test_cases",
    "test_reports",
    "test_results",
];

/// Indexes of what waits or runs alone: going through one is the work that is to be done, and no history.
const OF_WHAT_WAITS: &[&str] = &[
    "artifacts_to_remove",
    "attempts_held",
    "attempts_running",
    "attempts_to_claim",
    "builds_not_begun",
    "builds_one_holder",
    "builds_to_plan",
    "builds_under_way",
    "builds_waiting",
    "deliveries_to_decide",
    "deliveries_waiting",
    "statuses_in_order",
    "statuses_to_send",
    "tasks_to_run",
];

/// Acts of a person, done now and then: what refers to what they remove is looked for by the database itself.
const RARE: &[&str] = &["DELETE FROM accounts", "DELETE FROM applications"];

/// Polls, by a part of their text, and the index that each must use: a search through all of one application's or
/// repository's history is no scan, and grows all the same.
const POLLS: &[(&str, &str)] = &[
    ("AND older.state = 'received'", "deliveries_waiting"),
    (
        "WHERE repository_id = $1 AND state = 'received' ORDER BY id",
        "deliveries_",
    ),
    ("state = 'received' AND id <= $2", "deliveries_"),
    (
        "a.repository_id = $1\n         ORDER BY b.id LIMIT 1",
        "builds_waiting",
    ),
    ("SELECT DISTINCT a.repository_id FROM builds b", "builds_"),
    (
        "SELECT DISTINCT integration_id FROM statuses",
        "statuses_to_send",
    ),
    (
        "UPDATE attempts SET state = 'running', runner_id",
        "attempts_to_claim",
    ),
    ("t.state = 'running' AND t.runner_id = $1", "attempts_held"),
    (
        "t.state = 'running' ORDER BY t.lease_until",
        "attempts_running",
    ),
    (
        "a.account_id = $1 AND b.state IN ('queued', 'running'",
        "builds_under_way",
    ),
    ("UPDATE tasks SET lease_owner = $1", "tasks_to_run"),
    ("DELETE FROM tasks WHERE state = 'done'", "tasks_done"),
    (
        "SELECT id FROM artifacts WHERE removed_at IS NULL",
        "artifacts_to_remove",
    ),
];

/// True where a scan is the database's own look at a foreign key, and costs nothing or is rare: where a row is put in, SQLite
/// looks only while a constraint is broken, which none may be for longer than a statement.
fn is_of_a_key(sql: &str, table: &str) -> bool {
    let is_named = sql
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == table);
    !is_named && (sql.starts_with("INSERT") || RARE.iter().any(|act| sql.starts_with(act)))
}

/// The table that a name in a statement stands for.
fn table_of<'a>(sql: &'a str, name: &'a str) -> &'a str {
    let words: Vec<&str> = sql
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .find(|pair| pair[1] == name && GROWING.contains(&pair[0]))
        .map_or(name, |pair| pair[0])
}

#[test]
fn no_statement_goes_through_a_table_that_grows() {
    on_each_database(async |db| {
        let Backend::Sqlite { reader, .. } = db.backend() else {
            return;
        };
        let mut findings = BTreeSet::new();
        let mut polls = vec![0; POLLS.len()];
        for statement in crate::all_statements() {
            let sql = statement.sqlite;
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let plan: Vec<String> = sqlx::raw_sql(explain)
                .fetch_all(reader)
                .await
                .expect("is explained")
                .iter()
                .map(|row| row.get("detail"))
                .collect();
            for line in &plan {
                let Some(scanned) = line.strip_prefix("SCAN ") else {
                    continue;
                };
                let name = scanned.split(' ').next().unwrap_or_default();
                let waits = OF_WHAT_WAITS
                    .iter()
                    .any(|index| scanned.split(' ').any(|word| word == *index));
                let table = table_of(sql, name);
                if GROWING.contains(&table) && !waits && !is_of_a_key(sql, table) {
                    findings.insert(format!("{}: {line}\n{sql}", statement.name));
                }
            }
            for (place, (text, index)) in POLLS.iter().enumerate() {
                if sql.contains(text) {
                    polls[place] += 1;
                    if !plan.iter().any(|line| line.contains(index)) {
                        findings.insert(format!(
                            "{} does not use {index}: {plan:?}\n{sql}",
                            statement.name
                        ));
                    }
                }
            }
        }
        for ((text, _), found) in POLLS.iter().zip(polls) {
            if found == 0 {
                findings.insert(format!("no statement reads {text:?} any more"));
            }
        }
        assert!(
            findings.is_empty(),
            "{}",
            findings.into_iter().collect::<Vec<_>>().join("\n\n")
        );
    });
}
