//! **Redeliver**: has a stored delivery decided once more.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use pipewright_core::ids::DeliveryId;

use crate::app::App;
use crate::deliveries::redeliver;
use crate::web::{MemberOf, PageError, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/deliveries/{delivery}/redeliver", post(submit))
}

async fn submit(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<SeeOther, PageError> {
    let id: DeliveryId = id.parse().map_err(|_| PageError::NotFound)?;
    let new = redeliver(&app, &member.actor(), id).await?;
    let path = member.path(&format!("/deliveries/{new}"));
    Ok(SeeOther::to(&app.config, &path)
        .done("Delivered again. What was built stays built once; the decision is shown below."))
}
