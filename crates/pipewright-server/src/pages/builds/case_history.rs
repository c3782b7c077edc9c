//! The history of one test over the builds of its application.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use pipewright_core::Timestamp;
use pipewright_core::ids::TestCaseId;
use pipewright_store::test_reports::{self, CaseResult};

use super::cases::{self, BARS, CaseBars, Past};
use crate::app::App;
use crate::web::states::Pill;
use crate::web::{ApplicationOf, Html, Nav, Page, PageError, format};

/// The most results that are shown.
const SHOWN: i64 = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/tests/{test}",
        get(show),
    )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/case_history.html")]
pub(in crate::pages) struct CaseHistoryPage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) application: String,
    pub(in crate::pages) application_path: String,
    pub(in crate::pages) name: String,
    /// The step, and the file.
    pub(in crate::pages) place: String,
    pub(in crate::pages) bars: CaseBars,
    /// What can be said of all of it.
    pub(in crate::pages) summary: String,
    pub(in crate::pages) results: Vec<ShownResult>,
}

/// What became of it in an attempt.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownResult {
    pub(in crate::pages) number: i64,
    /// The tests of the build.
    pub(in crate::pages) path: String,
    /// `attempt 2`; empty for the first.
    pub(in crate::pages) attempt: String,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) is_flaky: bool,
    pub(in crate::pages) ref_name: String,
    pub(in crate::pages) is_tag: bool,
    pub(in crate::pages) commit: String,
    pub(in crate::pages) took: String,
    pub(in crate::pages) at: Timestamp,
    pub(in crate::pages) message: String,
    pub(in crate::pages) output: String,
}

async fn show(
    State(app): State<App>,
    ApplicationOf {
        member,
        application,
    }: ApplicationOf,
    Path((_, _, test)): Path<(String, String, String)>,
) -> Result<Html<CaseHistoryPage>, PageError> {
    let id: TestCaseId = test.parse().map_err(|_| PageError::NotFound)?;
    let case = test_reports::case(&app.db, application.id, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let found = test_reports::of_case(&app.db, application.id, id, SHOWN).await?;
    let name = cases::title(&case.suite, &case.name);
    let page = member.page(name.clone()).nav(Nav::Builds);
    let application_path = page.own(&format!("/applications/{}", application.slug));
    let place = cases::place(&case.file, case.line);
    Ok(Html(CaseHistoryPage {
        place: if place.is_empty() {
            case.step_name
        } else {
            format!("{} · {place}", case.step_name)
        },
        bars: cases::bars(&by_build(&found)),
        summary: summary(&found),
        results: found
            .into_iter()
            .map(|one| shown(one, &application_path))
            .collect(),
        application: application.name,
        application_path,
        name,
        page,
    }))
}

/// The newest builds, oldest first, each once: what its last attempt said.
fn by_build(found: &[CaseResult]) -> Vec<Past> {
    let mut builds: Vec<Past> = Vec::new();
    for one in found {
        if let Some(last) = builds.last_mut()
            && last.number == one.number
        {
            // An earlier attempt of the same build.
            let differs = last
                .result
                .is_some_and(|(state, _)| state.is_failure() != one.state.is_failure());
            last.is_flaky |= one.is_flaky || differs;
            continue;
        }
        if builds.len() as i64 == BARS {
            break;
        }
        builds.push(Past {
            number: one.number,
            result: Some((one.state, u64::try_from(one.micros).unwrap_or(0))),
            is_flaky: one.is_flaky,
        });
    }
    builds.reverse();
    builds
}

/// `Failed in 2 of 24 results; 1.2 s in the median.`
fn summary(found: &[CaseResult]) -> String {
    let failed = found.iter().filter(|one| one.state.is_failure()).count();
    let mut times: Vec<i64> = found.iter().map(|one| one.micros).collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or(0);
    format!(
        "Failed in {failed} of {}; {} in the median.",
        format::count(found.len(), "result"),
        cases::took(u64::try_from(median).unwrap_or(0))
    )
}

fn shown(one: CaseResult, application: &str) -> ShownResult {
    ShownResult {
        path: format!("{application}/builds/{}/tests", one.number),
        number: one.number,
        attempt: if one.attempt > 1 {
            format!("attempt {}", one.attempt)
        } else {
            String::new()
        },
        pill: cases::pill(one.state),
        is_flaky: one.is_flaky,
        is_tag: !one.ref_name.is_branch(),
        ref_name: one.ref_name.short().to_owned(),
        commit: one.commit.short().to_owned(),
        took: cases::took(u64::try_from(one.micros).unwrap_or(0)),
        at: one.accepted_at,
        message: one.message,
        output: one.output,
    }
}
