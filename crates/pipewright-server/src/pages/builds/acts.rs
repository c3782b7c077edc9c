//! The buttons of a build: **Stop**, **Rerun**, **Run**. Starting one by hand is `pages::run`.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use pipewright_core::build::RerunFrom;
use serde::Deserialize;

use super::{again, path};
use crate::app::App;
use crate::builds::{self, WhatToRerun};
use crate::ground::build_page;
use crate::web::{BuildOf, PageError, PageForm, SeeOther};

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

async fn stop(State(app): State<App>, at: BuildOf) -> Result<SeeOther, PageError> {
    let done = builds::stop(&app, &at.member.actor(), at.build.id).await;
    back(&app, &at).after(done, "Stopping the build.")
}

#[derive(Debug, Deserialize)]
struct Which {
    /// `all`, `failed`, or the number of a step from 1.
    what: String,
}

async fn rerun(
    State(app): State<App>,
    at: BuildOf,
    PageForm(which): PageForm<Which>,
) -> Result<SeeOther, PageError> {
    let BuildOf { member, build } = &at;
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
    match builds::rerun(&app, &member.actor(), build.id, what).await {
        Ok((_, number)) => {
            let path = build_page(&member.account.slug, &build.application_slug, number);
            Ok(SeeOther::to(&app.config, &path).done(sentence_of_it))
        }
        Err(error) => back(&app, &at).refused(error),
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
    at: BuildOf,
    PageForm(waiting): PageForm<Waiting>,
) -> Result<SeeOther, PageError> {
    let step = if waiting.step.is_empty() {
        None
    } else {
        Some(number_of(&waiting.step)?)
    };
    let done = builds::resume(&app, &at.member.actor(), at.build.id, step).await;
    back(&app, &at).after(done, "The build continues.")
}

fn back(app: &App, at: &BuildOf) -> SeeOther {
    SeeOther::to(&app.config, &path::of(&at.member, &at.build))
}
