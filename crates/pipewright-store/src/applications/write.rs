//! Making, changing and removing applications.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, RepositoryId, UserId};
use sqlx::types::Json;

use super::row::{Rules, Watch};
use crate::db::Tx;
use crate::error::StoreError;

statements! {
    INSERT = same(
        "INSERT INTO applications (id, account_id, repository_id, slug, name, auto_build, build_pushes, build_pull_requests, build_tags,
             branch_patterns, cancel_superseded, watch, next_number, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14)
         ON CONFLICT DO NOTHING"
    );
    SET_RULES = same(
        "UPDATE applications SET auto_build = $2, build_pushes = $3, build_pull_requests = $4, build_tags = $5, branch_patterns = $6,
             cancel_superseded = $7
         WHERE id = $1"
    );
    SET_NAME = same("UPDATE applications SET name = $3 WHERE id = $1 AND account_id = $2");
    SET_WATCH = same("UPDATE applications SET watch = $2 WHERE id = $1");
    LOGS = same(
        "INSERT INTO removals (kind, id) SELECT 'log', t.id FROM attempts t JOIN builds b ON b.id = t.build_id
         WHERE b.application_id = $1 AND b.account_id = $2 ON CONFLICT DO NOTHING"
    );
    ARTIFACTS = same(
        "INSERT INTO removals (kind, id) SELECT 'artifact', f.id FROM artifacts f JOIN builds b ON b.id = f.build_id
         WHERE b.application_id = $1 AND b.account_id = $2 AND f.removed_at IS NULL ON CONFLICT DO NOTHING"
    );
    REMOVE = same("DELETE FROM applications WHERE id = $1 AND account_id = $2");
}

/// An application to be made.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// Its id.
    pub id: ApplicationId,
    /// Its owner.
    pub account: AccountId,
    /// What is built; the account's own.
    pub repository: RepositoryId,
    /// Its name in addresses.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What is built when something changes.
    pub rules: Rules,
    /// How pushes are heard of.
    pub watch: Watch,
    /// Who makes it.
    pub created_by: UserId,
}

/// Makes an application. False where the account has one of this name, or of this repository.
pub async fn insert(tx: &mut Tx, new: &NewApplication, now: Timestamp) -> Result<bool, StoreError> {
    let rules = &new.rules;
    let rows = within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.account.as_uuid())
        .bind(new.repository.as_uuid())
        .bind(&new.slug)
        .bind(&new.name)
        .bind(rules.auto_build)
        .bind(rules.pushes)
        .bind(rules.pull_requests)
        .bind(rules.tags)
        .bind(Json(&rules.branches))
        .bind(rules.cancel_superseded)
        .bind(new.watch.as_str())
        .bind(new.created_by.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Changes what people call an application. False where the account has none of this id.
pub async fn set_name(
    tx: &mut Tx,
    account: AccountId,
    id: ApplicationId,
    name: &str,
) -> Result<bool, StoreError> {
    let rows = within!(tx, SET_NAME, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(account.as_uuid())
        .bind(name)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Changes what is built.
pub async fn set_rules(tx: &mut Tx, id: ApplicationId, rules: &Rules) -> Result<(), StoreError> {
    let rows = within!(tx, SET_RULES, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(rules.auto_build)
        .bind(rules.pushes)
        .bind(rules.pull_requests)
        .bind(rules.tags)
        .bind(Json(&rules.branches))
        .bind(rules.cancel_superseded)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Changes how pushes are heard of.
pub async fn set_watch(tx: &mut Tx, id: ApplicationId, watch: Watch) -> Result<(), StoreError> {
    let rows = within!(tx, SET_WATCH, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(watch.as_str())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    expect_one(rows, id)
}

/// Removes an application with its builds; their logs and artifacts wait among the [`removals`](crate::retention::removals).
/// False where the account has none of this id.
pub async fn remove(
    tx: &mut Tx,
    account: AccountId,
    id: ApplicationId,
) -> Result<bool, StoreError> {
    for files in [LOGS, ARTIFACTS] {
        within!(tx, files, |executor, sql| sqlx::query(sql)
            .bind(id.as_uuid())
            .bind(account.as_uuid())
            .execute(executor)
            .await
            .map(drop))?;
    }
    let rows = within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(account.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

fn expect_one(rows: u64, id: ApplicationId) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "applications",
            key: id.to_string(),
        })
    }
}
