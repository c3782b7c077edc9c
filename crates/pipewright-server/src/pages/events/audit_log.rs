//! History as people read it, and as JSON lines for whoever keeps it elsewhere: an account's, and the installation's. What
//! can be filtered on the page can be exported with the same filter.

use std::convert::Infallible;

use askama::Template;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, StreamExt as _};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_core::ids::{AccountId, EventId};
use pipewright_core::{Right, Timestamp};
use pipewright_store::PageStart;
use pipewright_store::events::{self, Event, EventFilter};
use serde::Deserialize;
use serde_json::json;

use super::actions::ACTIONS;
use super::sentence::sentence;
use crate::app::App;
use crate::ground::together;
use crate::web::pager::{cut, page_start};
use crate::web::{Html, MemberOf, Page, PageError, Rail};

/// Lines on a page.
const PAGE: u16 = 50;

/// Lines that are read at a time for an export.
const BATCH: u16 = 500;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/settings/audit-log", get(show))
        .route("/{account}/settings/audit-log.jsonl", get(export))
}

#[derive(Debug, Template)]
#[template(path = "audit_log.html")]
pub(crate) struct AuditLogPage {
    pub(crate) page: Page,
    pub(crate) lede: &'static str,
    /// The page's own address, with the sub-path.
    pub(crate) path: String,
    pub(crate) query: LogQuery,
    pub(crate) choices: Vec<Choice>,
    pub(crate) events: Vec<ShownEvent>,
    /// The query of the page's next part.
    pub(crate) older: Option<String>,
    /// The query of the page's part before.
    pub(crate) newer: Option<String>,
    /// The query of what is shown now, from its newest line on.
    pub(crate) newest: String,
    pub(crate) is_first: bool,
    pub(crate) refusal: Option<String>,
}

/// A line of history as the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct ShownEvent {
    pub(crate) at: Timestamp,
    /// Who, as they were called then.
    pub(crate) actor: String,
    /// What they cannot change: the address as it was then.
    pub(crate) email: String,
    /// Names the user for ever.
    pub(crate) user: String,
    pub(crate) sentence: String,
    pub(crate) address: String,
}

/// An action, or all of one noun, to choose.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

/// What is asked for in an address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct LogQuery {
    /// Goes on before this line.
    #[serde(default)]
    pub(crate) before: String,
    /// Ends with the line after this one.
    #[serde(default)]
    pub(crate) after: String,
    /// Name, address or subject.
    #[serde(default)]
    pub(crate) who: String,
    /// An action, or a noun.
    #[serde(default)]
    pub(crate) what: String,
    /// From this day on, `2026-11-30`, in UTC.
    #[serde(default)]
    pub(crate) since: String,
    /// Until the end of this day.
    #[serde(default)]
    pub(crate) until: String,
}

impl LogQuery {
    /// The filter, or the sentence that says what cannot be read.
    fn filter(&self, account: Option<AccountId>) -> Result<EventFilter, String> {
        let (since, until) = match (day(&self.since), day(&self.until)) {
            (Ok(since), Ok(until)) => (since, until),
            (since, until) => return Err(together([since.err(), until.err()]).unwrap_or_default()),
        };
        Ok(EventFilter {
            account,
            from: self.from()?,
            action: self.what.chars().take(60).collect(),
            text: self.who.chars().take(200).collect(),
            since,
            until: until.map(|day| day + std::time::Duration::from_hours(24)),
        })
    }

    /// Where the page begins.
    fn from(&self) -> Result<PageStart<EventId>, String> {
        let side = |text| Some(text).filter(|text: &&str| !text.is_empty());
        page_start(side(self.before.as_str()), side(self.after.as_str()))
            .map_err(|_| "This page of the history does not exist.".to_owned())
    }

    /// As the part of an address behind `?`, from another line on: `before` or `after` it.
    fn address(&self, turn: Option<(&str, String)>) -> String {
        let (side, edge) = turn.unwrap_or(("before", String::new()));
        let pairs = [
            ("who", self.who.as_str()),
            ("what", &self.what),
            ("since", &self.since),
            ("until", &self.until),
            (side, edge.as_str()),
        ];
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()))
            .finish()
    }

    /// True where anything is asked for in particular.
    pub(crate) fn is_filtered(&self) -> bool {
        !(self.who.is_empty()
            && self.what.is_empty()
            && self.since.is_empty()
            && self.until.is_empty())
    }
}

/// The beginning of a day in UTC; nothing where none is given.
fn day(text: &str) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|moment| Some(Timestamp::from_micros(moment.timestamp().as_microsecond())))
        .ok_or_else(|| format!("{text:?} is not a day; enter one such as 2026-11-30."))
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Query(query): Query<LogQuery>,
) -> Result<Html<AuditLogPage>, PageError> {
    member.shown_to(Right::ManageMembers)?;
    let page = member.page("Audit log").rail(Rail::AuditLog);
    let path = page.own("/settings/audit-log");
    let lede = "Who did what in this account, and from where.";
    Ok(Html(
        log_page(&app, page, lede, path, Some(member.account.id), query).await?,
    ))
}

async fn export(
    State(app): State<App>,
    member: MemberOf,
    Query(query): Query<LogQuery>,
) -> Result<Response, PageError> {
    member.shown_to(Right::ManageMembers)?;
    let name = format!("audit-log-{}.jsonl", member.account.slug);
    exported(&app, Some(member.account.id), &query, &name)
}

/// The page of a history: an account's, or where there is none the installation's.
pub(crate) async fn log_page(
    app: &App,
    page: Page,
    lede: &'static str,
    path: String,
    account: Option<AccountId>,
    query: LogQuery,
) -> Result<AuditLogPage, PageError> {
    let (filter, refusal) = match query.filter(account) {
        Ok(filter) => (filter, None),
        Err(sentence) => (
            EventFilter {
                account,
                ..EventFilter::default()
            },
            Some(sentence),
        ),
    };
    let mut found = events::list(&app.db, &filter, PAGE + 1).await?;
    let beyond = cut(&mut found, &filter.from, usize::from(PAGE));
    let turn = |has: bool, side, edge: Option<&Event>| {
        edge.filter(|_| has)
            .map(|event| query.address(Some((side, event.id.to_string()))))
    };
    Ok(AuditLogPage {
        page,
        lede,
        path,
        choices: choices(&query.what),
        events: found.iter().map(shown).collect(),
        older: turn(beyond.older, "before", found.last()),
        newer: turn(beyond.newer, "after", found.first()),
        newest: query.address(None),
        is_first: !beyond.newer,
        query,
        refusal,
    })
}

fn choices(chosen: &str) -> Vec<Choice> {
    let mut choices = Vec::new();
    let mut last = "";
    for (action, label) in ACTIONS {
        let noun = action.split_once('.').map_or(*action, |(noun, _)| noun);
        if noun != last {
            last = noun;
            choices.push(Choice {
                value: noun,
                label: format!("Everything of: {}", noun.replace('_', " ")),
                chosen: chosen == noun,
            });
        }
        choices.push(Choice {
            value: action,
            label: (*label).to_owned(),
            chosen: chosen == *action,
        });
    }
    choices
}

fn shown(event: &Event) -> ShownEvent {
    ShownEvent {
        at: event.at,
        actor: event.actor.clone(),
        email: event.actor_email.clone().unwrap_or_default(),
        user: event.user_id.map(|id| id.to_string()).unwrap_or_default(),
        sentence: sentence(event),
        address: event.address.clone().unwrap_or_default(),
    }
}

/// The whole history that is asked for as JSON lines, newest first, read while it is sent.
pub(crate) fn exported(
    app: &App,
    account: Option<AccountId>,
    query: &LogQuery,
    name: &str,
) -> Result<Response, PageError> {
    let filter = query.filter(account).map_err(PageError::Unprocessable)?;
    let lines = stream::unfold(
        Some((app.clone(), filter)),
        async |state: Option<(App, EventFilter)>| {
            let (app, mut filter) = state?;
            let found = match events::list(&app.db, &filter, BATCH).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(error = %error, "the export of a history broke off");
                    let broken = json!({ "error": "The export broke off; run it again." });
                    return Some((Ok(Bytes::from(format!("{broken}\n"))), None));
                }
            };
            let last = found.last()?;
            filter.from = PageStart::OlderThan(last.id);
            let is_all = found.len() < usize::from(BATCH);
            let text: String = found.iter().map(line).collect();
            let next = (!is_all).then_some((app, filter));
            Some((Ok::<_, Infallible>(Bytes::from(text)), next))
        },
    );
    // Whatever compresses the answer asks once more after the end.
    let lines = lines.fuse();
    let headers = [
        (CONTENT_TYPE, "application/jsonl".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// One event as a line of JSON.
fn line(event: &Event) -> String {
    let line = json!({
        "id": event.id.to_string(),
        "at": event.at.to_string(),
        "user_id": event.user_id.map(|id| id.to_string()),
        "user_email": event.actor_email,
        "user_name": event.actor,
        "action": event.action,
        "subject": event.subject,
        "detail": event.detail,
        "account": event.account_name,
        "address": event.address,
        "sentence": sentence(event),
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::{LogQuery, day};

    #[test]
    fn a_day_is_read_and_anything_else_is_named() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(
            day(" 1970-01-02 ")
                .expect("a day")
                .map(pipewright_core::Timestamp::as_micros),
            Some(86_400_000_000)
        );
        assert!(
            day("yesterday")
                .expect_err("is none")
                .contains("\"yesterday\"")
        );
    }

    #[test]
    fn what_is_asked_for_stays_in_the_address() {
        let query = LogQuery {
            who: "ivo@x & co".to_owned(),
            what: "user".to_owned(),
            ..LogQuery::default()
        };
        assert_eq!(
            query.address(Some(("after", "1".to_owned()))),
            "who=ivo%40x+%26+co&what=user&after=1"
        );
        assert_eq!(query.address(None), "who=ivo%40x+%26+co&what=user");
        assert!(query.is_filtered());
    }
}
