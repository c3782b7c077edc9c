//! The store's tests run on both databases: SQLite in a fresh directory, PostgreSQL in a fresh database of the server
//! that `PIPEWRIGHT_TEST_POSTGRES` names (`postgres://user@host:port`). Without it that half says that it is skipped.

use std::io::Write;

use sqlx::{ConnectOptions, Connection};

use crate::db::{Database, Db, DbOptions};

/// Runs a test on each database.
pub(crate) fn on_each_database<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let directory = tempfile::tempdir().expect("a directory");
        let database = Database::Sqlite(directory.path().join("test.db"));
        let db = Db::open(&DbOptions {
            database,
            connections: 1,
        })
        .await
        .expect("SQLite opens");
        test(db.clone()).await;
        db.close().await;
        with_empty_postgres(async |url| {
            let db = Db::open(&DbOptions {
                database: Database::Postgres(url),
                connections: 8,
            })
            .await
            .expect("PostgreSQL opens");
            test(db.clone()).await;
            db.close().await;
        })
        .await;
    });
}

/// Runs a test on a fresh database of the PostgreSQL server, without tables, whose URL it is given.
pub(crate) async fn with_empty_postgres(test: impl AsyncFnOnce(String)) {
    let Ok(server) = std::env::var("PIPEWRIGHT_TEST_POSTGRES") else {
        writeln!(
            std::io::stderr(),
            "skipped on PostgreSQL: PIPEWRIGHT_TEST_POSTGRES is not set"
        )
        .expect("stderr");
        return;
    };
    let name = format!("pipewright_{}", uuid::Uuid::now_v7().simple());
    let options: sqlx::postgres::PgConnectOptions = format!("{server}/postgres")
        .parse()
        .expect("a PostgreSQL URL");
    let mut admin = options.connect().await.expect("PostgreSQL answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create)
        .execute(&mut admin)
        .await
        .expect("a fresh database");
    test(format!("{server}/{name}")).await;
    let remove = sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    sqlx::raw_sql(remove)
        .execute(&mut admin)
        .await
        .expect("the database goes");
    admin.close().await.expect("closes");
}

#[test]
fn every_statement_is_prepared_by_both_databases() {
    use sqlx::{Executor, SqlSafeStr, Statement as _};

    on_each_database(async |db| {
        for statement in crate::all_statements() {
            let failed = match db.backend() {
                crate::db::Backend::Sqlite { reader, .. } => reader
                    .prepare(statement.sqlite.into_sql_str())
                    .await
                    .map(|prepared| prepared.columns().len())
                    .err(),
                crate::db::Backend::Postgres(pool) => pool
                    .prepare(statement.postgres.into_sql_str())
                    .await
                    .map(|prepared| prepared.columns().len())
                    .err(),
            };
            assert!(
                failed.is_none(),
                "{} is refused: {failed:?}",
                statement.name
            );
        }
    });
}
