//! Acts on a connected integration: **Check now**, trusting a new host key, the way to clone, adding the key for the
//! person.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use pipewright_store::integrations::CloneVia;
use serde::Deserialize;

use super::find::{PATH, find};
use crate::app::App;
use crate::integrations::{self, check_now, set_clone_via, trust_host_key};
use crate::web::{MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/settings/integrations/{integration}/check",
            post(check),
        )
        .route(
            "/{account}/settings/integrations/{integration}/trust-host-key",
            post(trust),
        )
        .route(
            "/{account}/settings/integrations/{integration}/clone-via",
            post(clone_via),
        )
        .route(
            "/{account}/settings/integrations/{integration}/register-key",
            post(register),
        )
}

fn back(app: &App, member: &MemberOf) -> SeeOther {
    SeeOther::to(&app.config, &member.path(PATH))
}

async fn check(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<SeeOther, PageError> {
    let integration = find(&app, &member, &id).await?;
    let back = back(&app, &member);
    Ok(match check_now(&app, integration.id).await {
        Ok(report) if report.good => back.done(report.sentence),
        Ok(report) => back.failed(report.sentence),
        Err(error) => back.failed(format!("The check could not be made: {error}.")),
    })
}

#[derive(Debug, Deserialize)]
struct Trusted {
    /// What the person saw; another one may be offered by now.
    fingerprint: String,
}

async fn trust(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
    PageForm(trusted): PageForm<Trusted>,
) -> Result<SeeOther, PageError> {
    let integration = find(&app, &member, &id).await?;
    let done = trust_host_key(&app, &member.actor(), &integration, &trusted.fingerprint).await;
    back(&app, &member).after(
        done,
        "The new host key is trusted from now on, and the key is being checked with it.",
    )
}

#[derive(Debug, Deserialize)]
struct Way {
    via: String,
}

async fn clone_via(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
    PageForm(way): PageForm<Way>,
) -> Result<SeeOther, PageError> {
    let integration = find(&app, &member, &id).await?;
    let via = CloneVia::try_from(way.via)
        .map_err(|_| PageError::BadRequest("Choose SSH or HTTPS.".to_owned()))?;
    set_clone_via(&app, &member.actor(), &integration, via).await?;
    Ok(back(&app, &member).done(match via {
        CloneVia::Ssh => "Builds clone over SSH from now on, with the key below.",
        CloneVia::Https => {
            "Builds clone over HTTPS from now on, with the connection's own credential."
        }
    }))
}

async fn register(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<SeeOther, PageError> {
    let integration = find(&app, &member, &id).await?;
    let back = back(&app, &member);
    let posted = match integrations::register_key(&app, &member.actor(), &integration).await {
        Ok(posted) => posted,
        Err(error) => return back.refused(error),
    };
    if !posted.good {
        return Ok(back.failed(posted.sentence));
    }
    // What was done is followed by its check, so that the card says what is so now.
    Ok(match check_now(&app, integration.id).await {
        Ok(report) if report.good => back.done(format!("{} {}", posted.sentence, report.sentence)),
        Ok(report) => back.failed(format!("{} {}", posted.sentence, report.sentence)),
        Err(error) => back.failed(format!(
            "{} Whether it is accepted could not be checked: {error}.",
            posted.sentence
        )),
    })
}
