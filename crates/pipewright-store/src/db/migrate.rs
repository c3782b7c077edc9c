//! Bringing the schema to this version, on a connection of its own before anything else is open.
//!
//! Migrations are numbered alike for both databases, go forward only and are never edited after a release. SQLite's
//! connection has foreign keys off meanwhile, because rebuilding a parent table would otherwise delete its children;
//! afterwards, where anything was migrated, every row is checked, and a dangling one refuses the start.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::error::OpenError;

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

pub(super) async fn sqlite(path: &Path, options: SqliteConnectOptions) -> Result<(), OpenError> {
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
    let before = applied(&mut connection).await;
    SQLITE
        .run(&mut connection)
        .await
        .map_err(|source| OpenError::Migrate {
            database: database.clone(),
            source,
        })?;
    // Looking at every row of a database that has grown for years would hold up each start.
    let is_migrated = before.is_none() || before != applied(&mut connection).await;
    let dangling = if is_migrated {
        dangling(&mut connection).await.map_err(connect)?
    } else {
        0
    };
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

/// The last migration that this program knows.
pub(super) fn newest() -> i64 {
    SQLITE
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// The last migration that the database has seen; the migrations' own table is there in any that was ever opened.
pub(super) const SEEN: &str =
    "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations";

/// How many rows refer to one that is not there.
async fn dangling(connection: &mut SqliteConnection) -> Result<usize, sqlx::Error> {
    Ok(sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(connection)
        .await?
        .len())
}

/// How many migrations the database has seen; none where that cannot be told, as in a new one.
async fn applied(connection: &mut SqliteConnection) -> Option<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .ok()
}

pub(super) async fn postgres(database: &str, options: PgConnectOptions) -> Result<(), OpenError> {
    let connect = |source| OpenError::Connect {
        database: database.to_owned(),
        source,
    };
    let mut connection = options.connect().await.map_err(connect)?;
    POSTGRES
        .run(&mut connection)
        .await
        .map_err(|source| OpenError::Migrate {
            database: database.to_owned(),
            source,
        })?;
    connection.close().await.map_err(connect)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Connection as _};

    #[tokio::test]
    async fn rows_are_not_looked_at_in_every_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("test.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        super::sqlite(&path, options.clone())
            .await
            .expect("a new database");
        let mut connection = options
            .clone()
            .foreign_keys(false)
            .connect()
            .await
            .expect("opens");
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
        super::sqlite(&path, options)
            .await
            .expect("nothing was migrated, so nothing is looked at");
    }
}
