//! What the tests of a build said: failures first, flaky ones, the slowest, and by step; or a list of them, narrowed.

use std::collections::HashSet;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pipewright_core::ids::TestCaseId;
use pipewright_core::wire::{TestState, TestTotals, UnreadReport};
use pipewright_store::test_reports::{
    self, CaseFilter, CaseRow, StepTests, by_step, past_builds, past_results,
};
use serde::Deserialize;

use super::cases::{self, BARS, History};
use super::head::{Head, Looked, Tab};
use super::shown_tests::{CaseList, Chip, Drawing, LISTED, Narrowed, SlowCase, Stat};
use super::tabs;
use crate::app::App;
use crate::web::{BuildOf, Html, Page, PageError, format};

/// The most failures that are shown at once, as at Bitbucket.
const FAILURES: i64 = 100;

/// The most flaky tests that are shown.
const FLAKY: i64 = 50;

/// How many of the slowest are shown.
const SLOWEST: i64 = 5;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/builds/{number}/tests",
        get(show),
    )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/tested.html")]
pub(in crate::pages) struct TestsPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    /// The totals; none where no step left a report.
    pub(in crate::pages) stats: Vec<Stat>,
    /// `4 files, 1.1 MB`.
    pub(in crate::pages) source: String,
    pub(in crate::pages) unread: Vec<UnreadReport>,
    /// `1 file not read`; empty where all were.
    pub(in crate::pages) unread_words: String,
    /// How many tests are counted and not listed; empty where all are.
    pub(in crate::pages) unlisted: String,
    pub(in crate::pages) chips: Vec<Chip>,
    pub(in crate::pages) narrowed: Narrowed,
    /// What the bars are of: `Bars: the last 24 builds of main, newest on the right`; empty where there are none.
    pub(in crate::pages) bars_of: String,
    pub(in crate::pages) lists: Vec<CaseList>,
    pub(in crate::pages) slowest: Vec<SlowCase>,
    /// `these 5 are 54 % of the time`.
    pub(in crate::pages) slowest_words: String,
    pub(in crate::pages) steps: Vec<StepRow>,
    /// The query of the next tests of a narrowed list.
    pub(in crate::pages) more: Option<String>,
    /// The query of its first ones, where others are shown.
    pub(in crate::pages) first: Option<String>,
}

/// What the tests of a step said.
#[derive(Debug, Clone)]
pub(in crate::pages) struct StepRow {
    pub(in crate::pages) name: String,
    /// None where it left no report.
    pub(in crate::pages) totals: Option<TestTotals>,
    pub(in crate::pages) took: String,
}

/// What of the tests is asked for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    part: Option<String>,
    /// `failed`, `flaky`, `skipped`, `passed` or `all`; empty for the overview.
    #[serde(default)]
    show: String,
    /// A step's number, from 1.
    step: Option<i64>,
    #[serde(default)]
    q: String,
    /// How many tests are passed over.
    from: Option<i64>,
}

async fn show(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (looked, head) = tabs::open(&app, &member, build, Tab::Tests).await?;
    if asked.part.is_some() {
        return Ok(Html(head).into_response());
    }
    let from = asked.from.unwrap_or(0).max(0);
    let shown = gather(
        &app,
        &looked,
        head,
        Narrowed::of(&asked.show, asked.step, &asked.q),
        from,
    )
    .await?;
    Ok(Html(shown).into_response())
}

async fn gather(
    app: &App,
    looked: &Looked,
    head: Head,
    narrowed: Narrowed,
    from: i64,
) -> Result<TestsPage, PageError> {
    let build = &looked.build;
    let steps = by_step(&app.db, build.id).await?;
    let mut totals = TestTotals::default();
    for step in &steps {
        totals.add(step.totals);
    }
    let find = |filter: CaseFilter, limit| {
        let db = app.db.clone();
        async move { test_reports::cases(&db, build.id, &filter, limit).await }
    };
    let flaky = test_reports::flaky(&app.db, build.id, FLAKY).await?;
    let is_overview = narrowed.is_empty();
    let of_state = |state| CaseFilter {
        state: Some(state),
        ..CaseFilter::default()
    };
    let (listed, slowest) = if is_overview {
        let failed = find(of_state(TestState::Failed), FAILURES).await?;
        // What failed stands above the others: as many more are read.
        let slowest = find(of_state(TestState::Passed), SLOWEST).await?;
        let mut slowest: Vec<_> = failed.iter().cloned().chain(slowest).collect();
        slowest.sort_by_key(|row| std::cmp::Reverse(row.micros));
        slowest.truncate(SLOWEST as usize);
        (failed, slowest)
    } else if narrowed.show == "flaky" {
        (flaky.clone(), Vec::new())
    } else {
        let filter = CaseFilter {
            state: narrowed.state(),
            step: narrowed.step.map(|step| step - 1),
            text: Some(narrowed.q.clone()).filter(|text| !text.is_empty()),
            offset: from,
        };
        (find(filter, LISTED + 1).await?, Vec::new())
    };
    let past = past_builds(
        &app.db,
        build.application_id,
        &build.ref_name,
        build.number,
        BARS,
    )
    .await?;
    let before = past.iter().find(|one| one.number < build.number).copied();
    let compared = match before {
        Some(before) => test_reports::summaries(&app.db, &[before.id])
            .await?
            .remove(&before.id)
            .map(|totals| (before.number, totals)),
        None => None,
    };
    let ids: HashSet<TestCaseId> = listed
        .iter()
        .chain(&flaky)
        .chain(&slowest)
        .map(|row| row.id)
        .collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let results = past_results(&app.db, &past, &ids).await?;
    let bars_of = format!(
        "Bars: the last {} of {}, newest on the right",
        format::count(past.len(), "build"),
        build.ref_name.short()
    );
    let drawing = Drawing {
        looked,
        head: &head,
        history: History::of(past, results),
        flaky: flaky.iter().map(|row| row.id).collect(),
    };
    let has_more = !is_overview && narrowed.show != "flaky" && listed.len() as i64 > LISTED;
    let lists = drawing.lists(&narrowed, &listed, &flaky, &totals);
    let unread: Vec<UnreadReport> = steps.iter().flat_map(|step| step.unread.clone()).collect();
    Ok(TestsPage {
        page: head.page.clone(),
        stats: if steps.is_empty() {
            Vec::new()
        } else {
            drawing.stats(&totals, compared, &listed, is_overview)
        },
        source: source(&steps),
        unread_words: match steps.iter().map(|step| step.unread_files).sum::<u64>() {
            0 => String::new(),
            files => format!("{} not read", format::count(files as usize, "file")),
        },
        unread,
        unlisted: match totals.all()
            - steps
                .iter()
                .map(|step| step.listed)
                .sum::<u64>()
                .min(totals.all())
        {
            0 => String::new(),
            more => format!(
                "{} counted and not listed.",
                format::count(more as usize, "more test")
            ),
        },
        chips: drawing.chips(&narrowed, &steps, &totals),
        more: has_more.then(|| narrowed.query(Some(from + LISTED))),
        first: (from > 0).then(|| narrowed.query(None)),
        narrowed,
        bars_of,
        slowest_words: slowest_words(&slowest, &totals),
        slowest: slowest
            .iter()
            .map(|row| drawing.slow(row, &slowest))
            .collect(),
        lists,
        steps: looked
            .steps
            .iter()
            .map(|step| {
                let said = steps.iter().find(|said| said.step == step.position);
                StepRow {
                    name: step.name.clone(),
                    totals: said.map(|said| said.totals),
                    took: said.map_or_else(String::new, |said| cases::took(said.totals.micros)),
                }
            })
            .collect(),
        head,
    })
}

fn source(steps: &[StepTests]) -> String {
    let files: u64 = steps.iter().map(|step| step.files).sum();
    let bytes = steps.iter().map(|step| step.bytes).sum();
    format!(
        "{}, {}",
        format::count(files as usize, "file"),
        format::bytes(bytes)
    )
}

fn slowest_words(slowest: &[CaseRow], totals: &TestTotals) -> String {
    let together: i64 = slowest.iter().map(|row| row.micros).sum();
    let share = (together.max(0) as u128 * 100)
        .checked_div(u128::from(totals.micros))
        .unwrap_or(0);
    match slowest.len() {
        0 => String::new(),
        1 => format!("{} % of the time", share.min(100)),
        several => format!("these {several} are {} % of the time", share.min(100)),
    }
}
