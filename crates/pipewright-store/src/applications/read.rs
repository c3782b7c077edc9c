//! Finding applications.

use pipewright_core::ids::{AccountId, ApplicationId, IntegrationId, RepositoryId};

use super::row::{Application, ListedApplication, ListedRow, Row};
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    GET = same("SELECT * FROM applications WHERE id = $1");
    BY_SLUG = same("SELECT * FROM applications WHERE account_id = $1 AND slug = $2");
    FOR_REPOSITORY = same("SELECT * FROM applications WHERE repository_id = $1 ORDER BY id");
    BY_ACCOUNT = same(
        "SELECT a.*, r.full_name, r.web_url, r.integration_id, i.kind AS integration_kind, i.base_url AS integration_url,
             i.state AS integration_state
         FROM applications a JOIN repositories r ON r.id = a.repository_id JOIN integrations i ON i.id = r.integration_id
         WHERE a.account_id = $1"
    );
    OF_INTEGRATION = same(
        "SELECT a.* FROM applications a JOIN repositories r ON r.id = a.repository_id WHERE r.integration_id = $1 ORDER BY a.id"
    );
}

/// The application of this id, whoever owns it. For the server's own tasks.
pub async fn get(db: &Db, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row: Option<Row> = read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Application::from))
}

/// The same inside a transaction.
pub async fn find(tx: &mut Tx, id: ApplicationId) -> Result<Option<Application>, StoreError> {
    let row: Option<Row> = within!(tx, GET, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Application::from))
}

/// The account's application of this name.
pub async fn by_slug(
    db: &Db,
    account: AccountId,
    slug: &str,
) -> Result<Option<Application>, StoreError> {
    let row: Option<Row> = read!(db, BY_SLUG, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(slug)
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(Application::from))
}

/// Every application made from this repository.
pub async fn for_repository(
    db: &Db,
    repository: RepositoryId,
) -> Result<Vec<Application>, StoreError> {
    let rows: Vec<Row> = read!(db, FOR_REPOSITORY, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Application::from).collect())
}

/// The same inside a transaction.
pub async fn on_repository(
    tx: &mut Tx,
    repository: RepositoryId,
) -> Result<Vec<Application>, StoreError> {
    let rows: Vec<Row> = within!(tx, FOR_REPOSITORY, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Application::from).collect())
}

/// Every application of an account by name, with what a list says of its repository.
pub async fn by_account(db: &Db, account: AccountId) -> Result<Vec<ListedApplication>, StoreError> {
    let rows: Vec<ListedRow> = read!(db, BY_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    let mut listed: Vec<_> = rows.into_iter().map(ListedApplication::from).collect();
    // The databases do not agree on the order of text.
    listed.sort_by_cached_key(|listed| {
        (
            listed.application.name.to_lowercase(),
            listed.application.slug.clone(),
        )
    });
    Ok(listed)
}

/// Every application that is built through an integration.
pub async fn of_integration(
    db: &Db,
    integration: IntegrationId,
) -> Result<Vec<Application>, StoreError> {
    let rows: Vec<Row> = read!(db, OF_INTEGRATION, |executor, sql| sqlx::query_as(sql)
        .bind(integration.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Application::from).collect())
}
