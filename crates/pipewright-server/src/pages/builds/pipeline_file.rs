//! The pipeline file that a build was planned from: its problems, which part of it was chosen, what came of it, and its
//! text. The file itself can be downloaded as it is.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use pipewright_spec::diagnostic::summary;
use pipewright_store::builds;

use super::diagnostics::{self, ShownDiagnostic};
use super::head::{Head, Tab};
use super::planned::{self, PlannedGroup};
use super::selection::{self, Chosen};
use super::tabs::{self, Asked};
use crate::app::App;
use crate::builds::FILE_NAME;
use crate::web::{BuildOf, Html, Page, PageError, format};

/// The longest file that is shown, in lines.
const LONGEST: usize = 5000;

/// The longest line that is shown, in characters.
const WIDEST: usize = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/{account}/applications/{application}/builds/{number}/pipeline-file",
            get(show),
        )
        .route(
            "/{account}/applications/{application}/builds/{number}/pipeline-file/raw",
            get(raw),
        )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/pipeline_file.html")]
pub(in crate::pages) struct PipelineFilePage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    pub(in crate::pages) diagnostics: Vec<ShownDiagnostic>,
    /// `1 error, 2 warnings`, or `no problems`.
    pub(in crate::pages) summary: String,
    pub(in crate::pages) chosen: Option<Chosen>,
    /// Variables of a custom pipeline with the values that this build was given.
    pub(in crate::pages) variables: Vec<(String, String)>,
    pub(in crate::pages) groups: Vec<PlannedGroup>,
    /// The other file that the steps are written in.
    pub(in crate::pages) imported: Option<ShownImport>,
    pub(in crate::pages) lines: Vec<FileLine>,
    pub(in crate::pages) size: String,
    pub(in crate::pages) is_cut: bool,
}

/// Where the steps are written that are not in the file that the page shows.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownImport {
    pub(in crate::pages) file: String,
    pub(in crate::pages) pipeline: String,
    /// The first digits of the commit it was read at.
    pub(in crate::pages) commit: String,
}

/// A line of the file.
#[derive(Debug, Clone)]
pub(in crate::pages) struct FileLine {
    /// From 1.
    pub(in crate::pages) number: usize,
    pub(in crate::pages) text: String,
    /// Whether a step of the plan begins here.
    pub(in crate::pages) is_step: bool,
    /// The class and the words of the problem that begins here.
    pub(in crate::pages) problem: Option<(&'static str, String)>,
}

async fn show(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (looked, head) = tabs::open(&app, &member, build, Tab::PipelineFile).await?;
    if asked.is_for_head() {
        return Ok(Html(head).into_response());
    }
    let file = builds::pipeline_file(&app.db, member.account.id, looked.build.id)
        .await?
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&file);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let found = diagnostics::read(&looked.build);
    let diagnostics = diagnostics::shown_all(&found, &file);
    let groups = looked
        .plan
        .as_ref()
        .map(|plan| planned::tree(plan, &looked.steps))
        .unwrap_or_default();
    let imported = looked
        .plan
        .as_ref()
        .and_then(|plan| plan.imported.as_ref())
        .map(|imported| ShownImport {
            file: imported.file.clone(),
            pipeline: imported.pipeline.clone(),
            commit: imported
                .commit
                .as_ref()
                .unwrap_or(&looked.build.commit)
                .short()
                .to_owned(),
        });
    let begins: Vec<usize> = groups
        .iter()
        .flat_map(|group| &group.steps)
        .filter_map(|step| step.line)
        .map(|line| line as usize)
        .collect();
    let line = |(index, text): (usize, &str)| FileLine {
        number: index + 1,
        text: text.chars().take(WIDEST).collect(),
        is_step: begins.contains(&(index + 1)),
        problem: diagnostics
            .iter()
            .find(|problem| problem.file.is_none() && problem.line as usize == index + 1)
            .map(|problem| (problem.class, format!("{}: {}", problem.word, problem.text))),
    };
    let page = PipelineFilePage {
        page: head.page.clone(),
        summary: summary(&found),
        chosen: selection::of(&looked.build, &file),
        variables: looked
            .plan
            .as_ref()
            .map(|plan| plan.variables.clone())
            .unwrap_or_default(),
        lines: text.lines().take(LONGEST).enumerate().map(line).collect(),
        size: format::bytes(file.len() as u64),
        is_cut: text.lines().nth(LONGEST).is_some(),
        diagnostics,
        head,
        groups,
        imported,
    };
    Ok(Html(page).into_response())
}

/// The file as it was at the build's commit, byte for byte.
async fn raw(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
) -> Result<Response, PageError> {
    let file = builds::pipeline_file(&app.db, member.account.id, build.id)
        .await?
        .ok_or(PageError::NotFound)?;
    // Never shown as a page of ours, whatever is in it.
    let disposition = format!("attachment; filename=\"{FILE_NAME}\"");
    Ok((
        [
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (CONTENT_DISPOSITION, disposition),
        ],
        file,
    )
        .into_response())
}
