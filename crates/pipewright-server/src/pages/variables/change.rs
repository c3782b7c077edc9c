//! The forms that set and remove variables.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::ids::VariableId;
use pipewright_store::applications::Application;
use serde::Deserialize;

use super::list::{Entered, context};
use crate::app::App;
use crate::variables::{self, NewVariable};
use crate::web::{ApplicationOf, Html, MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/variables", post(set_of_account))
        .route(
            "/{account}/settings/variables/remove",
            post(remove_of_account),
        )
        .route(
            "/{account}/applications/{application}/variables",
            post(set_of_application),
        )
        .route(
            "/{account}/applications/{application}/variables/remove",
            post(remove_of_application),
        )
}

/// What was typed.
#[derive(Deserialize)]
struct Fields {
    name: String,
    value: String,
    #[serde(default)]
    environment: String,
    secured: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Chosen {
    id: String,
}

async fn set_of_account(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    set(&app, &member, None, fields).await
}

async fn set_of_application(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    set(&app, &member, Some(application), fields).await
}

async fn set(
    app: &App,
    member: &MemberOf,
    application: Option<Application>,
    fields: Fields,
) -> Result<Response, PageError> {
    let wish = NewVariable {
        application: application.as_ref(),
        environment: &fields.environment,
        name: &fields.name,
        value: &fields.value,
        is_secured: fields.secured.is_some(),
    };
    let name = match variables::set(app, &member.actor(), wish).await {
        Ok(name) => name,
        Err(error) => {
            let sentence = PageError::beside(error)?;
            return refused(app, member, application.as_ref(), &fields, sentence).await;
        }
    };
    let done = format!("{name} is set. It applies to every step that begins from now on.");
    Ok(back(app, member, application.as_ref())
        .done(done)
        .into_response())
}

/// The page again, with what was typed but for a secured value.
async fn refused(
    app: &App,
    member: &MemberOf,
    application: Option<&Application>,
    fields: &Fields,
    sentence: String,
) -> Result<Response, PageError> {
    let secured = fields.secured.is_some();
    let entered = Entered {
        name: fields.name.clone(),
        value: if secured {
            String::new()
        } else {
            fields.value.clone()
        },
        environment: fields.environment.clone(),
        secured,
    };
    let page = context(app, member, application, entered, Some(sentence)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
}

async fn remove_of_account(
    State(app): State<App>,
    member: MemberOf,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    remove(&app, &member, None, &chosen).await
}

async fn remove_of_application(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    remove(&app, &member, Some(&application), &chosen).await
}

async fn remove(
    app: &App,
    member: &MemberOf,
    application: Option<&Application>,
    chosen: &Chosen,
) -> Result<SeeOther, PageError> {
    let id: VariableId = chosen.id.parse().map_err(|_| PageError::NotFound)?;
    let name = variables::remove(app, &member.actor(), application, id).await?;
    Ok(back(app, member, application).done(format!(
        "{name} is removed; steps that begin from now on no longer get it."
    )))
}

fn back(app: &App, member: &MemberOf, application: Option<&Application>) -> SeeOther {
    let path = application.map_or_else(
        || member.path("/settings/variables"),
        |application| member.path(&format!("/applications/{}/variables", application.slug)),
    );
    SeeOther::to(&app.config, &path)
}
