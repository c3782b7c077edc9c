//! **Repair** and **Check** on the application's page.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_store::webhooks::WebhookState;

use crate::app::App;
use crate::web::{ApplicationOf, PageError, SeeOther};
use crate::webhooks::{self, Ask, RepairError};

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
    act(&app, &at, Ask::Repair).await
}

async fn look(State(app): State<App>, at: ApplicationOf) -> Result<SeeOther, PageError> {
    act(&app, &at, Ask::Check).await
}

async fn act(app: &App, at: &ApplicationOf, ask: Ask) -> Result<SeeOther, PageError> {
    let ApplicationOf {
        member,
        application,
    } = at;
    let back = SeeOther::to(
        &app.config,
        &member.path(&format!("/applications/{}", application.slug)),
    );
    match webhooks::repair(app, &member.actor(), application, ask).await {
        Ok(registered) => Ok(match registered.message {
            None => back.done("The webhook is at Bitbucket and as it should be."),
            Some(message) if registered.state == WebhookState::Present => {
                back.done(format!("The webhook is at Bitbucket. {message}"))
            }
            Some(message) => back.failed(message),
        }),
        Err(error @ RepairError::NotNeeded) => Err(error.into()),
        Err(error) => back.refused(error),
    }
}
