//! **Repair** and **Check**: what a person asks of a webhook on the application's page.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use pipewright_core::Right;
use pipewright_store::webhooks;
use serde_json::json;

use super::{check, register};
use crate::app::App;
use crate::applications::find;
use crate::http::{MemberOf, PageError, SeeOther};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/webhook/repair",
            post(repair),
        )
        .route(
            "/{account}/applications/{application}/webhook/check",
            post(look),
        )
}

async fn repair(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug)): Path<(String, String)>,
) -> Result<SeeOther, PageError> {
    act(&app, &member, &slug, true).await
}

async fn look(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug)): Path<(String, String)>,
) -> Result<SeeOther, PageError> {
    act(&app, &member, &slug, false).await
}

async fn act(
    app: &App,
    member: &MemberOf,
    slug: &str,
    repair: bool,
) -> Result<SeeOther, PageError> {
    member.require(Right::ManageApplications)?;
    let application = find(app, member, slug).await?;
    let webhook = webhooks::of_repository(&app.db, application.repository)
        .await?
        .ok_or(PageError::NotFound)?;
    if !app.config.webhooks_reach_us || !application.rules.auto_build {
        return Err(PageError::Conflict(
            "This application needs no webhook just now, so there is nothing to repair.".to_owned(),
        ));
    }
    let back = SeeOther::to(&app.config, &member.path(&format!("/applications/{slug}")));
    let outcome = if repair {
        register(app, &webhook).await
    } else {
        check(app, &webhook).await
    };
    let registered = match outcome {
        Ok(registered) => registered,
        Err(error) => {
            return Ok(back.failed(format!("The webhook could not be looked at: {error}.")));
        }
    };
    if repair {
        let mut tx = app.db.begin().await?;
        member
            .record(
                &mut tx,
                "webhook.repaired",
                &application.name,
                json!({ "state": registered.state.as_str() }),
            )
            .await?;
        tx.commit().await?;
    }
    Ok(match registered.message {
        None => back.done("The webhook is at Bitbucket and as it should be."),
        Some(message) => back.failed(message),
    })
}
