//! The buttons of a build: **Stop**, **Rerun**, **Run**. Starting one by hand is `pages::run`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use pipewright_core::Right;
use pipewright_core::build::RerunFrom;
use pipewright_store::builds::Build;
use serde::Deserialize;

use super::{again, find};
use crate::app::App;
use crate::builds::{self, RerunError, ResumeError, StopError, WhatToRerun, sentence};
use crate::http::{MemberOf, PageError, PageForm, SeeOther};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/builds/{number}/stop",
            post(stop),
        )
        .route(
            "/{account}/applications/{application}/builds/{number}/rerun",
            post(rerun),
        )
        .route(
            "/{account}/applications/{application}/builds/{number}/run",
            post(resume),
        )
}

type Address = Path<(String, String, String)>;

async fn stop(
    State(app): State<App>,
    member: MemberOf,
    Path((_, application, number)): Address,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let build = find::build(&app, &member, &application, &number).await?;
    match builds::stop(&app, member.account.id, build.id, &member.user.name).await {
        Ok(()) => {
            record(&app, &member, "build.stopped", &build).await?;
            Ok(back(&app, &member, &build).done("It is being stopped."))
        }
        Err(StopError::NotFound) => Err(PageError::NotFound),
        Err(error @ StopError::Ended) => {
            Ok(back(&app, &member, &build).failed(sentence(&error.to_string())))
        }
        Err(StopError::Store(error)) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize)]
struct Which {
    /// `all`, `failed`, or the number of a step from 1.
    what: String,
}

async fn rerun(
    State(app): State<App>,
    member: MemberOf,
    Path((_, application, number)): Address,
    PageForm(which): PageForm<Which>,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let build = find::build(&app, &member, &application, &number).await?;
    let (what, from) = match which.what.as_str() {
        "all" => (WhatToRerun::All, RerunFrom::Step(0)),
        "failed" => (WhatToRerun::Failed, RerunFrom::Failed),
        step => {
            let step = number_of(step)?;
            (WhatToRerun::From(step), RerunFrom::Step(step))
        }
    };
    let plan = pipewright_store::builds::plan_of(&app.db, member.account.id, build.id).await?;
    let steps = pipewright_store::steps::list(&app.db, build.id).await?;
    let sentence_of_it = again::sentence(build.state, plan.as_ref(), &steps, from);
    match builds::rerun(&app, member.account.id, build.id, what, &member.user.name).await {
        Ok((_, number)) => {
            record(&app, &member, "build.rerun", &build).await?;
            let path = builds::address::page(&member.account.slug, &build.application_slug, number);
            Ok(SeeOther::to(&app.config, &path).done(sentence_of_it))
        }
        Err(RerunError::NotFound) => Err(PageError::NotFound),
        Err(error @ (RerunError::UnderWay | RerunError::Nothing)) => {
            Ok(back(&app, &member, &build).failed(sentence(&error.to_string())))
        }
        Err(RerunError::Store(error)) => Err(error.into()),
    }
}

/// The position of the step that an address or form names by its number from 1.
fn number_of(step: &str) -> Result<usize, PageError> {
    let position = step
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    position.ok_or_else(|| PageError::BadRequest("That is not a step of this build.".to_owned()))
}

#[derive(Debug, Deserialize)]
struct Waiting {
    /// The number of a step from 1; empty for every one that waits.
    #[serde(default)]
    step: String,
}

async fn resume(
    State(app): State<App>,
    member: MemberOf,
    Path((_, application, number)): Address,
    PageForm(waiting): PageForm<Waiting>,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let step = if waiting.step.is_empty() {
        None
    } else {
        Some(number_of(&waiting.step)?)
    };
    let build = find::build(&app, &member, &application, &number).await?;
    match builds::resume(&app, member.account.id, build.id, step).await {
        Ok(()) => {
            record(&app, &member, "build.resumed", &build).await?;
            Ok(back(&app, &member, &build).done("It goes on."))
        }
        Err(ResumeError::NotFound) => Err(PageError::NotFound),
        Err(error @ ResumeError::NotPaused) => {
            Ok(back(&app, &member, &build).failed(sentence(&error.to_string())))
        }
        Err(ResumeError::Store(error)) => Err(error.into()),
    }
}

fn back(app: &App, member: &MemberOf, build: &Build) -> SeeOther {
    SeeOther::to(&app.config, &find::path(member, build))
}

async fn record(
    app: &App,
    member: &MemberOf,
    action: &str,
    build: &Build,
) -> Result<(), PageError> {
    let subject = format!("{} #{}", build.application_name, build.number);
    let mut tx = app.db.begin().await?;
    member
        .record(
            &mut tx,
            action,
            &subject,
            serde_json::json!({ "commit": build.commit.short() }),
        )
        .await?;
    Ok(tx.commit().await?)
}
