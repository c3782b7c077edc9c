//! **Repair** and **Check**: what a person asks of a webhook on the application's page.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::Right;
use pipewright_store::webhooks::{self, WebhookState};
use serde_json::json;

use crate::app::App;
use crate::http::{ApplicationOf, PageError, SeeOther};
use crate::webhooks::{check, register};

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

async fn repair(State(app): State<App>, at: ApplicationOf) -> Result<SeeOther, PageError> {
    act(&app, &at, true).await
}

async fn look(State(app): State<App>, at: ApplicationOf) -> Result<SeeOther, PageError> {
    act(&app, &at, false).await
}

async fn act(
    app: &App,
    ApplicationOf {
        member,
        application,
    }: &ApplicationOf,
    repair: bool,
) -> Result<SeeOther, PageError> {
    member.require(Right::ManageApplications)?;
    let webhook = webhooks::of_repository(&app.db, application.repository)
        .await?
        .ok_or(PageError::NotFound)?;
    if !app.config.webhooks_reach_us || !application.rules.auto_build {
        return Err(PageError::Conflict(
            "This application needs no webhook just now, so there is nothing to repair.".to_owned(),
        ));
    }
    let back = SeeOther::to(
        &app.config,
        &member.path(&format!("/applications/{}", application.slug)),
    );
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
        Some(message) if registered.state == WebhookState::Present => {
            back.done(format!("The webhook is at Bitbucket. {message}"))
        }
        Some(message) => back.failed(message),
    })
}
