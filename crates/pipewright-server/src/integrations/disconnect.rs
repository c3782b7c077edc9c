//! **Disconnect…**: what we put at Bitbucket goes as far as Bitbucket lets us, and every secret here goes in any case.

use futures_util::StreamExt;
use pipewright_bitbucket::Bitbucket;
use pipewright_core::Right;
use pipewright_core::ids::IntegrationId;
use pipewright_store::integrations::{Integration, IntegrationState};
use pipewright_store::webhooks::Webhook;
use pipewright_store::{StoreError, credentials, integrations, repositories, webhooks};

use crate::access::Parts;
use crate::access::bitbucket_for;
use crate::access::consumer;
use crate::app::App;
use crate::ground::{ActError, Actor, address_of, delivery_url};

/// How many calls are under way at a time.
const AT_ONCE: usize = 4;

/// One thing that was to be removed at Bitbucket.
#[derive(Debug, Clone)]
pub(crate) struct Removal {
    /// What: "the webhook of harbor/api".
    pub(crate) what: String,
    /// Why it is still there; none where it is gone.
    pub(crate) problem: Option<String>,
}

/// Disconnects the integration. Gives what was removed at Bitbucket, and what a person must still remove there.
pub(crate) async fn disconnect(
    app: &App,
    actor: &Actor,
    integration: &Integration,
) -> Result<Vec<Removal>, ActError> {
    actor.require(Right::Connect)?;
    let removals = clean_up(app, integration).await?;
    let mut tx = app.db.begin().await?;
    for webhook in webhooks::of_integration(&app.db, integration.id).await? {
        webhooks::set_absent(&mut tx, webhook.id).await?;
    }
    for repository in repositories::with_access_key(&app.db, integration.id).await? {
        repositories::set_access_key(&mut tx, repository.id, None).await?;
    }
    integrations::disconnect(&mut tx, integration.id).await?;
    let left: Vec<&str> = removals
        .iter()
        .filter(|removal| removal.problem.is_some())
        .map(|removal| removal.what.as_str())
        .collect();
    let detail = serde_json::json!({ "left_at_bitbucket": left.join(", ") });
    actor
        .record(
            &mut tx,
            "integration.disconnected",
            &integration.base_url,
            detail,
        )
        .await?;
    tx.commit().await?;
    Ok(removals)
}

/// Removes at Bitbucket what we put there.
async fn clean_up(app: &App, integration: &Integration) -> Result<Vec<Removal>, StoreError> {
    if integration.state == IntegrationState::Disconnected {
        return Ok(Vec::new());
    }
    // Also those whose number at Bitbucket is not known: it may be on its way to us. They are found by their address.
    let hooks: Vec<Webhook> = webhooks::of_integration(&app.db, integration.id).await?;
    let keys = repositories::with_access_key(&app.db, integration.id).await?;
    let bitbucket = match bitbucket_for(app, integration.id).await {
        Ok(bitbucket) => Some(bitbucket),
        Err(error) => {
            tracing::info!(integration.id = %integration.id, error = %error, "disconnecting without a way to Bitbucket");
            None
        }
    };
    let mut work = Vec::new();
    for webhook in hooks {
        let Some(repository) = repositories::get(&app.db, webhook.repository).await? else {
            continue;
        };
        let url = delivery_url(app, &webhook);
        let known = webhook.remote_id.clone();
        let client = bitbucket.clone();
        work.push(removal(
            format!("the webhook of {}", repository.full_name),
            async move {
                let client = client.ok_or_else(no_way)?;
                client
                    .delete_webhook(&address_of(&repository), &url, known.as_deref())
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            },
        ));
    }
    for repository in keys {
        let client = bitbucket.clone();
        work.push(removal(
            format!("the SSH key on {}", repository.full_name),
            async move {
                let client = client.ok_or_else(no_way)?;
                let id = repository.access_key_id.clone().unwrap_or_default();
                client
                    .remove_repository_key(&address_of(&repository), &id)
                    .await
                    .map_err(|error| error.to_string())
            },
        ));
    }
    if let Some(id) = integration.key.posted_id.clone() {
        let client = bitbucket.clone();
        work.push(removal(
            "the SSH key on the connected account".to_owned(),
            async move {
                client
                    .ok_or_else(no_way)?
                    .remove_user_key(&id)
                    .await
                    .map_err(|error| error.to_string())
            },
        ));
    }
    let mut removals: Vec<Removal> = futures_util::stream::iter(work)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    removals.sort_by(|one, other| one.what.cmp(&other.what));
    // Last, because everything above needs it.
    revoke(app, integration.id, bitbucket.as_ref()).await?;
    Ok(removals)
}

type Work = std::pin::Pin<Box<dyn Future<Output = Removal> + Send>>;

fn removal(what: String, done: impl Future<Output = Result<(), String>> + Send + 'static) -> Work {
    Box::pin(async move {
        Removal {
            what,
            problem: done.await.err(),
        }
    })
}

fn no_way() -> String {
    "Bitbucket no longer accepts our access".to_owned()
}

/// Tries to end an OAuth grant. Bitbucket documents no way to do that, so its answer decides nothing.
async fn revoke(
    app: &App,
    id: IntegrationId,
    bitbucket: Option<&Bitbucket>,
) -> Result<(), StoreError> {
    if !matches!(bitbucket, Some(Bitbucket::Cloud(_))) {
        return Ok(());
    }
    let (Some(stored), Ok(Some(consumer))) = (
        credentials::of_integration(&app.db, id).await?,
        consumer::load(app).await,
    ) else {
        return Ok(());
    };
    if let Ok(Parts::OAuth {
        access_token,
        refresh_token,
    }) = Parts::open(&app.vault, stored.id, stored.kind, &stored.secret)
    {
        let token = refresh_token.unwrap_or(access_token);
        let ended = consumer::oauth_client(app, consumer).revoke(&token).await;
        tracing::debug!(integration.id = %id, ended, "asked Bitbucket to end the grant");
    }
    Ok(())
}
