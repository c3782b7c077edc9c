//! One look at every webhook that is due: unregistered ones are registered, old ones checked, unneeded ones removed.

use std::time::Duration;

use futures_util::StreamExt;
use pipewright_store::StoreError;
use pipewright_store::webhooks::{self, Webhook};

use super::{check, remove_unneeded};
use crate::access::IntegrationUnavailable;
use crate::app::App;

/// How often one is looked at.
const CHECK_EVERY: Duration = Duration::from_hours(24);

/// How often one that could not be registered is tried again.
const REGISTER_EVERY: Duration = Duration::from_mins(1);

/// How many are looked at side by side.
const AT_ONCE: usize = 4;

/// Looks once at what is due.
pub(crate) async fn keep(app: &App) -> Result<(), StoreError> {
    let unneeded = webhooks::to_remove(&app.db).await?;
    futures_util::stream::iter(unneeded)
        .for_each_concurrent(AT_ONCE, async |webhook| {
            report(&webhook, remove_unneeded(app, &webhook).await);
        })
        .await;
    if !app.config.webhooks_reach_us {
        return Ok(());
    }
    let now = app.clock.now();
    let due = webhooks::to_check(&app.db, now - REGISTER_EVERY, now - CHECK_EVERY).await?;
    futures_util::stream::iter(due)
        .for_each_concurrent(AT_ONCE, async |webhook| {
            report(&webhook, check(app, &webhook).await.map(drop));
        })
        .await;
    Ok(())
}

fn report(webhook: &Webhook, result: Result<(), IntegrationUnavailable>) {
    if let Err(error) = result {
        tracing::warn!(webhook.id = %webhook.id, error = %error, "a webhook could not be looked at; it is tried again");
    }
}
