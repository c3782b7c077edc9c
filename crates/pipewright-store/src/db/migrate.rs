//! Bringing the schema to this version, on a connection of its own before anything else is open.
//!
//! Migrations are numbered alike for both databases, go forward only and are never edited after a release. SQLite's
//! connection has foreign keys off meanwhile, because rebuilding a parent table would otherwise delete its children;
//! afterwards, where anything was migrated, every row is checked, and a dangling one refuses the start.
//!
//! Before an SQLite database that holds anything is migrated, a verified copy is made beside it; PostgreSQL is migrated when
//! somebody has said that there is a backup. Migrations first add and take away a release later, so that the program before
//! this one runs on this schema: the database keeps the oldest program that it can be used with, see [`OLDEST_PROGRAM`].

use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};

use super::copy::copy_sqlite;
use super::seen;
use crate::error::{CopyError, OpenError};

pub(super) static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// The last migration that a program must know to run on this schema. It is raised with a migration that takes away what
/// older programs use, one release after the migration that made it superfluous.
const OLDEST_PROGRAM: i64 = 8;

/// The setting that keeps it.
const OLDEST_PROGRAM_NAME: &str = "schema.oldest_program";

/// How many copies of before a migration are kept; older ones are removed after the next one.
const COPIES: usize = 2;

/// What the names of those copies have between the database's and the schema's number.
const COPY_INFIX: &str = ".before-schema-";

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// What it is about.
    pub description: String,
}

/// How a database's schema stands to this program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It holds nothing yet.
    New,
    /// As this program has it.
    Current,
    /// These are still to be run.
    Older {
        /// The last migration it has seen.
        seen: i64,
        /// What is to be run, in order.
        pending: Vec<Migration>,
    },
    /// A newer program migrated it.
    Newer {
        /// The last migration it has seen.
        seen: i64,
        /// The last one that a program must know to run on it.
        oldest_program: i64,
    },
}

/// What may be done to bring a schema to this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Somebody said that there is a backup: migrate also where no copy can be made here.
    pub without_copy: bool,
}

/// The last migration that this program knows.
pub(crate) fn newest() -> i64 {
    SQLITE
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

const OLDEST: &str = "SELECT value FROM settings WHERE name = $1";

const KEEP_OLDEST: &str = "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, 0)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// The standing of a database that has seen these migrations and keeps `oldest`. A migration that was added between others is
/// run as well as one behind them.
fn standing(applied: &[i64], oldest: Option<&[u8]>) -> Standing {
    let seen = seen::last(applied);
    if seen == 0 {
        return Standing::New;
    }
    if seen > newest() {
        // Where nothing is kept only the program that migrated it knows.
        let oldest_program = oldest
            .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
            .unwrap_or(seen);
        return Standing::Newer {
            seen,
            oldest_program,
        };
    }
    let pending: Vec<Migration> = SQLITE
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| Migration {
            version: migration.version,
            description: migration.description.to_string(),
        })
        .collect();
    if pending.is_empty() {
        Standing::Current
    } else {
        Standing::Older { seen, pending }
    }
}

pub(super) async fn standing_of_sqlite(
    connection: &mut SqliteConnection,
) -> Result<Standing, sqlx::Error> {
    let applied = seen::all_of_sqlite(connection).await?;
    let oldest: Option<Vec<u8>> = if seen::last(&applied) > newest() {
        sqlx::query_scalar(OLDEST)
            .bind(OLDEST_PROGRAM_NAME)
            .fetch_optional(connection)
            .await?
    } else {
        None
    };
    Ok(standing(&applied, oldest.as_deref()))
}

pub(super) async fn standing_of_postgres(
    connection: &mut PgConnection,
) -> Result<Standing, sqlx::Error> {
    let applied = seen::all_of_postgres(connection).await?;
    let oldest: Option<Vec<u8>> = if seen::last(&applied) > newest() {
        sqlx::query_scalar(OLDEST)
            .bind(OLDEST_PROGRAM_NAME)
            .fetch_optional(connection)
            .await?
    } else {
        None
    };
    Ok(standing(&applied, oldest.as_deref()))
}

/// Whether there is something to run, and this program may run on what there is.
pub(super) fn is_to_be_run(standing: &Standing, database: &str) -> Result<bool, OpenError> {
    match standing {
        Standing::New | Standing::Older { .. } => Ok(true),
        Standing::Current => Ok(false),
        Standing::Newer { oldest_program, .. } if *oldest_program <= newest() => Ok(false),
        Standing::Newer { seen, .. } => Err(OpenError::Newer {
            database: database.to_owned(),
            seen: *seen,
            known: newest(),
        }),
    }
}

/// Brings an SQLite database to this version's schema.
pub(super) async fn sqlite(
    path: &Path,
    options: SqliteConnectOptions,
    permissions: Permissions,
) -> Result<(), OpenError> {
    let database = path.display().to_string();
    let connect = |source| OpenError::Connect {
        database: database.clone(),
        source,
    };
    let mut connection = options
        .foreign_keys(false)
        .connect()
        .await
        .map_err(connect)?;
    let standing = standing_of_sqlite(&mut connection).await.map_err(connect)?;
    if !is_to_be_run(&standing, &database)? {
        return connection.close().await.map_err(connect);
    }
    if let Standing::Older { seen, .. } = standing
        && let Err(source) = keep_a_copy(path, seen).await
        && !permissions.without_copy
    {
        return Err(OpenError::NoCopy {
            database,
            source: Box::new(source),
        });
    }
    SQLITE
        .run(&mut connection)
        .await
        .map_err(|source| OpenError::Migrate {
            database: database.clone(),
            source,
        })?;
    sqlx::query(KEEP_OLDEST)
        .bind(OLDEST_PROGRAM_NAME)
        .bind(OLDEST_PROGRAM.to_string().into_bytes())
        .execute(&mut connection)
        .await
        .map_err(connect)?;
    let dangling = dangling(&mut connection).await.map_err(connect)?;
    connection.close().await.map_err(connect)?;
    if dangling == 0 {
        Ok(())
    } else {
        Err(OpenError::ForeignKeys {
            database: database.clone(),
            rows: dangling,
        })
    }
}

/// Where the copy of before a migration is kept.
pub(super) fn copy_path(database: &Path, seen: i64) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(format!("{COPY_INFIX}{seen}"));
    PathBuf::from(name)
}

/// Makes and checks the copy, then removes those that are too old. One of an earlier try that failed is made anew: the
/// database may have been used since.
async fn keep_a_copy(database: &Path, seen: i64) -> Result<(), CopyError> {
    let copy = copy_path(database, seen);
    let mut part = copy.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let _ = std::fs::remove_file(&part);
    copy_sqlite(database, &part).await?;
    std::fs::rename(&part, &copy).map_err(|source| CopyError::Keep {
        path: copy.display().to_string(),
        source,
    })?;
    remove_old_copies(database);
    Ok(())
}

/// Removes all but the newest copies. What cannot be removed stays: it is in nobody's way but the disk's.
fn remove_old_copies(database: &Path) {
    let Some(name) = database.file_name().and_then(|name| name.to_str()) else {
        return;
    };
    let prefix = format!("{name}{COPY_INFIX}");
    let Ok(entries) = std::fs::read_dir(crate::files::parent(database)) else {
        return;
    };
    let mut copies: Vec<(i64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let schema = entry.file_name().to_str()?.strip_prefix(&prefix)?.parse();
            Some((schema.ok()?, entry.path()))
        })
        .collect();
    copies.sort();
    copies.truncate(copies.len().saturating_sub(COPIES));
    for (_, path) in copies {
        let _ = std::fs::remove_file(path);
    }
}

/// How many rows refer to one that is not there.
async fn dangling(connection: &mut SqliteConnection) -> Result<usize, sqlx::Error> {
    Ok(sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(connection)
        .await?
        .len())
}

/// Brings a PostgreSQL database to this version's schema.
pub(super) async fn postgres(
    database: &str,
    options: PgConnectOptions,
    permissions: Permissions,
) -> Result<(), OpenError> {
    let connect = |source| OpenError::Connect {
        database: database.to_owned(),
        source,
    };
    let mut connection = options.connect().await.map_err(connect)?;
    let standing = standing_of_postgres(&mut connection)
        .await
        .map_err(connect)?;
    if !is_to_be_run(&standing, database)? {
        return connection.close().await.map_err(connect);
    }
    if let Standing::Older { pending, .. } = &standing
        && !permissions.without_copy
    {
        return Err(OpenError::BackupFirst {
            database: database.to_owned(),
            pending: pending.len(),
        });
    }
    POSTGRES
        .run(&mut connection)
        .await
        .map_err(|source| OpenError::Migrate {
            database: database.to_owned(),
            source,
        })?;
    sqlx::query(KEEP_OLDEST)
        .bind(OLDEST_PROGRAM_NAME)
        .bind(OLDEST_PROGRAM.to_string().into_bytes())
        .execute(&mut connection)
        .await
        .map_err(connect)?;
    connection.close().await.map_err(connect)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

    use super::{
        KEEP_OLDEST, OLDEST_PROGRAM, OLDEST_PROGRAM_NAME, Permissions, SQLITE, newest, sqlite,
        standing_of_sqlite,
    };
    use crate::error::OpenError;

    fn options(path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
    }

    async fn connect(path: &Path) -> SqliteConnection {
        let options = options(path).foreign_keys(false);
        options.connect().await.expect("opens")
    }

    async fn migrates(path: &Path) -> Result<(), OpenError> {
        sqlite(path, options(path), Permissions::default()).await
    }

    /// Forgets the last migrations, as a program left it that did not know them. Good for what does not look at the tables.
    async fn forget(path: &Path, from: i64) {
        let mut connection = connect(path).await;
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version >= $1")
            .bind(from)
            .execute(&mut connection)
            .await
            .expect("forgets");
        connection.close().await.expect("closes");
    }

    fn copies(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(path.parent().expect("a directory"))
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .filter_map(|name| Some(name.to_str()?.to_owned()))
            .filter(|name| name.contains("before"))
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn rows_are_not_looked_at_in_every_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        migrates(&path).await.expect("a new database");
        let mut connection = connect(&path).await;
        sqlx::query("INSERT INTO members (account_id, user_id, role, created_at) VALUES (x'01', x'02', 'owner', 0)")
            .execute(&mut connection)
            .await
            .expect("a dangling row");
        assert_eq!(
            super::dangling(&mut connection).await.expect("looks"),
            2,
            "neither its account nor its user is there"
        );
        connection.close().await.expect("closes");
        migrates(&path)
            .await
            .expect("nothing was migrated, so nothing is looked at");
        assert!(copies(&path).is_empty(), "and nothing is copied");
    }

    #[tokio::test]
    async fn a_verified_copy_is_kept_before_a_migration_and_old_ones_go() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        // As a program left it that knew all but the last migration.
        let before = newest() - 1;
        let mut connection = connect(&path).await;
        let known: Vec<_> = SQLITE
            .iter()
            .filter(|migration| migration.version <= before)
            .cloned()
            .collect();
        let older = sqlx::migrate::Migrator::with_migrations(known);
        older.run(&mut connection).await.expect("an older schema");
        let seen = super::seen::of_sqlite(&mut connection)
            .await
            .expect("reads");
        connection.close().await.expect("closes");
        for old in ["1", "2"] {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".before-schema-{old}"));
            std::fs::write(name, "x").expect("an old copy");
        }
        migrates(&path).await.expect("migrates");
        let kept = format!("test.db.before-schema-{seen}");
        let mut expected = ["test.db.before-schema-2".to_owned(), kept.clone()];
        expected.sort();
        assert_eq!(copies(&path), expected);
        let copy = directory.path().join(kept);
        let contents = crate::db::inspect_sqlite(&copy).await;
        assert_eq!(contents.expect("is whole").schema, seen);
        let mut connection = connect(&path).await;
        let standing = standing_of_sqlite(&mut connection).await.expect("reads");
        assert_eq!(standing, super::Standing::Current);
    }

    #[tokio::test]
    async fn without_a_copy_nothing_is_migrated_unless_somebody_has_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        migrates(&path).await.expect("a new database");
        forget(&path, newest()).await;
        let mut connection = connect(&path).await;
        let seen = super::seen::of_sqlite(&mut connection)
            .await
            .expect("reads");
        connection.close().await.expect("closes");
        let in_the_way = super::copy_path(&path, seen);
        std::fs::create_dir_all(in_the_way.join("full")).expect("a directory");
        let refused = migrates(&path).await.expect_err("no copy can be made");
        assert!(matches!(refused, OpenError::NoCopy { .. }), "{refused}");
        let mut connection = connect(&path).await;
        assert_eq!(
            super::seen::of_sqlite(&mut connection)
                .await
                .expect("reads"),
            seen
        );
    }

    #[tokio::test]
    async fn a_newer_schema_is_used_where_it_allows_it_and_refused_where_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        migrates(&path).await.expect("a new database");
        let mut connection = connect(&path).await;
        sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES ($1, 'next', true, x'00', 0)")
            .bind(newest() + 1)
            .execute(&mut connection)
            .await
            .expect("a newer program");
        connection.close().await.expect("closes");
        migrates(&path)
            .await
            .expect("what it kept says that this program may run");
        let mut connection = connect(&path).await;
        sqlx::query(KEEP_OLDEST)
            .bind(OLDEST_PROGRAM_NAME)
            .bind((newest() + 1).to_string().into_bytes())
            .execute(&mut connection)
            .await
            .expect("the newer program took something away");
        connection.close().await.expect("closes");
        let refused = migrates(&path).await.expect_err("it may not run");
        assert!(matches!(refused, OpenError::Newer { .. }), "{refused}");
        assert!(
            refused.to_string().contains("newer Pipewright"),
            "{refused}"
        );
    }

    /// A migration that takes something away needs [`OLDEST_PROGRAM`] raised to the one before it.
    #[test]
    fn migrations_only_add_what_the_program_before_does_not_miss() {
        for migration in SQLITE.iter().chain(super::POSTGRES.iter()) {
            if migration.version <= OLDEST_PROGRAM {
                continue;
            }
            let text = migration.sql.as_str().to_ascii_uppercase();
            for gone in ["DROP COLUMN", "RENAME COLUMN"] {
                assert!(
                    !text.contains(gone),
                    "migration {} says {gone}: first a release that does not use it, then raise OLDEST_PROGRAM",
                    migration.version
                );
            }
            for table in text.split("DROP TABLE ").skip(1) {
                let name = table
                    .trim_start_matches("IF EXISTS ")
                    .split([';', ' ', '\n'])
                    .next()
                    .unwrap_or_default();
                assert!(
                    text.contains(&format!("RENAME TO {name}")),
                    "migration {} drops the table {name} and makes no new one of its name",
                    migration.version
                );
            }
        }
    }
}
