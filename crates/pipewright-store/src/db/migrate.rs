//! Bringing the schema to this version, on a connection of its own before anything else is open.
//!
//! Migrations are numbered alike for both databases, go forward only and are never edited after a release. SQLite's
//! connection has foreign keys off meanwhile, because rebuilding a parent table would otherwise delete its children;
//! afterwards every row is checked, and a dangling one refuses the start.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::error::OpenError;

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

pub(super) async fn sqlite(path: &Path, options: SqliteConnectOptions) -> Result<(), OpenError> {
    let database = || path.display().to_string();
    let mut connection =
        options.foreign_keys(false).connect().await.map_err(|source| OpenError::Connect { database: database(), source })?;
    SQLITE.run(&mut connection).await.map_err(|source| OpenError::Migrate { database: database(), source })?;
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut connection)
        .await
        .map_err(|source| OpenError::Connect { database: database(), source })?;
    connection.close().await.map_err(|source| OpenError::Connect { database: database(), source })?;
    if dangling.is_empty() { Ok(()) } else { Err(OpenError::ForeignKeys { database: database(), rows: dangling.len() }) }
}

pub(super) async fn postgres(database: &str, options: PgConnectOptions) -> Result<(), OpenError> {
    let connect = |source| OpenError::Connect { database: database.to_owned(), source };
    let mut connection = options.connect().await.map_err(connect)?;
    POSTGRES.run(&mut connection).await.map_err(|source| OpenError::Migrate { database: database.to_owned(), source })?;
    connection.close().await.map_err(connect)
}
