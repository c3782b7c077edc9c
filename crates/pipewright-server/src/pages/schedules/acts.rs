//! The buttons of a schedule: its switch, **Run now**, **Delete**.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use pipewright_core::Right;
use serde::Deserialize;

use super::edit::find_schedule;
use crate::app::App;
use crate::builds::{StartError, address, sentence};
use crate::http::{MemberOf, PageError, PageForm, SeeOther};
use crate::schedules::{self, SaveError};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/schedules/{schedule}/switch",
            post(switch),
        )
        .route(
            "/{account}/applications/{application}/schedules/{schedule}/run",
            post(run),
        )
        .route(
            "/{account}/applications/{application}/schedules/{schedule}/delete",
            post(delete),
        )
}

type Address = Path<(String, String, String)>;

#[derive(Debug, Deserialize)]
struct Switch {
    /// "on" or "off".
    to: String,
}

async fn switch(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug, id)): Address,
    PageForm(switch): PageForm<Switch>,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let (application, schedule) = find_schedule(&app, &member, &slug, &id).await?;
    let is_on = switch.to == "on";
    let done = schedules::switch(&app, &member, &application, &schedule, is_on).await;
    let said = if is_on {
        "The schedule fires from its next time on."
    } else {
        "The schedule does not fire any more; Run now still does."
    };
    answer(back(&app, &member, &slug), done, said)
}

async fn delete(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug, id)): Address,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let (application, schedule) = find_schedule(&app, &member, &slug, &id).await?;
    let done = schedules::delete(&app, &member, &application, &schedule).await;
    answer(
        back(&app, &member, &slug),
        done,
        "The schedule is deleted; its builds stay.",
    )
}

async fn run(
    State(app): State<App>,
    member: MemberOf,
    Path((_, slug, id)): Address,
) -> Result<SeeOther, PageError> {
    member.require(Right::Build)?;
    let (application, schedule) = find_schedule(&app, &member, &slug, &id).await?;
    match schedules::run_now(&app, &member, &application, &schedule).await {
        Ok(number) => Ok(SeeOther::to(
            &app.config,
            &address::page(&member.account.slug, &application.slug, number),
        )),
        Err(StartError::NotFound) => Err(PageError::NotFound),
        Err(StartError::Store(error)) => Err(error.into()),
        Err(error) => Ok(back(&app, &member, &slug).failed(sentence(&error.to_string()))),
    }
}

fn back(app: &App, member: &MemberOf, slug: &str) -> SeeOther {
    SeeOther::to(
        &app.config,
        &member.path(&format!("/applications/{slug}/schedules")),
    )
}

fn answer(back: SeeOther, done: Result<(), SaveError>, said: &str) -> Result<SeeOther, PageError> {
    match done {
        Ok(()) => Ok(back.done(said)),
        Err(SaveError::NotFound) => Err(PageError::NotFound),
        Err(SaveError::Store(error)) => Err(error.into()),
        Err(SaveError::Timing(sentence)) => Ok(back.failed(sentence)),
        Err(error) => Ok(back.failed(sentence(&error.to_string()))),
    }
}
