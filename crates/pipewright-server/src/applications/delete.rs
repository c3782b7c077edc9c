//! Deleting an application, with its builds. What we put on its repository goes too: the key now, as far as Bitbucket lets
//! us, and the webhook by its keeper.

use pipewright_core::Right;
use pipewright_store::applications::{self, Application};
use pipewright_store::{StoreError, repositories};
use serde_json::json;

use crate::access::bitbucket_for;
use crate::app::App;
use crate::ground::{ActError, Actor, address_of};

/// Deletes an application of the actor's account. Gives the sentence for what is still at Bitbucket.
pub(crate) async fn delete(
    app: &App,
    actor: &Actor,
    application: &Application,
) -> Result<Option<String>, ActError> {
    actor.require(Right::ManageApplications)?;
    let left = remove_key(app, application).await?;
    let mut tx = app.db.begin().await?;
    if applications::remove(&mut tx, actor.account, application.id).await? {
        actor
            .record(
                &mut tx,
                "application.deleted",
                &application.name,
                json!({ "left_at_bitbucket": left }),
            )
            .await?;
    }
    tx.commit().await?;
    app.live().integrations.ring();
    let (caches, scope) = (app.caches.clone(), application.id.to_string());
    // What stays of the caches dies by itself within a week.
    let _ = tokio::task::spawn_blocking(move || caches.clear(&scope)).await;
    Ok(left)
}

/// Removes the SSH key that we put on the repository.
async fn remove_key(app: &App, application: &Application) -> Result<Option<String>, StoreError> {
    let Some(repository) = repositories::get(&app.db, application.repository).await? else {
        return Ok(None);
    };
    let Some(key) = repository.access_key_id.as_deref() else {
        return Ok(None);
    };
    let removed = match bitbucket_for(app, repository.integration).await {
        Ok(bitbucket) => bitbucket
            .remove_repository_key(&address_of(&repository), key)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = removed {
        return Ok(Some(format!(
            "The SSH key on {} is still there ({error}); remove it by hand.",
            repository.full_name
        )));
    }
    let mut tx = app.db.begin().await?;
    repositories::set_access_key(&mut tx, repository.id, None).await?;
    tx.commit().await?;
    Ok(None)
}
