//! One delivery: its decisions, headers and body.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_core::ids::DeliveryId;
use pipewright_core::{Right, Timestamp};
use pipewright_store::decisions;
use pipewright_store::deliveries::{self, Delivery};

use super::list::{ShownDecision, origin, shown_decision, state};
use crate::app::App;
use crate::web::states::Pill;
use crate::web::{Html, MemberOf, Nav, Page, PageError, format};

/// How much of a body the page shows, in characters; all of it can be downloaded.
const SHOWN: usize = 100_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/deliveries/{delivery}", get(show))
        .route("/{account}/deliveries/{delivery}/body", get(body))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "deliveries/show.html")]
pub(in crate::pages) struct DeliveryPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) id: String,
    pub(in crate::pages) request_id: String,
    pub(in crate::pages) repository: String,
    pub(in crate::pages) event: String,
    pub(in crate::pages) origin: &'static str,
    pub(in crate::pages) attempt: i64,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) message: Option<String>,
    pub(in crate::pages) received_at: Timestamp,
    /// How long after it came it was decided.
    pub(in crate::pages) decided_after: Option<String>,
    pub(in crate::pages) decisions: Vec<ShownDecision>,
    pub(in crate::pages) headers: Vec<(String, String)>,
    pub(in crate::pages) body: String,
    pub(in crate::pages) size: String,
    pub(in crate::pages) is_cut: bool,
    pub(in crate::pages) may_redeliver: bool,
    /// Where the decisions draw themselves anew from until they are made.
    pub(in crate::pages) live: Option<String>,
}

/// The delivery of this id in the member's account.
async fn find(app: &App, member: &MemberOf, id: &str) -> Result<Delivery, PageError> {
    let id: DeliveryId = id.parse().map_err(|_| PageError::NotFound)?;
    deliveries::get(&app.db, member.account.id, id)
        .await?
        .ok_or(PageError::NotFound)
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<Html<DeliveryPage>, PageError> {
    let delivery = find(&app, &member, &id).await?;
    let decided = decisions::of_delivery(&app.db, member.account.id, delivery.id).await?;
    let text = pretty(&delivery.body);
    let is_cut = text.chars().nth(SHOWN).is_some();
    let is_kept = !delivery.body.is_empty();
    Ok(Html(DeliveryPage {
        live: delivery
            .decided_at
            .is_none()
            .then(|| member.page("").own(&format!("/deliveries/{}", delivery.id))),
        page: member.page("Delivery").nav(Nav::Deliveries),
        id: delivery.id.to_string(),
        request_id: delivery.request_id,
        repository: delivery.full_name,
        event: delivery.event_key,
        origin: origin(delivery.origin),
        attempt: delivery.attempt_number,
        pill: state(delivery.state),
        message: delivery.message,
        received_at: delivery.received_at,
        decided_after: delivery
            .decided_at
            .map(|at| format::duration(at.since(delivery.received_at))),
        decisions: decided.iter().map(shown_decision).collect(),
        headers: delivery.headers,
        body: if is_cut {
            text.chars().take(SHOWN).collect()
        } else {
            text
        },
        size: format::bytes(delivery.body.len() as u64),
        is_cut,
        may_redeliver: member.may(Right::Build) && is_kept,
    }))
}

/// The body indented where it is JSON, else as it came.
fn pretty(body: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}

/// The body as it came.
async fn body(
    State(app): State<App>,
    member: MemberOf,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let delivery = find(&app, &member, &id).await?;
    let name = format!("attachment; filename=\"delivery-{}.json\"", delivery.id);
    Ok((
        [
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (CONTENT_DISPOSITION, name),
        ],
        delivery.body,
    )
        .into_response())
}
