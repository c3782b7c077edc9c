//! Listing an integration's repositories, page by page, in the background.

use std::time::Duration;

use pipewright_bitbucket::RemoteRepository;
use pipewright_bitbucket::remote::Permission;
use pipewright_core::Timestamp;
use pipewright_core::ids::IntegrationId;
use pipewright_store::integrations::Integration;
use pipewright_store::repositories::{Repository, SeenRepository};
use pipewright_store::{StoreError, integrations, listings, repositories};

use crate::access::{IntegrationUnavailable, bitbucket_for, note_revoked};
use crate::app::App;

/// How old a listing may become before it is made anew without anybody asking.
const LIST_EVERY: Duration = Duration::from_hours(1);

/// How long a listing may take; one that takes longer died with its process.
const LIMIT: Duration = Duration::from_mins(15);

/// The most repositories of one integration that are kept.
const MOST: usize = 50_000;

/// A listing failed.
#[derive(Debug, thiserror::Error)]
enum ListError {
    #[error(transparent)]
    Unavailable(#[from] IntegrationUnavailable),
    #[error(transparent)]
    Api(#[from] pipewright_bitbucket::ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "there are more than {MOST} repositories, which is Pipewright's limit for one connection; the first {MOST} are listed"
    )]
    TooMany,
}

/// Lists what is due.
pub(crate) async fn list_due(app: &App) -> Result<(), StoreError> {
    let due = listings::due(&app.db, app.clock.now() - LIST_EVERY).await?;
    let all = due.into_iter().map(|integration| list(app, integration));
    for result in futures_util::future::join_all(all).await {
        result?;
    }
    Ok(())
}

/// Lists one integration, unless that is under way.
async fn list(app: &App, id: IntegrationId) -> Result<(), StoreError> {
    let Some(integration) = integrations::get(&app.db, id).await? else {
        return Ok(());
    };
    let started_at = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mine = listings::begin(&mut tx, id, started_at, LIMIT).await?;
    tx.commit().await?;
    if !mine {
        return Ok(());
    }
    let outcome = read_all(app, &integration, started_at).await;
    let mut tx = app.db.begin().await?;
    match outcome {
        Ok(count) => {
            repositories::mark_unseen_gone(&mut tx, id, started_at, started_at).await?;
            listings::finish(&mut tx, id, started_at, app.clock.now()).await?;
            tracing::debug!(integration.id = %id, count, "listed repositories");
        }
        Err(error) => {
            tracing::info!(integration.id = %id, error = %error, "repositories could not be listed");
            listings::fail(&mut tx, id, started_at, &error.to_string()).await?;
        }
    }
    tx.commit().await
}

/// Reads every page and keeps each before the next is asked for.
async fn read_all(
    app: &App,
    integration: &Integration,
    started_at: Timestamp,
) -> Result<usize, ListError> {
    let bitbucket = bitbucket_for(app, integration.id).await?;
    let mut pages = bitbucket.list_repositories();
    let mut count = 0;
    loop {
        let page = match pages.next().await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(count),
            Err(error) => {
                if error.is_unauthorized() {
                    note_revoked(app, integration.id).await?;
                }
                return Err(error.into());
            }
        };
        count += page.len();
        let mut tx = app.db.begin().await?;
        for repository in &page {
            let seen = with_page(
                repository,
                format!("{}/{}", integration.base_url, repository.full_name),
            );
            repositories::remember(
                &mut tx,
                integration.account,
                integration.id,
                &seen,
                started_at,
            )
            .await?;
        }
        tx.commit().await?;
        if count > MOST {
            return Err(ListError::TooMany);
        }
    }
}

/// A repository as we keep it, where it is known already.
pub(crate) fn seen(repository: &RemoteRepository, known: &Repository) -> SeenRepository {
    with_page(repository, known.web_url.clone())
}

/// A repository as we keep it; its page is the one given where Bitbucket does not say.
fn with_page(repository: &RemoteRepository, page: String) -> SeenRepository {
    let web_url = repository.web_url.clone().unwrap_or(page);
    SeenRepository {
        remote_id: repository.remote_id.clone(),
        owner_id: repository.space.id.clone(),
        owner: repository.space.key.clone(),
        owner_name: repository.space.name.clone(),
        project_key: repository.project_key.clone(),
        slug: repository.slug.clone(),
        name: repository.name.clone(),
        full_name: repository.full_name.clone(),
        is_private: repository.private,
        // What a list of Data Center says is only the least that is known.
        can_administer: repository
            .permission
            .filter(|permission| *permission == Permission::Admin)
            .map(|_| true),
        default_branch: repository
            .default_branch
            .as_ref()
            .map(|branch| branch.short().to_owned()),
        ssh_url: repository.ssh_url.clone(),
        http_url: repository.http_url.clone(),
        web_url,
        remote_updated_at: repository.updated_at,
    }
}
