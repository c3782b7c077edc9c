//! What a database says of its own schema.

use sqlx::{PgConnection, SqliteConnection};

/// The migrations that an SQLite database has seen, in order; none of a new one.
pub(super) async fn all_of_sqlite(
    connection: &mut SqliteConnection,
) -> Result<Vec<i64>, sqlx::Error> {
    let is_there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if is_there == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(ALL).fetch_all(connection).await
}

/// The same of PostgreSQL.
pub(super) async fn all_of_postgres(
    connection: &mut PgConnection,
) -> Result<Vec<i64>, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(ALL).fetch_all(connection).await
}

/// The last migration that an SQLite database has seen; 0 of a new one.
pub(super) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    Ok(last(&all_of_sqlite(connection).await?))
}

/// The last of these migrations; 0 where there is none.
pub(super) fn last(seen: &[i64]) -> i64 {
    seen.last().copied().unwrap_or_default()
}

const ALL: &str = "SELECT CAST(version AS BIGINT) FROM _sqlx_migrations ORDER BY version";
