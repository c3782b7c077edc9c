//! The buttons of a schedule: its switch, **Run now**, **Delete**.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde::Deserialize;

use super::edit::find_schedule;
use crate::app::App;
use crate::ground::build_page;
use crate::schedules;
use crate::web::{ApplicationOf, MemberOf, PageError, PageForm, SeeOther};

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
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, id)): Address,
    PageForm(switch): PageForm<Switch>,
) -> Result<SeeOther, PageError> {
    let schedule = find_schedule(&app, &application, &id).await?;
    let is_on = switch.to == "on";
    let done = schedules::switch(&app, &member.actor(), &application, &schedule, is_on).await;
    let said = if is_on {
        "The schedule fires from its next time on."
    } else {
        "The schedule no longer fires; Run now still works."
    };
    back(&app, &member, &application.slug).after(done, said)
}

async fn delete(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, id)): Address,
) -> Result<SeeOther, PageError> {
    let schedule = find_schedule(&app, &application, &id).await?;
    let done = schedules::delete(&app, &member.actor(), &application, &schedule).await;
    back(&app, &member, &application.slug).after(done, "The schedule is deleted; its builds stay.")
}

async fn run(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, id)): Address,
) -> Result<SeeOther, PageError> {
    let schedule = find_schedule(&app, &application, &id).await?;
    match schedules::run_now(&app, &member.actor(), &application, &schedule).await {
        Ok(number) => Ok(SeeOther::to(
            &app.config,
            &build_page(&member.account.slug, &application.slug, number),
        )),
        Err(error) => back(&app, &member, &application.slug).refused(error),
    }
}

fn back(app: &App, member: &MemberOf, slug: &str) -> SeeOther {
    SeeOther::to(
        &app.config,
        &member.path(&format!("/applications/{slug}/schedules")),
    )
}
