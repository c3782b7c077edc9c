//! The connections to either database.

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

/// How long a statement waits for a connection or a lock before it is an error.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// The same of PostgreSQL, whose server may have gone without a word: a connection that nobody answers is given up soon, so that
/// its place is free for the next one when the server is back.
pub(super) const POSTGRES_WAIT: Duration = Duration::from_secs(5);

/// Connections to one of the two.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PgPool),
}
