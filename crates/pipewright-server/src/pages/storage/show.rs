//! What applications take, as it was last measured, and the form that sets how long an account keeps things.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use pipewright_core::{Right, Timestamp};
use pipewright_store::ref_moves;
use pipewright_store::retention::OwnRetention;
use pipewright_store::storage::{self, ApplicationSizes, Sizes};

use crate::app::App;
use crate::ground::Retention;
use crate::retention::{Field, change, keep_of};
use crate::web::{Html, MemberOf, Page, PageError, PageForm, Rail, SeeOther, format};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/settings/storage", get(show).post(set))
}

#[derive(Debug, Template)]
#[template(path = "storage.html")]
pub(crate) struct StoragePage {
    pub(crate) page: Page,
    /// The applications, the largest first.
    pub(crate) applications: Vec<ApplicationSizes>,
    /// When they were measured, the oldest of it.
    pub(crate) measured_at: Option<Timestamp>,
    pub(crate) kept: Vec<KeptFor>,
    /// How many moves of each branch and tag are kept.
    pub(crate) moves_kept: i64,
    /// Days that artifacts are kept.
    pub(crate) artifact_days: u64,
    pub(crate) may_change: bool,
    /// What cannot be used of what was entered.
    pub(crate) refusal: Option<String>,
}

/// How long one thing is kept.
#[derive(Debug, Clone)]
pub(crate) struct KeptFor {
    /// Its name in the form.
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    /// What holds now.
    pub(crate) value: u32,
    /// What the account says itself; empty where it says nothing.
    pub(crate) own: String,
    /// The installation's setting.
    pub(crate) setting: u32,
}

impl StoragePage {
    pub(crate) fn bytes(&self, bytes: &i64) -> String {
        format::bytes(u64::try_from(*bytes).unwrap_or(0))
    }

    /// Everything together.
    pub(crate) fn total(&self) -> String {
        let of = |sizes: &Sizes| {
            sizes.log_bytes
                + sizes.artifact_bytes
                + sizes.body_bytes
                + sizes.cache_bytes
                + sizes.mirror_bytes
        };
        let all: i64 = self.applications.iter().map(|one| of(&one.sizes)).sum();
        self.bytes(&all)
    }
}

async fn show(State(app): State<App>, member: MemberOf) -> Result<Html<StoragePage>, PageError> {
    Ok(Html(context(&app, &member).await?))
}

/// Gathers the page.
async fn context(app: &App, member: &MemberOf) -> Result<StoragePage, PageError> {
    let account = member.account.id;
    let (keep, own) = keep_of(app, account).await?;
    let applications = storage::of_account(&app.db, account).await?;
    Ok(StoragePage {
        page: member.page("Storage").rail(Rail::Storage),
        measured_at: applications.iter().map(|one| one.measured_at).min(),
        applications,
        kept: Field::ALL
            .into_iter()
            .map(|field| kept(field, &keep, &own, &app.config.retention))
            .collect(),
        moves_kept: ref_moves::KEPT,
        artifact_days: app.config.artifact_keep.as_secs() / 86_400,
        may_change: member.may(Right::ManageApplications),
        refusal: None,
    })
}

fn kept(field: Field, keep: &Retention, own: &OwnRetention, settings: &Retention) -> KeptFor {
    let of = |retention: &Retention| match field {
        Field::Builds => retention.builds_days,
        Field::BuildsPerRef => retention.builds_per_ref,
        Field::Logs => retention.logs_days,
        Field::Bodies => retention.bodies_days,
        Field::Statuses => retention.statuses_days,
    };
    let own = match field {
        Field::Builds => own.builds_days,
        Field::BuildsPerRef => own.builds_per_ref,
        Field::Logs => own.logs_days,
        Field::Bodies => own.bodies_days,
        Field::Statuses => own.statuses_days,
    };
    KeptFor {
        word: field.word(),
        label: field.label(),
        value: of(keep),
        own: own.map(|value| value.to_string()).unwrap_or_default(),
        setting: of(settings),
    }
}

async fn set(
    State(app): State<App>,
    member: MemberOf,
    PageForm(fields): PageForm<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let wanted = Field::ALL
        .into_iter()
        .map(|field| (field, fields.get(field.word()).cloned().unwrap_or_default()))
        .collect();
    if let Err(error) = change(&app, &member.actor(), &wanted).await {
        let mut shown = context(&app, &member).await?;
        shown.refusal = Some(PageError::beside(error)?);
        for one in &mut shown.kept {
            if let Some(entered) = fields.get(one.word) {
                one.own.clone_from(entered);
            }
        }
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(shown)).into_response());
    }
    Ok(SeeOther::to(&app.config, &member.path("/settings/storage"))
        .done("Saved. The next clean-up, within an hour, follows these times.")
        .into_response())
}
