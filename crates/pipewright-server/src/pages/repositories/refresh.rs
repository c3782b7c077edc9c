//! **Refresh**: asks for the lists of repositories to be made anew.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::Right;
use pipewright_store::integrations::IntegrationState;
use pipewright_store::{integrations, listings};

use crate::app::App;
use crate::web::{MemberOf, PageError, SeeOther};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/{account}/repositories/refresh", post(refresh))
}

async fn refresh(State(app): State<App>, member: MemberOf) -> Result<SeeOther, PageError> {
    member.require(Right::ManageApplications)?;
    let all = integrations::by_account(&app.db, member.account.id).await?;
    let mut tx = app.db.begin().await?;
    for integration in all
        .iter()
        .filter(|integration| integration.state == IntegrationState::Connected)
    {
        listings::want(&mut tx, integration.id, member.now()).await?;
    }
    tx.commit().await?;
    app.wakeups.integrations.notify_waiters();
    let back = SeeOther::to(&app.config, &member.path("/applications/new"));
    Ok(back.done(
        "The list is being read from Bitbucket again; what is known stays searchable meanwhile.",
    ))
}
