//! Lists of builds: an account's, and an application's.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipewright_core::build::BuildState;
use pipewright_core::ids::BuildId;
use pipewright_core::{RefName, Right, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::builds::{self, Build, BuildFilter};
use serde::Deserialize;

use super::head::{title, took, trigger};
use super::path;
use crate::app::App;
use crate::http::states::{self, Pill};
use crate::http::{ApplicationOf, Html, MemberOf, Nav, Page, PageError};

/// Builds on a page.
const PAGE: usize = 30;

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
    pub(in crate::pages) state: String,
    pub(in crate::pages) branch: String,
    /// Where the list stands, without its query.
    pub(in crate::pages) path: String,
    /// The query of the next page.
    pub(in crate::pages) older: Option<String>,
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
    pub(in crate::pages) at: Timestamp,
    pub(in crate::pages) took: Option<String>,
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
    before: Option<String>,
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

async fn list(
    app: &App,
    member: &MemberOf,
    headers: &HeaderMap,
    asked: Asked,
    application: Option<Application>,
) -> Result<Response, PageError> {
    let branch = asked.branch.trim().to_owned();
    let ref_name = ref_of(&branch);
    let filter = BuildFilter {
        application: application.as_ref().map(|application| application.id),
        ref_name: ref_name.clone(),
        state: BuildState::parse(&asked.state).ok(),
        before: asked
            .before
            .as_deref()
            .map(str::parse::<BuildId>)
            .transpose()
            .map_err(|_| PageError::NotFound)?,
    };
    // A name that git does not accept has no builds.
    let mut found = if branch.is_empty() || ref_name.is_some() {
        builds::list(&app.db, member.account.id, &filter, PAGE as i64 + 1).await?
    } else {
        Vec::new()
    };
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let state = filter
        .state
        .map(BuildState::as_str)
        .unwrap_or_default()
        .to_owned();
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
    let older = more
        .then(|| {
            found
                .last()
                .map(|build| query(&state, &branch, Some(build.id)))
        })
        .flatten();
    let is_first = filter.before.is_none();
    let live = is_first.then(|| format!("{path}?{}", query(&state, &branch, None)));
    let is_filtered = !state.is_empty() || !branch.is_empty();
    let startable = application.as_ref().filter(|_| member.may(Right::Build));
    let run =
        startable.map(|application| page.own(&format!("/applications/{}/run", application.slug)));
    let now = member.now();
    let shown = BuildsPage {
        builds: found
            .iter()
            .map(|build| row(&page, member, build, now))
            .collect(),
        states: chips(&state, &branch),
        application: application.map(|application| (application.name, application.slug)),
        page,
        state,
        branch,
        path,
        older,
        is_first,
        is_filtered,
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

fn query(state: &str, branch: &str, before: Option<BuildId>) -> String {
    let mut parts = Vec::new();
    if !state.is_empty() {
        parts.push(format!("state={state}"));
    }
    if !branch.is_empty() {
        parts.push(format!(
            "branch={}",
            utf8_percent_encode(branch, NON_ALPHANUMERIC)
        ));
    }
    parts.extend(before.map(|before| format!("before={before}")));
    parts.join("&")
}

fn chips(state: &str, branch: &str) -> Vec<StateChip> {
    let chip = |label, word: &str| StateChip {
        label,
        query: query(word, branch, None),
        is_current: word == state,
    };
    let states = states::FILTERS
        .iter()
        .map(|one| chip(states::filter_label(*one), one.as_str()));
    std::iter::once(chip("All", "")).chain(states).collect()
}

fn row(page: &Page, member: &MemberOf, build: &Build, now: Timestamp) -> RowOfBuild {
    RowOfBuild {
        path: page.link(&path::of(member, build)),
        number: build.number,
        application: build.application_name.clone(),
        application_path: page.own(&format!("/applications/{}", build.application_slug)),
        pill: states::of_build(build.state),
        title: title(build),
        ref_name: build.ref_name.short().to_owned(),
        is_tag: !build.ref_name.is_branch(),
        commit: build.commit.short().to_owned(),
        author: build.commit_author.clone(),
        trigger: trigger(build),
        at: build.accepted_at,
        took: took(build, now),
    }
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn a_query_carries_hostile_names_unharmed() {
        assert_eq!(
            query("failed", "a&b=c #%\"", None),
            "state=failed&branch=a%26b%3Dc%20%23%25%22"
        );
        assert_eq!(query("", "", None), "");
    }
}
