//! The connections to either database.

use sqlx::{PgPool, SqlitePool};

/// Connections to one of the two.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PgPool),
}
