//! Lists of builds: an account's, and an application's.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use pipewright_core::build::BuildState;
use pipewright_core::ids::BuildId;
use pipewright_core::wire::TestTotals;
use pipewright_core::{RefName, Right, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::builds::{self, Build, BuildFilter};
use pipewright_store::test_reports;
use serde::Deserialize;

use super::head::{title, trigger};
use super::path;
use crate::app::App;
use crate::builds::work::Work;
use crate::web::pager::{cut, page_start};
use crate::web::states::{self, Pill};
use crate::web::{ApplicationOf, Html, MemberOf, Nav, Page, PageError, format};

/// Builds on a page.
const PAGE: usize = 30;

/// The longest text that is looked for, in characters.
const LONGEST_SEARCH: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{account}/builds", get(of_account))
        .route(
            "/{account}/applications/{application}/builds",
            get(of_application),
        )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/list.html")]
pub(in crate::pages) struct BuildsPage {
    pub(in crate::pages) page: Page,
    /// Name and slug of the application, on the list of one.
    pub(in crate::pages) application: Option<(String, String)>,
    pub(in crate::pages) builds: Vec<RowOfBuild>,
    pub(in crate::pages) states: Vec<StateChip>,
    pub(in crate::pages) narrowed: Narrowed,
    /// Where the list stands, without its query.
    pub(in crate::pages) path: String,
    /// The query of the page with older builds.
    pub(in crate::pages) older: Option<String>,
    /// The query of the page with newer builds.
    pub(in crate::pages) newer: Option<String>,
    pub(in crate::pages) is_first: bool,
    pub(in crate::pages) is_filtered: bool,
    /// Where the list draws itself anew from.
    pub(in crate::pages) live: Option<String>,
    /// Where a build is started by hand.
    pub(in crate::pages) run: Option<String>,
}

/// Only the rows, for the script.
#[derive(Debug, Template)]
#[template(path = "builds/list.html", block = "rows")]
struct Rows<'a> {
    page: &'a Page,
    application: &'a Option<(String, String)>,
    builds: &'a [RowOfBuild],
    live: &'a Option<String>,
    is_filtered: bool,
    path: &'a str,
}

/// A build in a list.
#[derive(Debug, Clone)]
pub(in crate::pages) struct RowOfBuild {
    pub(in crate::pages) path: String,
    pub(in crate::pages) number: i64,
    pub(in crate::pages) application: String,
    pub(in crate::pages) application_path: String,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) title: String,
    pub(in crate::pages) ref_name: String,
    pub(in crate::pages) is_tag: bool,
    pub(in crate::pages) commit: String,
    pub(in crate::pages) author: Option<String>,
    pub(in crate::pages) trigger: String,
    /// The part of the file that runs, once that is known.
    pub(in crate::pages) pipeline: Option<String>,
    pub(in crate::pages) at: Timestamp,
    pub(in crate::pages) took: Option<String>,
    /// Class and words of what its tests said; none where no step left a report.
    pub(in crate::pages) tests: Option<(&'static str, String)>,
}

/// One state to narrow the list to.
#[derive(Debug, Clone)]
pub(in crate::pages) struct StateChip {
    pub(in crate::pages) label: &'static str,
    pub(in crate::pages) query: String,
    pub(in crate::pages) is_current: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    branch: String,
    /// What is looked for: author, branch, message, pipeline, commit or number.
    #[serde(default)]
    q: String,
    /// The first day, `2026-11-30`; empty for any. Days are UTC's.
    #[serde(default)]
    since: String,
    /// The last day.
    #[serde(default)]
    until: String,
    before: Option<String>,
    after: Option<String>,
}

async fn of_account(
    State(app): State<App>,
    member: MemberOf,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    list(&app, &member, &headers, asked, None).await
}

async fn of_application(
    State(app): State<App>,
    headers: HeaderMap,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    list(&app, &member, &headers, asked, Some(application)).await
}

/// The filters as they stand in the list's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::pages) struct Narrowed {
    pub(in crate::pages) state: String,
    pub(in crate::pages) branch: String,
    pub(in crate::pages) q: String,
    pub(in crate::pages) since: String,
    pub(in crate::pages) until: String,
}

impl Narrowed {
    fn of(asked: &Asked) -> Self {
        let day = |text: &str| {
            text.trim()
                .parse::<jiff::civil::Date>()
                .map(|day| day.to_string())
                .unwrap_or_default()
        };
        Self {
            state: BuildState::parse(&asked.state)
                .map(BuildState::as_str)
                .unwrap_or_default()
                .to_owned(),
            branch: asked.branch.trim().to_owned(),
            q: asked.q.trim().chars().take(LONGEST_SEARCH).collect(),
            since: day(&asked.since),
            until: day(&asked.until),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The address's query that says this, with what else it is to say.
    fn query(&self, more: Option<(&str, String)>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let parts = [
            ("state", &self.state),
            ("branch", &self.branch),
            ("q", &self.q),
            ("since", &self.since),
            ("until", &self.until),
        ];
        for (name, value) in parts {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some((name, value)) = more {
            query.append_pair(name, &value);
        }
        query.finish()
    }

    /// The same list with another state.
    fn in_state(&self, state: &str) -> Self {
        Self {
            state: state.to_owned(),
            ..self.clone()
        }
    }
}

/// The moment at which a day of UTC begins, so many days later.
fn day_begins(day: &str, later: i64) -> Option<Timestamp> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let day = day.checked_add(jiff::Span::new().days(later)).ok()?;
    let begins = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(begins.timestamp().as_microsecond()))
}

async fn list(
    app: &App,
    member: &MemberOf,
    headers: &HeaderMap,
    asked: Asked,
    application: Option<Application>,
) -> Result<Response, PageError> {
    let narrowed = Narrowed::of(&asked);
    let ref_name = ref_of(&narrowed.branch);
    let filter = BuildFilter {
        application: application.as_ref().map(|application| application.id),
        ref_name: ref_name.clone(),
        state: BuildState::parse(&narrowed.state).ok(),
        text: Some(narrowed.q.clone()).filter(|text| !text.is_empty()),
        since: day_begins(&narrowed.since, 0),
        until: day_begins(&narrowed.until, 1),
        from: page_start(asked.before.as_deref(), asked.after.as_deref())?,
    };
    // A name that git does not accept has no builds.
    let mut found = if narrowed.branch.is_empty() || ref_name.is_some() {
        builds::list(&app.db, member.account.id, &filter, PAGE as i64 + 1).await?
    } else {
        Vec::new()
    };
    let beyond = cut(&mut found, &filter.from, PAGE);
    let ids: Vec<BuildId> = found.iter().map(|build| build.id).collect();
    let work = Work::of(&app.db, &ids).await?;
    let tests = test_reports::summaries(&app.db, &ids).await?;
    let page = match &application {
        Some(application) => member
            .page(format!("Builds of {}", application.name))
            .nav(Nav::Builds),
        None => member.page("Builds").nav(Nav::Builds),
    };
    let path = match &application {
        Some(application) => page.own(&format!("/applications/{}/builds", application.slug)),
        None => page.own("/builds"),
    };
    let turn = |has: bool, name, edge: Option<&BuildId>| {
        edge.filter(|_| has)
            .map(|id| narrowed.query(Some((name, id.to_string()))))
    };
    let is_first = !beyond.newer;
    let live = is_first.then(|| format!("{path}?{}", narrowed.query(None)));
    let startable = application.as_ref().filter(|_| member.may(Right::Build));
    let run =
        startable.map(|application| page.own(&format!("/applications/{}/run", application.slug)));
    let now = member.now();
    let shown = BuildsPage {
        builds: found
            .iter()
            .map(|build| RowOfBuild {
                tests: tests.get(&build.id).map(tests_said),
                ..row(&page, member, build, &work, now)
            })
            .collect(),
        states: chips(&narrowed),
        application: application.map(|application| (application.name, application.slug)),
        page,
        path,
        older: turn(beyond.older, "before", ids.last()),
        newer: turn(beyond.newer, "after", ids.first()),
        is_first,
        is_filtered: !narrowed.is_empty(),
        narrowed,
        live,
        run,
    };
    if headers.contains_key("x-fragment") {
        let rows = Rows {
            page: &shown.page,
            application: &shown.application,
            builds: &shown.builds,
            live: &shown.live,
            is_filtered: shown.is_filtered,
            path: &shown.path,
        };
        return Ok(Html(rows).into_response());
    }
    Ok(Html(shown).into_response())
}

/// What a person entered as a branch: a short name, or the full name of a branch or tag.
fn ref_of(text: &str) -> Option<RefName> {
    if text.starts_with("refs/") {
        text.parse().ok()
    } else {
        RefName::branch(text).ok()
    }
}

fn chips(narrowed: &Narrowed) -> Vec<StateChip> {
    let chip = |label, word: &str| StateChip {
        label,
        query: narrowed.in_state(word).query(None),
        is_current: word == narrowed.state,
    };
    let states = states::FILTERS
        .iter()
        .map(|one| chip(states::filter_label(*one), one.as_str()));
    std::iter::once(chip("All", "")).chain(states).collect()
}

fn row(page: &Page, member: &MemberOf, build: &Build, work: &Work, now: Timestamp) -> RowOfBuild {
    RowOfBuild {
        path: page.link(&path::of(member, build)),
        number: build.number,
        application: build.application_name.clone(),
        application_path: page.own(&format!("/applications/{}", build.application_slug)),
        pill: states::of_build_that(build.seen(), build.state_message.as_deref()),
        title: title(build),
        ref_name: build.ref_name.short().to_owned(),
        is_tag: !build.ref_name.is_branch(),
        commit: build.commit.short().to_owned(),
        author: build.commit_author.clone(),
        trigger: trigger(build),
        pipeline: build.pipeline.clone(),
        at: build.accepted_at,
        took: work.took(build.id, now).map(format::duration),
        tests: None,
    }
}

/// What the tests of a build said, in a few words: `3 of 418 tests failed`, `418 tests`.
fn tests_said(totals: &TestTotals) -> (&'static str, String) {
    let all = format::count(totals.all() as usize, "test");
    match totals.failures() {
        0 => ("off", all),
        failures => ("bad", format!("{failures} of {all} failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Narrowed, day_begins};

    #[test]
    fn a_query_carries_hostile_names_unharmed_and_only_what_makes_sense() {
        let asked = Asked {
            state: "failed".to_owned(),
            branch: "a&b=c #%\"".to_owned(),
            since: "2026-13-77".to_owned(),
            until: "2026-11-30".to_owned(),
            ..Asked::default()
        };
        assert_eq!(
            Narrowed::of(&asked).query(Some(("before", "7".to_owned()))),
            "state=failed&branch=a%26b%3Dc+%23%25%22&until=2026-11-30&before=7"
        );
        assert_eq!(Narrowed::default().query(None), "");
    }

    #[test]
    fn a_day_ends_where_the_next_one_begins() {
        let day = |later| day_begins("2026-12-31", later).map(|at| at.to_string());
        assert_eq!(day(0).as_deref(), Some("2026-12-31T00:00:00Z"));
        assert_eq!(day(1).as_deref(), Some("2027-01-01T00:00:00Z"));
        assert_eq!(day_begins("", 0), None);
    }
}
