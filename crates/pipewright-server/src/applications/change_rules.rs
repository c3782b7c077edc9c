//! What an application builds by itself.

use pipewright_core::{RefPattern, Right};
use pipewright_store::applications::{self, Application, Rules};
use pipewright_store::repositories;
use serde_json::json;

use crate::app::App;
use crate::ground::{ActError, Actor};
use crate::webhooks;

/// Stores the rules; where the webhook's need changes, the keeper follows.
pub(crate) async fn change_rules(
    app: &App,
    actor: &Actor,
    application: &Application,
    rules: &Rules,
) -> Result<(), ActError> {
    actor.require(Right::ManageApplications)?;
    let mut tx = app.db.begin().await?;
    applications::set_rules(&mut tx, application.id, rules).await?;
    if rules.auto_build
        && !application.rules.auto_build
        && let Some(repository) = repositories::get(&app.db, application.repository).await?
    {
        webhooks::make_row(app, &mut tx, &repository).await?;
    }
    let branches: Vec<&str> = rules.branches.iter().map(RefPattern::as_str).collect();
    let detail = json!({
        "auto_build": rules.auto_build, "pushes": rules.pushes, "pull_requests": rules.pull_requests, "tags": rules.tags,
        "branches": branches.join(", "),
    });
    actor
        .record(
            &mut tx,
            "application.rules_changed",
            &application.name,
            detail,
        )
        .await?;
    tx.commit().await?;
    app.live().integrations.ring();
    Ok(())
}
