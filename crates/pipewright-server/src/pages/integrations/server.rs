//! The form of **Bitbucket Server**.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::Secret;
use serde::Deserialize;

use super::find::PATH;
use super::list::{FormPart, context};
use crate::app::App;
use crate::integrations::{AddError, ServerForm, add};
use crate::web::{Html, MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/settings/integrations/bitbucket-server",
        post(add_credentials),
    )
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    host: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    ssh_port: String,
}

/// **Add Credentials**. What was entered stays in the form, but for the password.
async fn add_credentials(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<Fields>,
) -> Result<Response, PageError> {
    let form = ServerForm {
        host: fields.host,
        username: fields.username,
        password: Secret::new(fields.password),
        ssh_port: fields.ssh_port,
    };
    match add(&app, &member.actor(), &form).await {
        Ok(added) => {
            tracing::info!(integration.id = %added.integration, "connected to a Bitbucket Server");
            Ok(SeeOther::to(&app.config, &member.path(PATH))
                .done(added.sentence)
                .into_response())
        }
        Err(AddError::Fields(errors)) => {
            let part = FormPart {
                host: form.host,
                username: form.username,
                ssh_port: form.ssh_port,
                errors,
            };
            Ok((
                StatusCode::UNPROCESSABLE_ENTITY,
                Html(context(&app, &member, Some(part)).await?),
            )
                .into_response())
        }
        Err(AddError::Denied(denied)) => Err(denied.into()),
        Err(AddError::Internal(error)) => Err(PageError::internal(error)),
    }
}
