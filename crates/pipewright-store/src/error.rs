//! What can go wrong with the database.

use std::path::PathBuf;

/// The database could not be opened or brought to this version's schema.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is neither SQLite's nor PostgreSQL's.
    #[error(
        "database URL begins with neither `sqlite:` nor `postgres:`; leave `database.url` out to use SQLite in the data directory"
    )]
    UnknownScheme,
    /// The directory of the SQLite file cannot be made.
    #[error("directory {path} for the database cannot be made; check its owner and free space")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Connecting failed.
    #[error(
        "database {database} cannot be opened; check that it exists and that this user may write it"
    )]
    Connect {
        /// The file, or the server without its password.
        database: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The schema cannot be brought to this version.
    #[error(
        "database {database} cannot be brought to this version's schema; restore the copy of before, and report this"
    )]
    Migrate {
        /// The file, or the server without its password.
        database: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The schema is an older version's, and nothing may be migrated here.
    #[error(
        "database {database} has schema {seen}, and this Pipewright works with schema {known}; use the version that runs the server, or bring the schema to this version with `pipewright migrate`"
    )]
    OtherSchema {
        /// The file, or the server without its password.
        database: String,
        /// The last migration it has seen.
        seen: i64,
        /// The last migration that is known here.
        known: i64,
    },
    /// There is nothing to work with.
    #[error(
        "there is no Pipewright database at {database}; say with --data-dir or --config where the server keeps its data"
    )]
    Empty {
        /// The file, or the server without its password.
        database: String,
    },
    /// A newer program migrated it and took away what this one needs.
    #[error(
        "database {database} was brought to schema {seen} by a newer Pipewright, and this one knows schema {known}; run the newer version, or restore the backup or copy of before"
    )]
    Newer {
        /// The file, or the server without its password.
        database: String,
        /// The last migration it has seen.
        seen: i64,
        /// The last migration that is known here.
        known: i64,
    },
    /// No copy could be made before migrating; nothing was changed.
    #[error(
        "database {database} was not brought to this version's schema, because no copy could be made before; make space for one as large as the database, or, if you have a backup, run `pipewright migrate --yes`"
    )]
    NoCopy {
        /// The file.
        database: String,
        /// Why.
        source: Box<CopyError>,
    },
    /// Somebody must say first that there is a backup; nothing was changed.
    #[error(
        "database {database} needs {pending} migration(s) for this version; back it up with pg_dump, then run `pipewright migrate --yes`, or set database.migrate_without_copy = true"
    )]
    BackupFirst {
        /// The server without its password.
        database: String,
        /// How many migrations.
        pending: usize,
    },
    /// Rows point at rows that are not there.
    #[error(
        "database {database} has {rows} rows that point at nothing after migration; restore the backup and report this"
    )]
    ForeignKeys {
        /// The file.
        database: String,
        /// How many rows.
        rows: usize,
    },
}

/// A statement failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached.
    #[error("the database did not answer a query")]
    Database(#[source] sqlx::Error),
    /// A unique value is taken.
    #[error("this {0} exists already")]
    Exists(&'static str),
    /// The row a write was meant for is not there (any more).
    #[error("{table} has no row {key}; was it deleted meanwhile?")]
    Missing {
        /// The table.
        table: &'static str,
        /// What was looked for.
        key: String,
    },
    /// A row holds what no version of Pipewright wrote.
    #[error("{table} row {key} is inconsistent: {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// Which row.
        key: String,
        /// What is wrong.
        what: String,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl StoreError {
    /// True where the statement is right and the database cannot serve it now: it is not there, going down or coming up, has no
    /// connection, no space or no disk that writes. Worth another try later.
    pub fn is_unavailable(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::Protocol(_) => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        }
    }

    /// True where a unique index refused the row.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Exists(_))
            || matches!(self, Self::Database(error) if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation))
    }
}

/// Codes of failures that are the database's and not the statement's. PostgreSQL's have five characters: its classes for
/// connections, resources and an operator's interventions. SQLite's are numbers, whose lowest byte tells the kind.
fn is_passing(code: &str) -> bool {
    if code.len() == 5 {
        let classes = ["08", "53", "57", "58"];
        return classes.iter().any(|class| code.starts_with(class));
    }
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const READONLY: u32 = 8;
    const IOERR: u32 = 10;
    const FULL: u32 = 13;
    const CANTOPEN: u32 = 14;
    code.parse::<u32>()
        .is_ok_and(|code| [BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN].contains(&(code & 0xff)))
}

/// A copy was not made, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database could not be read, or the copy not written.
    #[error("the database {from} cannot be copied to {to}; check that there is space for it")]
    Copy {
        /// The database.
        from: String,
        /// The copy.
        to: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The copy could not be flushed to the disk or put in place.
    #[error("the copy {path} cannot be kept; check its directory's owner and free space")]
    Keep {
        /// The copy.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The copy cannot be opened.
    #[error("{path} cannot be read as a database")]
    Open {
        /// The copy.
        path: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The database's own check finds it damaged.
    #[error("the database {path} is damaged: {what}")]
    Damaged {
        /// The copy.
        path: String,
        /// What SQLite says.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn what_passes_is_told_from_what_is_wrong() {
        for passing in [
            "57P01", "57P03", "53300", "08006", "58030", "5", "517", "13", "778", "14", "1032",
        ] {
            assert!(is_passing(passing), "{passing}");
        }
        for wrong in [
            "23505", "42601", "22001", "25P02", "40001", "19", "2067", "1", "787",
        ] {
            assert!(!is_passing(wrong), "{wrong}");
        }
    }
}
