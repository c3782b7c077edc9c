//! The account's deliveries, each change with what was decided of it and why.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use pipewright_core::Timestamp;
use pipewright_core::ids::{DeliveryId, RepositoryId};
use pipewright_store::decisions::{self, Decision, DecisionOutcome};
use pipewright_store::deliveries::{self, DeliveryFilter, DeliveryLine, DeliveryState, Origin};
use serde::Deserialize;

use crate::app::App;
use crate::ground::why_page;
use crate::web::pager::{cut, page_start};
use crate::web::states::Pill;
use crate::web::{Html, MemberOf, Nav, Page, PageError};

/// Deliveries on a page.
const PAGE: usize = 30;

/// Word in the address, and label.
const OUTCOMES: &[(&str, &str)] = &[
    ("", "All"),
    ("built", "Built"),
    ("not_built", "Not built"),
    ("duplicate", "Duplicate"),
    ("failed", "Failed"),
];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/deliveries", get(list))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "deliveries/list.html")]
pub(in crate::pages) struct DeliveriesPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) deliveries: Vec<RowOfDelivery>,
    pub(in crate::pages) outcomes: Vec<OutcomeChip>,
    /// The name of the repository that the list is narrowed to.
    pub(in crate::pages) repository: Option<String>,
    /// The query of the page with older deliveries.
    pub(in crate::pages) older: Option<String>,
    /// The query of the page with newer deliveries.
    pub(in crate::pages) newer: Option<String>,
    pub(in crate::pages) is_first: bool,
    /// The query of the first page.
    pub(in crate::pages) newest: String,
    pub(in crate::pages) is_filtered: bool,
    pub(in crate::pages) live: Option<String>,
}

/// Only the rows, for the script.
#[derive(Debug, Template)]
#[template(path = "deliveries/list.html", block = "rows")]
struct Rows<'a> {
    page: &'a Page,
    deliveries: &'a [RowOfDelivery],
    is_filtered: bool,
    live: &'a Option<String>,
}

/// A delivery in the list.
#[derive(Debug, Clone)]
pub(in crate::pages) struct RowOfDelivery {
    pub(in crate::pages) id: String,
    pub(in crate::pages) received_at: Timestamp,
    pub(in crate::pages) repository: String,
    pub(in crate::pages) event: String,
    pub(in crate::pages) origin: &'static str,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) message: Option<String>,
    pub(in crate::pages) decisions: Vec<ShownDecision>,
}

/// What was decided of one change.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownDecision {
    pub(in crate::pages) pill: Pill,
    /// `main`, `v1.2`, or nothing for what is about no ref.
    pub(in crate::pages) ref_name: String,
    /// `4a1f…→ 7c1e…`.
    pub(in crate::pages) moved: String,
    pub(in crate::pages) sentence: String,
    pub(in crate::pages) reason: String,
    pub(in crate::pages) application: Option<String>,
    /// The page that says why, inside the account.
    pub(in crate::pages) why: Option<String>,
    /// Path inside the account and number of its build.
    pub(in crate::pages) build: Option<(String, i64)>,
}

/// One outcome to narrow the list to.
#[derive(Debug, Clone)]
pub(in crate::pages) struct OutcomeChip {
    pub(in crate::pages) label: &'static str,
    pub(in crate::pages) query: String,
    pub(in crate::pages) is_current: bool,
}

#[derive(Debug, Deserialize)]
struct Asked {
    #[serde(default)]
    outcome: String,
    repository: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    member: MemberOf,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = member.account.id;
    let repository = asked
        .repository
        .as_deref()
        .map(str::parse::<RepositoryId>)
        .transpose()
        .map_err(|_| PageError::NotFound)?;
    let outcome = OUTCOMES
        .iter()
        .map(|(word, _)| *word)
        .find(|word| *word == asked.outcome)
        .unwrap_or_default();
    let filter = DeliveryFilter {
        repository,
        outcome: (!outcome.is_empty()).then(|| outcome.to_owned()),
        from: page_start(asked.before.as_deref(), asked.after.as_deref())?,
    };
    let mut found = deliveries::list(&app.db, account, &filter, PAGE as i64 + 1).await?;
    let beyond = cut(&mut found, &filter.from, PAGE);
    let decided = match (found.last(), found.first()) {
        (Some(oldest), Some(newest)) => {
            decisions::between(&app.db, account, oldest.id, newest.id).await?
        }
        _ => Vec::new(),
    };
    let page = member.page("Deliveries").nav(Nav::Deliveries);
    let turn = |has: bool, name, edge: Option<&DeliveryLine>| {
        edge.filter(|_| has)
            .map(|delivery| query(outcome, repository, Some((name, delivery.id))))
    };
    let is_first = !beyond.newer;
    let chip = |(word, label): &(&str, &'static str)| OutcomeChip {
        label,
        query: query(word, repository, None),
        is_current: *word == outcome,
    };
    let shown = DeliveriesPage {
        repository: repository
            .and_then(|_| found.first().map(|delivery| delivery.full_name.clone())),
        outcomes: OUTCOMES.iter().map(chip).collect(),
        live: is_first.then(|| {
            format!(
                "{}?{}",
                page.own("/deliveries"),
                query(outcome, repository, None)
            )
        }),
        is_filtered: !outcome.is_empty() || repository.is_some(),
        is_first,
        newest: query(outcome, repository, None),
        older: turn(beyond.older, "before", found.last()),
        newer: turn(beyond.newer, "after", found.first()),
        deliveries: found
            .into_iter()
            .map(|delivery| row(delivery, &decided))
            .collect(),
        page,
    };
    if headers.contains_key("x-fragment") {
        let rows = Rows {
            page: &shown.page,
            deliveries: &shown.deliveries,
            is_filtered: shown.is_filtered,
            live: &shown.live,
        };
        return Ok(Html(rows).into_response());
    }
    Ok(Html(shown).into_response())
}

fn query(
    outcome: &str,
    repository: Option<RepositoryId>,
    turn: Option<(&str, DeliveryId)>,
) -> String {
    let mut parts = Vec::new();
    if !outcome.is_empty() {
        parts.push(format!("outcome={outcome}"));
    }
    parts.extend(repository.map(|repository| format!("repository={repository}")));
    parts.extend(turn.map(|(side, edge)| format!("{side}={edge}")));
    parts.join("&")
}

fn row(delivery: DeliveryLine, decided: &[Decision]) -> RowOfDelivery {
    RowOfDelivery {
        decisions: decided
            .iter()
            .filter(|decision| decision.delivery_id == delivery.id)
            .map(shown_decision)
            .collect(),
        id: delivery.id.to_string(),
        received_at: delivery.received_at,
        repository: delivery.full_name,
        event: delivery.event_key,
        origin: origin(delivery.origin),
        pill: state(delivery.state),
        message: delivery.message,
    }
}

/// Where a delivery comes from, as people say it.
pub(super) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Bitbucket => "sent by Bitbucket",
        Origin::Redelivery => "redelivered here",
        Origin::Comparison => "found by comparing refs",
    }
}

/// Where a delivery stands.
pub(in crate::pages) const fn state(state: DeliveryState) -> Pill {
    match state {
        DeliveryState::Received => Pill {
            class: "wait",
            label: "To be decided",
        },
        DeliveryState::Decided => Pill {
            class: "ok",
            label: "Decided",
        },
        DeliveryState::Failed => Pill {
            class: "bad",
            label: "Failed",
        },
    }
}

/// A decision as pages show it.
pub(in crate::pages) fn shown_decision(decision: &Decision) -> ShownDecision {
    let pill = match decision.outcome {
        DecisionOutcome::Built => Pill {
            class: "ok",
            label: "Built",
        },
        DecisionOutcome::Duplicate => Pill {
            class: "off",
            label: "Duplicate",
        },
        DecisionOutcome::NotBuilt => Pill {
            class: "off",
            label: "Not built",
        },
    };
    let short = |hash: &Option<String>| {
        hash.as_deref()
            .map(|hash| hash.chars().take(7).collect::<String>())
    };
    let moved = match (short(&decision.old_hash), short(&decision.new_hash)) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (None, Some(new)) => new,
        (Some(old), None) => format!("{old} → gone"),
        (None, None) => String::new(),
    };
    let name = decision.ref_name.as_deref().unwrap_or_default();
    let name = name
        .strip_prefix("refs/heads/")
        .or_else(|| name.strip_prefix("refs/tags/"))
        .unwrap_or(name);
    ShownDecision {
        pill,
        ref_name: name.to_owned(),
        moved,
        sentence: decision.sentence.clone(),
        reason: decision.reason.clone(),
        application: decision.application_name.clone(),
        why: decision
            .application_slug
            .as_deref()
            .filter(|_| !name.is_empty())
            .map(|slug| why_page(slug, name)),
        build: match (&decision.application_slug, decision.build_number) {
            (Some(slug), Some(number)) => {
                Some((format!("/applications/{slug}/builds/{number}"), number))
            }
            _ => None,
        },
    }
}
