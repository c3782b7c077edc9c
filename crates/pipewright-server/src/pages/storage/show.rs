//! What applications take, as it was last measured, and the form that sets how long an account keeps things.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pipewright_core::{Right, Timestamp};
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
    /// Days that artifacts are kept.
    pub(crate) artifact_days: u64,
    pub(crate) may_change: bool,
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
    let account = member.account.id;
    let (keep, own) = keep_of(&app, account).await?;
    let applications = storage::of_account(&app.db, account).await?;
    Ok(Html(StoragePage {
        page: member.page("Storage").rail(Rail::Storage),
        measured_at: applications.iter().map(|one| one.measured_at).min(),
        applications,
        kept: Field::ALL
            .into_iter()
            .map(|field| kept(field, &keep, &own, &app.config.retention))
            .collect(),
        artifact_days: app.config.artifact_keep.as_secs() / 86_400,
        may_change: member.may(Right::ManageApplications),
    }))
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
) -> Result<SeeOther, PageError> {
    let wanted = Field::ALL
        .into_iter()
        .map(|field| (field, fields.get(field.word()).cloned().unwrap_or_default()))
        .collect();
    let done = change(&app, &member.actor(), &wanted).await;
    SeeOther::to(&app.config, &member.path("/settings/storage")).after(
        done,
        "Kept as you say from the next clean-up on, within an hour.",
    )
}
