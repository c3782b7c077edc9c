//! Transactions.

use sqlx::{Postgres, Sqlite, Transaction};

use super::backend::Backend;
use crate::error::StoreError;

/// A transaction; dropped without [`Tx::commit`] it changes nothing.
#[derive(Debug)]
pub struct Tx {
    backend: TxBackend,
}

#[derive(Debug)]
pub(crate) enum TxBackend {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(super) async fn begin(backend: &Backend) -> Result<Self, StoreError> {
        let backend = match backend {
            // A deferred transaction that reads first and writes later fails at once when another wrote meanwhile.
            Backend::Sqlite { writer, .. } => {
                TxBackend::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Backend::Postgres(pool) => TxBackend::Postgres(pool.begin().await?),
        };
        Ok(Self { backend })
    }

    /// Makes everything written durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.backend {
            TxBackend::Sqlite(transaction) => transaction.commit().await?,
            TxBackend::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }

    /// Gives everything written up.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.backend {
            TxBackend::Sqlite(transaction) => transaction.rollback().await?,
            TxBackend::Postgres(transaction) => transaction.rollback().await?,
        }
        Ok(())
    }

    pub(crate) fn backend(&mut self) -> &mut TxBackend {
        &mut self.backend
    }
}
