//! The page that shows an account's history, newest first.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use pipewright_core::ids::EventId;
use pipewright_core::{Right, Timestamp};
use pipewright_store::events::{self, Event};
use serde::Deserialize;
use serde_json::Value;

use crate::app::App;
use crate::http::{Html, MemberOf, Page, PageError, Rail};

/// Lines on a page.
const PAGE: u16 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/settings/audit-log", get(show))
}

#[derive(Debug, Template)]
#[template(path = "audit_log.html")]
pub(crate) struct AuditLogPage {
    pub(crate) page: Page,
    pub(crate) events: Vec<ShownEvent>,
    /// Where the page goes on.
    pub(crate) older: Option<String>,
    pub(crate) is_first: bool,
}

/// A line of history as the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct ShownEvent {
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: Vec<(String, String)>,
    pub(crate) address: String,
}

#[derive(Debug, Deserialize)]
struct From {
    before: Option<String>,
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Query(from): Query<From>,
) -> Result<Html<AuditLogPage>, PageError> {
    member.require(Right::ManageMembers)?;
    let before: Option<EventId> = match &from.before {
        Some(text) => Some(text.parse().map_err(|_| PageError::NotFound)?),
        None => None,
    };
    let mut found = events::of_account(&app.db, member.account.id, before, PAGE + 1).await?;
    let older = if found.len() > usize::from(PAGE) {
        found.truncate(usize::from(PAGE));
        found.last().map(|event| event.id.to_string())
    } else {
        None
    };
    Ok(Html(AuditLogPage {
        page: member.page("Audit log").rail(Rail::AuditLog),
        events: found.into_iter().map(shown).collect(),
        older,
        is_first: before.is_none(),
    }))
}

fn shown(event: Event) -> ShownEvent {
    let detail = match event.detail {
        Value::Object(words) => words
            .into_iter()
            .map(|(name, value)| (name.replace('_', " "), word(value)))
            .collect(),
        _ => Vec::new(),
    };
    ShownEvent {
        at: event.at,
        actor: event.actor,
        action: event.action.replace(['.', '_'], " "),
        subject: event.subject,
        detail,
        address: event.address.unwrap_or_default(),
    }
}

fn word(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
