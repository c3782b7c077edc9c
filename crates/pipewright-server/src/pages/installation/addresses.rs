//! Allowed outgoing addresses: adding one, removing one.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;

use super::PATH;
use super::show::with_refusal;
use crate::administration::outgoing;
use crate::app::App;
use crate::ground::{Failure, Kind};
use crate::web::{PageError, PageForm, SeeOther, SignedIn};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/addresses/allow"), post(allow))
        .route(&format!("{PATH}/addresses/remove"), post(remove))
}

#[derive(Debug, Deserialize)]
struct Address {
    address: String,
}

async fn allow(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Address>,
) -> Result<Response, PageError> {
    let who = user.administrator()?;
    match outgoing::allow(&app, &who, &form.address).await {
        Ok(pattern) => Ok(back(&app)
            .done(format!("Pipewright may connect to {pattern} from now on."))
            .into_response()),
        Err(error) if error.kind() == Kind::Unusable => {
            with_refusal(&app, &user, error.sentence()).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn remove(
    State(app): State<App>,
    user: SignedIn,
    PageForm(form): PageForm<Address>,
) -> Result<SeeOther, PageError> {
    let who = user.administrator()?;
    outgoing::remove(&app, &who, &form.address).await?;
    Ok(back(&app).done(format!(
        "Pipewright no longer connects to {} unless something else on the list allows it.",
        form.address
    )))
}

fn back(app: &App) -> SeeOther {
    SeeOther::to(&app.config, &format!("{PATH}#addresses"))
}
