//! The forms that set and remove variables.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::Right;
use pipewright_core::ids::VariableId;
use pipewright_store::applications::Application;
use pipewright_store::variables::{self, VariableScope};
use serde::Deserialize;
use serde_json::json;

use super::check::checked_environment;
use super::pages::{Entered, context};
use super::set::{NewVariable, SetError, set as set_variable};
use crate::app::App;
use crate::applications::find;
use crate::http::{Html, MemberOf, PageError, PageForm, SeeOther};

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

type Address = Path<(String, String)>;

async fn set_of_account(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    set(&app, &member, None, fields).await
}

async fn set_of_application(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug)): Address,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let application = find(&app, &member, &slug).await?;
    set(&app, &member, Some(application), fields).await
}

async fn set(
    app: &App,
    member: &MemberOf,
    application: Option<Application>,
    fields: Fields,
) -> Result<Response, PageError> {
    member.require(Right::SeeSecrets)?;
    let environment = match checked_environment(&fields.environment) {
        Ok(environment) => environment,
        Err(sentence) => {
            return refused(app, member, application.as_ref(), &fields, sentence).await;
        }
    };
    let scope = match (&application, environment) {
        (None, _) => VariableScope::Account,
        (Some(application), None) => VariableScope::Application(application.id),
        (Some(application), Some(environment)) => {
            VariableScope::Environment(application.id, environment)
        }
    };
    let wish = NewVariable {
        scope: scope.clone(),
        name: &fields.name,
        value: &fields.value,
        is_secured: fields.secured.is_some(),
    };
    let mut tx = app.db.begin().await?;
    let name = match set_variable(
        app,
        &mut tx,
        member.account.id,
        wish,
        &member.user.name,
        member.now(),
    )
    .await
    {
        Ok(name) => name,
        Err(SetError::Store(error)) => return Err(error.into()),
        Err(SetError::Refused(sentence)) => {
            tx.rollback().await?;
            return refused(app, member, application.as_ref(), &fields, sentence).await;
        }
    };
    let detail =
        json!({ "for": whom(&scope, application.as_ref()), "secured": fields.secured.is_some() });
    member
        .record(&mut tx, "variable.set", &name, detail)
        .await?;
    tx.commit().await?;
    let done = format!("{name} is set. It counts for every step that begins from now on.");
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
    member: MemberOf,
    Path((_, slug)): Address,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let application = find(&app, &member, &slug).await?;
    remove(&app, &member, Some(&application), &chosen).await
}

async fn remove(
    app: &App,
    member: &MemberOf,
    application: Option<&Application>,
    chosen: &Chosen,
) -> Result<SeeOther, PageError> {
    member.require(Right::SeeSecrets)?;
    let id: VariableId = chosen.id.parse().map_err(|_| PageError::NotFound)?;
    let mut tx = app.db.begin().await?;
    let name = variables::remove(
        &mut tx,
        member.account.id,
        application.map(|application| application.id),
        id,
    )
    .await?
    .ok_or(PageError::NotFound)?;
    let detail = json!({ "for": application.map_or("every application", |application| application.name.as_str()) });
    member
        .record(&mut tx, "variable.removed", &name, detail)
        .await?;
    tx.commit().await?;
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

/// For the history.
fn whom(scope: &VariableScope, application: Option<&Application>) -> String {
    let name = application
        .map(|application| application.name.as_str())
        .unwrap_or_default();
    match scope {
        VariableScope::Account => "every application".to_owned(),
        VariableScope::Application(_) => name.to_owned(),
        VariableScope::Environment(_, environment) => format!("{environment} of {name}"),
    }
}
