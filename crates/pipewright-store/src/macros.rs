//! One body, compiled once per database.
//!
//! `statements!` names SQL; `read!` and `within!` repeat a body for SQLite and for PostgreSQL, so that the compiler checks
//! every bound value and row type against both drivers.

/// One SQL statement with its text for each database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement {
    /// For messages of the test that prepares everything.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "read by the test that prepares every statement")
    )]
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Declares statements as constants, and a table `ALL` of them for the test that prepares every statement on both
/// databases. `same("…")` is the rule; `split("sqlite …", "postgres …")` needs a reason in a comment.
macro_rules! statements {
    ($($name:ident = $kind:ident($($text:expr),+ $(,)?);)+) => {
        $(const $name: $crate::macros::Statement = statements!(@one $name $kind $($text),+);)+
        /// Every statement of this module.
        #[cfg(test)]
        pub(crate) const ALL: &[$crate::macros::Statement] = &[$($name),+];
    };
    (@one $name:ident same $text:expr) => {
        $crate::macros::Statement { name: stringify!($name), sqlite: $text, postgres: $text }
    };
    (@one $name:ident split $sqlite:expr, $postgres:expr) => {
        $crate::macros::Statement { name: stringify!($name), sqlite: $sqlite, postgres: $postgres }
    };
}

/// Runs the body against the reading side: `read!(db, STATEMENT, |executor, sql| sqlx::query_as(sql).fetch_all(executor).await)`.
macro_rules! read {
    ($db:expr, $statement:expr, |$executor:ident, $sql:ident| $body:expr) => {
        match $db.backend() {
            $crate::db::Backend::Sqlite { reader, .. } => {
                let ($executor, $sql) = (reader, $statement.sqlite);
                $body
            }
            $crate::db::Backend::Postgres(pool) => {
                let ($executor, $sql) = (pool, $statement.postgres);
                $body
            }
        }
    };
}

/// Runs the body inside a transaction: `within!(tx, STATEMENT, |executor, sql| sqlx::query(sql).execute(executor).await)`.
macro_rules! within {
    ($tx:expr, $statement:expr, |$executor:ident, $sql:ident| $body:expr) => {
        match $tx.backend() {
            $crate::db::TxBackend::Sqlite(transaction) => {
                let ($executor, $sql) = (&mut **transaction, $statement.sqlite);
                $body
            }
            $crate::db::TxBackend::Postgres(transaction) => {
                let ($executor, $sql) = (&mut **transaction, $statement.postgres);
                $body
            }
        }
    };
}
