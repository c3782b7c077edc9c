//! The forms that make, take and remove a key, and add and remove known hosts.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;
use pipewright_core::ids::KnownHostId;
use pipewright_store::applications::Application;
use serde::Deserialize;

use super::show::{Asked, context};
use crate::app::App;
use crate::ssh_keys;
use crate::web::{ApplicationOf, Html, MemberOf, PageError, PageForm, SeeOther, format};

pub(super) fn routes() -> Router<App> {
    let at = |rest: &str| format!("/{{account}}/applications/{{application}}/ssh-keys{rest}");
    Router::new()
        .route(&at("/generate"), post(generate))
        .route(&at("/set"), post(set))
        .route(&at("/remove"), post(remove))
        .route(&at("/known-hosts"), post(add_hosts))
        .route(&at("/known-hosts/fetch"), post(fetch_hosts))
        .route(&at("/known-hosts/remove"), post(remove_host))
}

#[derive(Deserialize)]
struct Pasted {
    private_key: String,
}

#[derive(Debug, Deserialize)]
struct Lines {
    lines: String,
}

#[derive(Debug, Deserialize)]
struct Host {
    host: String,
    #[serde(default)]
    port: String,
}

#[derive(Debug, Deserialize)]
struct Chosen {
    id: String,
}

async fn generate(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application);
    match ssh_keys::generate(&app, &member.actor(), &application).await {
        Ok(fingerprint) => Ok(back.done(format!(
            "The key {fingerprint} is made. Copy its public part to where steps sign in."
        ))),
        Err(error) => back.refused(error),
    }
}

async fn set(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Pasted>,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application);
    match ssh_keys::set(&app, &member.actor(), &application, &fields.private_key).await {
        Ok(fingerprint) => Ok(back.done(format!(
            "The key {fingerprint} is set. It applies to every step that begins from now on."
        ))),
        Err(error) => back.refused(error),
    }
}

async fn remove(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application);
    let fingerprint = ssh_keys::remove(&app, &member.actor(), &application).await?;
    Ok(back.done(format!(
        "The key {fingerprint} is removed; steps that begin from now on no longer get it. Remove its public part where it was added."
    )))
}

async fn fetch_hosts(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Host>,
) -> Result<Response, PageError> {
    let mut asked = Asked {
        host: fields.host.clone(),
        port: fields.port.clone(),
        ..Asked::default()
    };
    let fetched = ssh_keys::fetch_hosts(&app, &member.actor(), &fields.host, &fields.port).await;
    let status = match fetched {
        Ok(offered) => {
            asked.offered = Some(offered);
            StatusCode::OK
        }
        Err(error) => {
            asked.refusal = Some(PageError::beside(error)?);
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    let page = context(&app, &member, &application, asked).await?;
    Ok((status, Html(page)).into_response())
}

async fn add_hosts(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(fields): PageForm<Lines>,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application);
    match ssh_keys::add_hosts(&app, &member.actor(), &application, &fields.lines).await {
        Ok(added) => {
            let sentence = match added.as_slice() {
                [one] => format!("{one} is a known host from now on."),
                more => format!(
                    "{} are known from now on.",
                    format::count(more.len(), "host")
                ),
            };
            Ok(back.done(sentence))
        }
        Err(error) => back.refused(error),
    }
}

async fn remove_host(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    PageForm(chosen): PageForm<Chosen>,
) -> Result<SeeOther, PageError> {
    let back = back(&app, &member, &application);
    let id: KnownHostId = chosen.id.parse().map_err(|_| PageError::NotFound)?;
    let host = ssh_keys::remove_host(&app, &member.actor(), &application, id).await?;
    Ok(back.done(format!(
        "{host} is removed; steps that begin from now on do not know it."
    )))
}

fn back(app: &App, member: &MemberOf, application: &Application) -> SeeOther {
    let path = member.path(&format!("/applications/{}/ssh-keys", application.slug));
    SeeOther::to(&app.config, &path)
}
