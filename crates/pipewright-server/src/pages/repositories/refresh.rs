//! **Refresh**: asks for the lists of repositories to be made anew.

use axum::Router;
use axum::extract::State;
use axum::routing::post;

use crate::app::App;
use crate::repositories;
use crate::web::{MemberOf, PageError, SeeOther};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/{account}/repositories/refresh", post(refresh))
}

async fn refresh(State(app): State<App>, member: MemberOf) -> Result<SeeOther, PageError> {
    repositories::refresh(&app, &member.actor()).await?;
    let back = SeeOther::to(&app.config, &member.path("/applications/new"));
    Ok(back.done(
        "The list is being read from Bitbucket again; what is known stays searchable meanwhile.",
    ))
}
