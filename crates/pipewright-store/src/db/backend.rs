//! The connections to either database.

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

/// How long a statement waits for a connection or a lock before it is an error.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// Connections to one of the two.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PgPool),
}
