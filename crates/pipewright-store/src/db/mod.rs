//! The database: how it is opened, read and written.

mod backend;
mod copy;
mod migrate;
mod open;
#[cfg(test)]
mod rows;
mod seen;
mod transaction;
#[cfg(test)]
mod twins;

pub use crate::error::CopyError;
pub(crate) use backend::Backend;
pub use copy::{Contents, copy_sqlite, inspect_sqlite};
pub use migrate::{Migration, Permissions, Standing};
pub use open::{Database, Db, DbOptions};
pub use transaction::Tx;
pub(crate) use transaction::TxBackend;

use std::path::{Path, PathBuf};

/// The last migration that this program knows.
pub fn newest_schema() -> i64 {
    migrate::newest()
}

/// Where the copy of an SQLite database is kept that is made before it is migrated from this schema.
pub fn migration_copy(database: &Path, schema: i64) -> PathBuf {
    migrate::copy_path(database, schema)
}
