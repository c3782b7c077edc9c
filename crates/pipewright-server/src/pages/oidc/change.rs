//! The forms of the account's page.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_store::oidc::SigningAlgorithm;
use serde::Deserialize;

use crate::app::App;
use crate::oidc::{choose_algorithm, rotate};
use crate::web::{MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/oidc/algorithm", post(choose))
        .route("/{account}/settings/oidc/rotate", post(follow))
}

#[derive(Debug, Deserialize)]
struct Chosen {
    algorithm: String,
}

#[derive(Debug, Deserialize)]
struct When {
    at_once: Option<String>,
}

async fn choose(
    State(app): State<App>,
    member: MemberOf,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let algorithm = SigningAlgorithm::try_from(chosen.algorithm)
        .map_err(|_| PageError::BadRequest("Choose RS256 or ES256.".to_owned()))?;
    let done = choose_algorithm(&app, &member.actor(), algorithm).await;
    let sentence = format!("Tokens are signed with {} from now on.", algorithm.as_str());
    back(&app, &member).after(done, sentence)
}

async fn follow(
    State(app): State<App>,
    member: MemberOf,
    PageForm(when): PageForm<When>,
) -> Result<SeeOther, PageError> {
    let at_once = when.at_once.is_some();
    let done = rotate(&app, &member.actor(), at_once).await;
    let sentence = if at_once {
        "The keys are replaced. Tokens that the old ones signed are worth nothing any more."
    } else {
        "New keys are published and sign in an hour; the present ones stay published until their last token has expired."
    };
    back(&app, &member).after(done, sentence)
}

fn back(app: &App, member: &MemberOf) -> SeeOther {
    SeeOther::to(&app.config, &member.path("/settings/oidc"))
}
