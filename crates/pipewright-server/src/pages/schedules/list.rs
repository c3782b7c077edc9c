//! The list of an application's schedules.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::{Right, Timestamp};
use pipewright_store::schedules::{self, Listed};

use crate::app::App;
use crate::schedules::{Timing, shown_in};
use crate::web::states::{self, Pill};
use crate::web::{ApplicationOf, Html, Nav, Page, PageError};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/schedules", get(list))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "schedules/list.html")]
pub(in crate::pages) struct SchedulesPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) application: String,
    pub(in crate::pages) slug: String,
    /// Where the list stands.
    pub(in crate::pages) path: String,
    pub(in crate::pages) schedules: Vec<RowOfSchedule>,
    pub(in crate::pages) may_change: bool,
}

/// A schedule in the list.
#[derive(Debug, Clone)]
pub(in crate::pages) struct RowOfSchedule {
    pub(in crate::pages) path: String,
    pub(in crate::pages) words: String,
    pub(in crate::pages) cron: String,
    pub(in crate::pages) zone: String,
    pub(in crate::pages) custom: Option<String>,
    pub(in crate::pages) variables: usize,
    pub(in crate::pages) ref_name: String,
    pub(in crate::pages) is_tag: bool,
    pub(in crate::pages) is_on: bool,
    /// As the clocks of its zone show it, and as a moment.
    pub(in crate::pages) next: Option<(String, Timestamp)>,
    pub(in crate::pages) last: Option<(i64, Pill)>,
    pub(in crate::pages) message: Option<String>,
}

async fn list(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
) -> Result<Html<SchedulesPage>, PageError> {
    let listed = schedules::list(&app.db, member.account.id, application.id).await?;
    let page = member
        .page(format!("Schedules of {}", application.name))
        .nav(Nav::Applications);
    let path = page.own(&format!("/applications/{}/schedules", application.slug));
    Ok(Html(SchedulesPage {
        schedules: listed
            .into_iter()
            .map(|listed| row(&path, listed))
            .collect(),
        application: application.name,
        slug: application.slug,
        page,
        path,
        may_change: member.may(Right::Build),
    }))
}

fn row(path: &str, listed: Listed) -> RowOfSchedule {
    let Listed { schedule, last } = listed;
    let spec = schedule.spec;
    RowOfSchedule {
        path: format!("{path}/{}", schedule.id),
        words: Timing::read(&spec.cron, &spec.time_zone)
            .map(|timing| timing.words())
            .unwrap_or_default(),
        next: schedule
            .next_at
            .map(|next| (shown_in(next, &spec.time_zone), next)),
        cron: spec.cron,
        zone: spec.time_zone,
        custom: spec.custom,
        variables: spec.variables.len(),
        is_tag: !spec.ref_name.is_branch(),
        ref_name: spec.ref_name.short().to_owned(),
        is_on: spec.is_on,
        last: last.map(|last| (last.number, states::of_build(last.state))),
        message: schedule.message,
    }
}
