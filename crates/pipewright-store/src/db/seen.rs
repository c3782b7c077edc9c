//! What a database says of its own schema.

use sqlx::{PgConnection, SqliteConnection};

/// The last migration that an SQLite database has seen; 0 of a new one.
pub(super) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let is_there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if is_there == 0 {
        return Ok(0);
    }
    sqlx::query_scalar(SEEN).fetch_one(connection).await
}

/// The same of PostgreSQL.
pub(super) async fn of_postgres(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(0);
    }
    sqlx::query_scalar(SEEN).fetch_one(connection).await
}

const SEEN: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations";
