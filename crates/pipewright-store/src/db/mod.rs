//! The database: how it is opened, read and written.

mod migrate;
mod open;
mod transaction;

pub(crate) use open::Backend;
pub use open::{Database, Db, DbOptions};
pub use transaction::Tx;
pub(crate) use transaction::TxBackend;
