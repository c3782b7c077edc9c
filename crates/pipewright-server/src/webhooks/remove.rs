//! Removing webhooks that no application needs any more.

use pipewright_store::applications;
use pipewright_store::repositories;
use pipewright_store::webhooks::{self, Webhook};

use crate::access::{IntegrationUnavailable, bitbucket_for};
use crate::app::App;
use crate::ground::{address_of, delivery_url};

/// Removes one at Bitbucket, and its row where no application is left that could need it again.
pub(crate) async fn remove_unneeded(
    app: &App,
    webhook: &Webhook,
) -> Result<(), IntegrationUnavailable> {
    let repository = repositories::get(&app.db, webhook.repository)
        .await?
        .ok_or(IntegrationUnavailable::MissingRepository(
            webhook.repository,
        ))?;
    let bitbucket = bitbucket_for(app, repository.integration).await?;
    // Also where its number at Bitbucket is not known, which may be on its way to us: it is found by its address.
    let removed = bitbucket
        .delete_webhook(
            &address_of(&repository),
            &delivery_url(app, webhook),
            webhook.remote_id.as_deref(),
        )
        .await;
    match removed {
        Ok(_) => {}
        Err(error) if error.is_retryable() => {
            return Err(IntegrationUnavailable::Later(error.to_string()));
        }
        // It is left where it is: without an application its deliveries are decided as "not built", or not known at all.
        Err(error) => {
            tracing::warn!(repository = repository.full_name, error = %error, "the webhook stays at Bitbucket");
        }
    }
    let mut tx = app.db.begin().await?;
    let left = applications::on_repository(&mut tx, repository.id).await?;
    if left.is_empty() {
        webhooks::remove(&mut tx, webhook.id).await?;
    } else if left.iter().all(|application| !application.rules.auto_build) {
        webhooks::set_absent(&mut tx, webhook.id).await?;
    }
    tx.commit().await?;
    app.live().hooks.forget(&webhook.path);
    Ok(())
}
