//! Opening: SQLite as one writer and a few readers, or PostgreSQL as one pool.
//!
//! SQLite takes one writer at a time. A pool of exactly one writing connection with `BEGIN IMMEDIATE` turns "database is
//! locked" into a queue. Commits are synced to the disk before they are answered (`synchronous = FULL`): a push that was
//! acknowledged survives the power going.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use super::migrate;
use super::transaction::Tx;
use crate::error::{OpenError, StoreError};

/// Reading connections of SQLite.
const SQLITE_READERS: u32 = 4;

/// How long a statement waits for a connection or a lock before it is an error.
const WAIT: Duration = Duration::from_secs(30);

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file; made where it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL server's URL.
    Postgres(String),
}

impl FromStr for Database {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(PathBuf::from(path.trim_start_matches("//"))));
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(OpenError::UnknownScheme)
    }
}

/// How to open the database.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Where it is.
    pub database: Database,
    /// Connections to PostgreSQL; not used for SQLite.
    pub connections: u32,
}

/// The open database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    backend: Backend,
}

#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database and brings its schema to this version.
    pub async fn open(options: &DbOptions) -> Result<Self, OpenError> {
        let backend = match &options.database {
            Database::Sqlite(path) => Self::open_sqlite(path).await?,
            Database::Postgres(url) => Self::open_postgres(url, options.connections).await?,
        };
        Ok(Self { backend })
    }

    async fn open_sqlite(path: &std::path::Path) -> Result<Backend, OpenError> {
        if let Some(directory) = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            std::fs::create_dir_all(directory).map_err(|source| OpenError::Directory {
                path: directory.to_owned(),
                source,
            })?;
        }
        let connect = |source| OpenError::Connect {
            database: path.display().to_string(),
            source,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT);
        migrate::sqlite(path, options.clone()).await?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(connect)?;
        let reader = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(WAIT)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(connect)?;
        Ok(Backend::Sqlite { writer, reader })
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Backend, OpenError> {
        let options = PgConnectOptions::from_str(url).map_err(|source| OpenError::Connect {
            database: "postgres".to_owned(),
            source,
        })?;
        let name = format!(
            "{}:{}/{}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or_default()
        );
        migrate::postgres(&name, options.clone()).await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(2))
            .acquire_timeout(WAIT)
            .connect_with(options)
            .await
            .map_err(|source| OpenError::Connect {
                database: name,
                source,
            })?;
        Ok(Backend::Postgres(pool))
    }

    /// Begins a transaction: the only way to write. Keep it short; nothing that waits for the network inside.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Tx::begin(&self.backend).await
    }

    /// Closes every connection; SQLite's log is folded into its file.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }
}
