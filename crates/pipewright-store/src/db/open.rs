//! Opening: SQLite as one writer and a few readers, or PostgreSQL as one pool.
//!
//! SQLite takes one writer at a time. A pool of exactly one writing connection with `BEGIN IMMEDIATE` turns "database is
//! locked" into a queue. Commits are synced to the disk before they are answered (`synchronous = FULL`): a push that was
//! acknowledged survives the power going.
//!
//! A transaction that failed never spoils a connection. On a full disk or a failing one SQLite gives a transaction up by
//! itself, which the driver does not learn: such a connection is closed when its turn comes, and a new one is opened. One
//! that SQLite could open for reading only, as it does on a file system that is read-only for a while, is not kept either.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection, SqliteConnection};

use super::backend::{Backend, POSTGRES_WAIT, WAIT};
use super::migrate::{self, Permissions, Standing};
use super::transaction::Tx;
use crate::error::{OpenError, StoreError};

/// Reading connections of SQLite.
const SQLITE_READERS: u32 = 4;

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

impl Db {
    /// Opens the database and brings its schema to this version, where a copy of before can be made.
    pub async fn open(options: &DbOptions) -> Result<Self, OpenError> {
        Self::open_with(options, Permissions::default()).await
    }

    /// Opens the database and brings its schema to this version.
    pub async fn open_with(
        options: &DbOptions,
        permissions: Permissions,
    ) -> Result<Self, OpenError> {
        let backend = match &options.database {
            Database::Sqlite(path) => Self::open_sqlite(path, permissions).await?,
            Database::Postgres(url) => {
                Self::open_postgres(url, options.connections, permissions).await?
            }
        };
        Ok(Self { backend })
    }

    /// How the database's schema stands to this program's. Nothing is made and nothing changed.
    pub async fn standing(options: &DbOptions) -> Result<Standing, OpenError> {
        match &options.database {
            Database::Sqlite(path) if !path.exists() => Ok(Standing::New),
            Database::Sqlite(path) => {
                let connect = |source| OpenError::Connect {
                    database: path.display().to_string(),
                    source,
                };
                let mut connection = sqlite_options(path).connect().await.map_err(connect)?;
                let standing = migrate::standing_of_sqlite(&mut connection).await;
                let standing = standing.map_err(connect)?;
                connection.close().await.map_err(connect)?;
                Ok(standing)
            }
            Database::Postgres(url) => {
                let (server, database) = postgres_options(url)?;
                let connect = |source| OpenError::Connect {
                    database: database.clone(),
                    source,
                };
                let mut connection = server.connect().await.map_err(connect)?;
                let standing = migrate::standing_of_postgres(&mut connection).await;
                let standing = standing.map_err(connect)?;
                connection.close().await.map_err(connect)?;
                Ok(standing)
            }
        }
    }

    /// Opens a database that is there and whose schema this program can run on; nothing is made and nothing migrated.
    pub async fn open_as_it_is(options: &DbOptions) -> Result<Self, OpenError> {
        let standing = Self::standing(options).await?;
        let database = match &options.database {
            Database::Sqlite(path) => path.display().to_string(),
            Database::Postgres(url) => postgres_options(url)?.1,
        };
        match standing {
            Standing::New => return Err(OpenError::Empty { database }),
            Standing::Older { seen, .. } => {
                return Err(OpenError::OtherSchema {
                    database,
                    seen,
                    known: migrate::newest(),
                });
            }
            Standing::Current | Standing::Newer { .. } => {
                migrate::is_to_be_run(&standing, &database)?;
            }
        }
        let backend = match &options.database {
            Database::Sqlite(path) => connect_sqlite(path).await?,
            Database::Postgres(url) => {
                let (server, name) = postgres_options(url)?;
                connect_postgres(server, &name, options.connections).await?
            }
        };
        Ok(Self { backend })
    }

    async fn open_sqlite(
        path: &std::path::Path,
        permissions: Permissions,
    ) -> Result<Backend, OpenError> {
        if let Some(directory) = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            std::fs::create_dir_all(directory).map_err(|source| OpenError::Directory {
                path: directory.to_owned(),
                source,
            })?;
        }
        migrate::sqlite(
            path,
            sqlite_options(path).create_if_missing(true),
            permissions,
        )
        .await?;
        connect_sqlite(path).await
    }

    async fn open_postgres(
        url: &str,
        connections: u32,
        permissions: Permissions,
    ) -> Result<Backend, OpenError> {
        let (options, name) = postgres_options(url)?;
        migrate::postgres(&name, options.clone(), permissions).await?;
        connect_postgres(options, &name, connections).await
    }

    /// Begins a transaction: the only way to write. Keep it short; nothing that waits for the network inside.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Tx::begin(&self.backend).await
    }

    /// Whether the database answers, for as long as the caller has patience. SQLite is a file of this machine and is not asked.
    pub async fn answers(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite { .. } => Ok(()),
            Backend::Postgres(pool) => {
                sqlx::query("SELECT 1").execute(pool).await?;
                Ok(())
            }
        }
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

fn sqlite_options(path: &std::path::Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT)
}

async fn connect_sqlite(path: &std::path::Path) -> Result<Backend, OpenError> {
    let connect = |source| OpenError::Connect {
        database: path.display().to_string(),
        source,
    };
    let options = sqlite_options(path);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| Box::pin(can_write(connection)))
        .before_acquire(|connection, _| Box::pin(async { Ok(is_at_rest(connection)) }))
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

async fn connect_postgres(
    options: PgConnectOptions,
    name: &str,
    connections: u32,
) -> Result<Backend, OpenError> {
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(2))
        .acquire_timeout(POSTGRES_WAIT)
        .before_acquire(|connection, _| Box::pin(async { Ok(is_at_rest(connection)) }))
        .connect_with(options)
        .await
        .map_err(|source| OpenError::Connect {
            database: name.to_owned(),
            source,
        })?;
    Ok(Backend::Postgres(pool))
}

/// The options, and the server's name without its password.
fn postgres_options(url: &str) -> Result<(PgConnectOptions, String), OpenError> {
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
    Ok((options, name))
}

/// False of a connection whose last transaction ended in a way that the driver does not know of: nothing can be begun on it.
fn is_at_rest(connection: &impl Connection) -> bool {
    !connection.is_in_transaction()
}

/// Fails where the connection reads only.
async fn can_write(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    connection
        .begin_with("BEGIN IMMEDIATE")
        .await?
        .rollback()
        .await
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::{Backend, Database, Db, DbOptions};
    use crate::settings;

    /// More than the pages that are left to it.
    const LARGE: usize = 1 << 20;

    #[tokio::test]
    async fn a_moment_without_space_spoils_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let database = Database::Sqlite(directory.path().join("test.db"));
        let db = Db::open(&DbOptions {
            database,
            connections: 1,
        })
        .await
        .expect("opens");
        let Backend::Sqlite { writer, .. } = db.backend() else {
            panic!("it is SQLite");
        };
        let now = Timestamp::from_seconds(1);
        for round in 0..3 {
            let full = sqlx::query("PRAGMA max_page_count = 1");
            full.execute(writer).await.expect("the file may not grow");
            let mut tx = db.begin().await.expect("begins");
            settings::put(&mut tx, "large", &vec![0; LARGE], now)
                .await
                .expect_err("there is no space");
            drop(tx);
            let mut tx = db
                .begin()
                .await
                .unwrap_or_else(|error| panic!("round {round}: begins again: {error:?}"));
            settings::put(&mut tx, "small", b"x", now)
                .await
                .expect("there is space again");
            tx.commit().await.expect("commits");
        }
    }
}
