//! **Run**: what was chosen becomes a build. What cannot be one is said beside the form, which keeps what was entered.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::{RefName, Right};
use pipewright_store::applications::Application;
use pipewright_store::{StoreError, Tx};
use serde_json::json;

use super::form::PipelineForm;
use super::offer::{offer, ref_of, shown_ref};
use super::show::run_page;
use crate::app::App;
use crate::builds::{self, ManualBuild, StartError};
use crate::http::{Html, MemberOf, PageError, PageForm, SeeOther};
use crate::pages::builds::find;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/run", post(start))
}

async fn start(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug)): Path<(String, String)>,
    PageForm(fields): PageForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    member.require(Right::Build)?;
    let application = find::application(&app, &member, &slug).await?;
    let (form, _) = PipelineForm::take(fields);
    let started = match checked(&app, &application, &form).await? {
        Ok((ref_name, variables)) => {
            let wish = ManualBuild {
                application: application.id,
                ref_name,
                custom: form.custom(),
                variables,
            };
            match builds::ready_manual(&app, member.account.id, wish.clone(), &member.user.name)
                .await
            {
                Ok(ready) => {
                    let mut tx = app.db.begin().await?;
                    let (_, number) = ready.create(&mut tx).await?;
                    record(&mut tx, &member, &application, number, &wish).await?;
                    tx.commit().await?;
                    ready.announce(&app);
                    Ok(SeeOther::to(
                        &app.config,
                        &builds::address::page(&member.account.slug, &application.slug, number),
                    ))
                }
                Err(StartError::NotFound) => return Err(PageError::NotFound),
                Err(StartError::Store(error)) => return Err(error.into()),
                Err(error) => Err(vec![builds::sentence(&error.to_string())]),
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
    // A page that is drawn again says this beside the field.
    let Ok(ref_name) = ref_of(&form.ref_text) else {
        return Ok(Err(Vec::new()));
    };
    let variables = match form.variables() {
        Ok(variables) => variables,
        Err(sentence) => return Ok(Err(vec![sentence])),
    };
    if let (_, Some(choices)) = offer(app, application, &ref_name, form).await? {
        let refused = choices.refused(&form.custom, &variables);
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
    }
    Ok(Ok((ref_name, variables)))
}

/// Values may be nobody's business, so the history names the variables alone; the build's own page shows them.
async fn record(
    tx: &mut Tx,
    member: &MemberOf,
    application: &Application,
    number: i64,
    wish: &ManualBuild,
) -> Result<(), StoreError> {
    let names: Vec<&str> = wish
        .variables
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let mut detail = json!({ "branch": shown_ref(&wish.ref_name) });
    if let Some(custom) = &wish.custom {
        detail["pipeline"] = json!(custom);
    }
    if !names.is_empty() {
        detail["variables"] = json!(names.join(", "));
    }
    member
        .record(
            tx,
            "build.started",
            &format!("{} #{number}", application.name),
            detail,
        )
        .await
}
