//! Finding integrations.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, IntegrationId};

use super::row::{Integration, IntegrationKind, Row};
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    GET = same("SELECT * FROM integrations WHERE id = $1");
    OF_ACCOUNT = same("SELECT * FROM integrations WHERE id = $1 AND account_id = $2");
    BY_ACCOUNT = same("SELECT * FROM integrations WHERE account_id = $1 ORDER BY kind, id");
    FIND_AT = same("SELECT * FROM integrations WHERE account_id = $1 AND kind = $2 AND base_url = $3");
    // A key that Bitbucket does not know yet is looked at again soon: somebody may be pasting it just now.
    TO_CHECK = same(
        "SELECT * FROM integrations
         WHERE state = 'connected' AND (key_checked_at IS NULL OR key_checked_at <= $2
             OR (key_checked_at <= $1 AND key_check IN ('not_added', 'unreachable')))
         ORDER BY key_checked_at NULLS FIRST, id LIMIT 20"
    );
}

/// The integration of this id, whoever owns it. For the server's own tasks.
pub async fn get(db: &Db, id: IntegrationId) -> Result<Option<Integration>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    row.map(Integration::try_from).transpose()
}

/// The same inside a transaction.
pub async fn find(tx: &mut Tx, id: IntegrationId) -> Result<Option<Integration>, StoreError> {
    let row: Option<Row> = within!(tx, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    row.map(Integration::try_from).transpose()
}

/// The account's integration of this id.
pub async fn of_account(
    db: &Db,
    account: AccountId,
    id: IntegrationId,
) -> Result<Option<Integration>, StoreError> {
    let row: Option<Row> = read!(db, OF_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .bind(account.as_uuid())
        .fetch_optional(executor)
        .await)?;
    row.map(Integration::try_from).transpose()
}

/// Every integration of an account, also disconnected ones; Cloud first.
pub async fn by_account(db: &Db, account: AccountId) -> Result<Vec<Integration>, StoreError> {
    let rows: Vec<Row> = read!(db, BY_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    rows.into_iter().map(Integration::try_from).collect()
}

/// The account's integration with the Bitbucket at this address, inside a transaction.
pub async fn find_at(
    tx: &mut Tx,
    account: AccountId,
    kind: IntegrationKind,
    base_url: &str,
) -> Result<Option<Integration>, StoreError> {
    let row: Option<Row> = within!(tx, FIND_AT, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(kind.as_str())
        .bind(base_url)
        .fetch_optional(executor)
        .await)?;
    row.map(Integration::try_from).transpose()
}

/// Integrations whose SSH key is to be checked: those never checked, those that failed at or before `failed`, and every
/// other one that was checked at or before `any`. Twenty at most.
pub async fn to_check(
    db: &Db,
    failed: Timestamp,
    any: Timestamp,
) -> Result<Vec<Integration>, StoreError> {
    let rows: Vec<Row> = read!(db, TO_CHECK, |executor, sql| sqlx::query_as(sql)
        .bind(failed.as_micros())
        .bind(any.as_micros())
        .fetch_all(executor)
        .await)?;
    rows.into_iter().map(Integration::try_from).collect()
}
