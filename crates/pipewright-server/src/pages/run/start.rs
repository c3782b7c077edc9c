//! **Run**: what was chosen becomes a build. What cannot be one is said beside the form, which keeps what was entered.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::{RefName, Right};
use pipewright_store::applications::Application;

use super::form::PipelineForm;
use super::offer::{offer, ref_of};
use super::show::run_page;
use crate::app::App;
use crate::builds::{self, ManualBuild};
use crate::ground::build_page;
use crate::web::{ApplicationOf, Html, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/run", post(start))
}

async fn start(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    member.shown_to(Right::Build)?;
    let (form, _) = PipelineForm::take(fields);
    let started = match checked(&app, &application, &form).await? {
        Ok((ref_name, variables)) => {
            let wish = ManualBuild {
                application: application.id,
                ref_name,
                custom: form.custom(),
                variables,
            };
            match builds::start_manual(&app, &member.actor(), wish).await {
                Ok(number) => Ok(SeeOther::to(
                    &app.config,
                    &build_page(&member.account.slug, &application.slug, number),
                )),
                Err(error) => Err(vec![PageError::beside(error)?]),
            }
        }
        Err(errors) => Err(errors),
    };
    match started {
        Ok(there) => Ok(there.into_response()),
        Err(errors) => {
            let page = run_page(&app, &member, &application, form, errors).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response())
        }
    }
}

/// The ref and the variables of a form; sentences where they cannot be built with.
async fn checked(
    app: &App,
    application: &Application,
    form: &PipelineForm,
) -> Result<Result<(RefName, Vec<(String, String)>), Vec<String>>, PageError> {
    let (ref_name, variables) = match (ref_of(&form.ref_text), form.variables()) {
        (Ok(ref_name), Ok(variables)) => (ref_name, variables),
        // What is wrong with the ref, the page that is drawn again says beside the field.
        (_, variables) => return Ok(Err(variables.err().unwrap_or_default())),
    };
    if let (_, Some(choices)) = offer(app, application, &ref_name, form).await? {
        let refused = choices.refused(&form.custom, &variables);
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
    }
    Ok(Ok((ref_name, variables)))
}
