//! Every migration is run over rows: a table that a migration makes is given one at once, and each later migration must leave
//! it as it is. Migrations that work on an empty database and fail on a filled one, or lose what is there, are found here and
//! not by whoever updates.
//!
//! The rows are made from the tables themselves (a value of each column's type, the first word of its CHECK), so that a new
//! table or column has one without anybody thinking of it. Every id is the same, so that whatever refers to a row finds it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, SqliteConnection};

use super::migrate::{POSTGRES, SQLITE};
use crate::testing::with_empty_postgres;

/// Numbers that no migration has, each with why. A number is never used again once a release knew it.
const UNUSED: &[(i64, &str)] = &[
    (10, "written and taken back before it landed"),
    (16, "kept free for work that was under way beside 19"),
    (17, "kept free for work that was under way beside 19"),
    (18, "kept free for work that was under way beside 19"),
];

/// Values that migrations look for, so that what they do to rows is done to ours.
const MEANT: &[(&str, &str, &str)] = &[
    ("integrations", "kind", "datacenter"),
    ("builds", "uniqueness", "push|x|x"),
];

/// What migrations must have made of those rows.
const MADE: &[(&str, &str, &str)] = &[
    ("users", "email_proved_at", "1"),
    ("statuses", "sequence", "1"),
    ("ref_moves", "event", "build-1"),
    ("repositories", "project_key", "x"),
];

/// The one id, as SQLite, as PostgreSQL's `uuid` and as its `bytea` write it.
const ID: [&str; 3] = [
    "x'000102030405060708090a0b0c0d0e0f'",
    "'00010203-0405-0607-0809-0a0b0c0d0e0f'",
    "'\\x000102030405060708090a0b0c0d0e0f'",
];

/// A column: its name, its type, and whether the database counts it by itself.
type Column = (String, String, bool);

/// A row: each column's value as text.
type Row = BTreeMap<String, Option<String>>;

enum Filled {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Filled {
    fn migrations(&self) -> &'static Migrator {
        match self {
            Self::Sqlite(_) => &SQLITE,
            Self::Postgres(_) => &POSTGRES,
        }
    }

    /// Runs the migrations up to this one.
    async fn migrate(&mut self, last: i64) {
        let known: Vec<_> = self
            .migrations()
            .iter()
            .filter(|migration| migration.version <= last)
            .cloned()
            .collect();
        let known = Migrator::with_migrations(known);
        let ran = match self {
            Self::Sqlite(connection) => known.run(connection).await,
            Self::Postgres(connection) => known.run(connection).await,
        };
        ran.unwrap_or_else(|error| panic!("migration {last} fails over rows: {error}"));
    }

    /// None of a table that is not there.
    async fn columns(&mut self, table: &str) -> Vec<Column> {
        let columns = match self {
            Self::Sqlite(connection) => {
                let text = format!(
                    "SELECT name, UPPER(type), pk > 0 AND type = 'INTEGER' AND name = 'id' FROM pragma_table_info('{table}')"
                );
                sqlx::query_as(AssertSqlSafe(text))
                    .fetch_all(connection)
                    .await
            }
            Self::Postgres(connection) => {
                let text = format!(
                    "SELECT column_name::TEXT, data_type::TEXT, is_identity = 'YES' FROM information_schema.columns
                     WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
                );
                sqlx::query_as(AssertSqlSafe(text))
                    .fetch_all(connection)
                    .await
            }
        };
        columns.expect("reads its own tables")
    }

    /// The one row of a table; none where it is empty.
    async fn row(&mut self, table: &str) -> Option<Row> {
        let mut row = Row::new();
        for (name, ..) in self.columns(table).await {
            let text = match self {
                Self::Sqlite(_) => format!(
                    "SELECT CASE typeof({name}) WHEN 'blob' THEN hex({name}) ELSE CAST({name} AS TEXT) END FROM {table}"
                ),
                Self::Postgres(_) => format!("SELECT {name}::TEXT FROM {table}"),
            };
            let values: Vec<Option<String>> = match self {
                Self::Sqlite(connection) => {
                    sqlx::query_scalar(AssertSqlSafe(text))
                        .fetch_all(connection)
                        .await
                }
                Self::Postgres(connection) => {
                    sqlx::query_scalar(AssertSqlSafe(text))
                        .fetch_all(connection)
                        .await
                }
            }
            .expect("reads a row");
            row.insert(name, values.into_iter().next()?);
        }
        Some(row)
    }

    async fn fill(&mut self, table: &str, columns: &[Column], words: &Words) {
        let (names, values): (Vec<&str>, Vec<String>) = columns
            .iter()
            .filter(|(_, _, is_counted)| !is_counted)
            .map(|(name, kind, _)| (name.as_str(), value(table, name, kind, words)))
            .unzip();
        let text = format!(
            "INSERT INTO {table} ({}) VALUES ({})",
            names.join(", "),
            values.join(", ")
        );
        let filled = match self {
            Self::Sqlite(connection) => sqlx::query(AssertSqlSafe(text))
                .execute(connection)
                .await
                .map(drop),
            Self::Postgres(connection) => sqlx::query(AssertSqlSafe(text))
                .execute(connection)
                .await
                .map(drop),
        };
        filled.unwrap_or_else(|error| panic!("{table} takes no row: {error}"));
    }

    /// Rows that refer to one that is not there; PostgreSQL refuses those by itself.
    async fn dangling(&mut self) -> usize {
        match self {
            Self::Sqlite(connection) => sqlx::query("PRAGMA foreign_key_check")
                .fetch_all(connection)
                .await
                .expect("looks")
                .len(),
            Self::Postgres(_) => 0,
        }
    }
}

/// The first word that a CHECK allows, by table and column.
type Words = BTreeMap<(String, String), String>;

/// Every table that a migration makes, in order, and the words of CHECKs.
fn tables() -> (Vec<String>, Words) {
    let (mut tables, mut words) = (Vec::new(), Words::new());
    for migration in SQLITE.iter() {
        let text: Vec<&str> = migration
            .sql
            .as_str()
            .lines()
            .map(|line| line.split("--").next().unwrap_or_default())
            .collect();
        for statement in text.join("\n").split(';') {
            let statement = statement.trim();
            let table = statement
                .strip_prefix("CREATE TABLE ")
                .or_else(|| statement.strip_prefix("ALTER TABLE "))
                .and_then(|rest| rest.split_whitespace().next());
            let Some(table) = table else { continue };
            if statement.starts_with("CREATE") {
                tables.push(table.to_owned());
            }
            for check in statement.split("CHECK (").skip(1) {
                if let Some((column, rest)) = check.split_once(" IN ('")
                    && let Some((word, _)) = rest.split_once('\'')
                {
                    words.insert((table.to_owned(), column.to_owned()), word.to_owned());
                }
            }
        }
    }
    (tables, words)
}

fn value(table: &str, column: &str, kind: &str, words: &Words) -> String {
    let meant = MEANT
        .iter()
        .find(|(of, name, _)| (*of, *name) == (table, column));
    if let Some((_, _, text)) = meant {
        return format!("'{text}'");
    }
    match kind {
        "BLOB" => ID[0].to_owned(),
        "uuid" => ID[1].to_owned(),
        "bytea" => ID[2].to_owned(),
        "INTEGER" | "bigint" => "1".to_owned(),
        "boolean" => "TRUE".to_owned(),
        "jsonb" => "'{}'".to_owned(),
        "TEXT" | "text" => {
            let word = words.get(&(table.to_owned(), column.to_owned()));
            format!("'{}'", word.map_or("x", String::as_str))
        }
        other => panic!("{table}.{column} is {other}, of which no sample is known; add one here"),
    }
}

/// Migrates one by one, fills what is new, and compares what was there.
async fn goes_over_rows(mut database: Filled) {
    let (tables, words) = tables();
    let mut known: BTreeMap<String, Row> = BTreeMap::new();
    let versions: Vec<i64> = database
        .migrations()
        .iter()
        .map(|migration| migration.version)
        .collect();
    for version in versions {
        database.migrate(version).await;
        for (table, before) in &known {
            let after = database.row(table).await.unwrap_or_default();
            for (column, value) in before {
                // A column may be taken away, a release after nothing uses it; what it held must not change.
                if let Some(now) = after.get(column) {
                    assert_eq!(now, value, "{table}.{column} after migration {version}");
                }
            }
            assert!(
                !after.is_empty(),
                "migration {version} lost the row of {table}"
            );
        }
        for table in &tables {
            let columns = database.columns(table).await;
            if columns.is_empty() || known.contains_key(table) {
                continue;
            }
            if database.row(table).await.is_none() {
                database.fill(table, &columns, &words).await;
            }
            let row = database.row(table).await.expect("it is filled");
            known.insert(table.clone(), row);
        }
    }
    assert!(known.len() > 30, "{} tables", known.len());
    assert_eq!(database.dangling().await, 0, "rows that point at nothing");
    for (table, column, expected) in MADE {
        let row = database.row(table).await.expect("a row");
        assert_eq!(row[*column].as_deref(), Some(*expected), "{table}.{column}");
    }
}

#[tokio::test]
async fn every_migration_keeps_the_rows_of_those_before_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = SqliteConnectOptions::new()
        .filename(directory.path().join("test.db"))
        .create_if_missing(true)
        .foreign_keys(false);
    let sqlite = options.connect().await.expect("SQLite opens");
    goes_over_rows(Filled::Sqlite(sqlite)).await;
    with_empty_postgres(async |url| {
        let options: PgConnectOptions = url.parse().expect("a URL");
        let postgres = options.connect().await.expect("PostgreSQL answers");
        goes_over_rows(Filled::Postgres(postgres)).await;
    })
    .await;
}

#[test]
fn numbers_have_no_hole_but_those_that_are_explained() {
    let numbered = |migrations: &Migrator| -> BTreeSet<(i64, String)> {
        migrations
            .iter()
            .map(|migration| (migration.version, migration.description.to_string()))
            .collect()
    };
    let (sqlite, postgres) = (numbered(&SQLITE), numbered(&POSTGRES));
    assert_eq!(sqlite, postgres, "each has its twin");
    let numbers: BTreeSet<i64> = sqlite.iter().map(|(version, _)| *version).collect();
    let last = numbers.last().copied().unwrap_or_default();
    let holes: Vec<i64> = (1..=last)
        .filter(|number| !numbers.contains(number))
        .filter(|number| !UNUSED.iter().any(|(unused, _)| unused == number))
        .collect();
    assert!(
        holes.is_empty(),
        "numbers without a migration and without a reason: {holes:?}"
    );
}
