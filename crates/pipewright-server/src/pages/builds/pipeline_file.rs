//! The pipeline file that a build was planned from, and what came of it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pipewright_core::Plan;
use pipewright_core::plan::{CloneDepth, FailureStrategy, ScriptItem, StepPlan};
use pipewright_store::builds;
use serde::Deserialize;

use super::diagnostics::{self, ShownDiagnostic};
use super::find;
use super::head::{Head, Looked, Tab};
use crate::app::App;
use crate::http::{Html, MemberOf, Page, PageError};

/// The longest file that is shown, in lines.
const LONGEST: usize = 5000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/{account}/applications/{application}/builds/{number}/pipeline-file", get(show))
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/pipeline_file.html")]
pub(in crate::pages) struct PipelineFilePage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    pub(in crate::pages) diagnostics: Vec<ShownDiagnostic>,
    pub(in crate::pages) steps: Vec<PlannedStep>,
    pub(in crate::pages) lines: Vec<FileLine>,
    pub(in crate::pages) is_cut: bool,
}

/// A line of the file.
#[derive(Debug, Clone)]
pub(in crate::pages) struct FileLine {
    /// From 1.
    pub(in crate::pages) number: usize,
    pub(in crate::pages) text: String,
    /// Whether a step of the plan begins here.
    pub(in crate::pages) is_step: bool,
}

/// A step as it was planned.
#[derive(Debug, Clone)]
pub(in crate::pages) struct PlannedStep {
    pub(in crate::pages) number: usize,
    pub(in crate::pages) name: String,
    pub(in crate::pages) line: u32,
    /// What differs from the ordinary: `manual`, `at most 5 min`, `no clone`, …
    pub(in crate::pages) notes: Vec<String>,
    pub(in crate::pages) script: String,
    pub(in crate::pages) after_script: String,
}

#[derive(Debug, Deserialize)]
struct Asked {
    part: Option<String>,
}

async fn show(
    State(app): State<App>,
    member: MemberOf,
    Path((_, application, number)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let build = find::build(&app, &member, &application, &number).await?;
    let looked = Looked::read(&app, &member, build, None).await?;
    let head = Head::of(&app, &member, &looked, Tab::PipelineFile).await?;
    if asked.part.is_some() {
        return Ok(Html(head).into_response());
    }
    let file = builds::pipeline_file(&app.db, member.account.id, looked.build.id).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&file);
    let steps: Vec<PlannedStep> = looked.plan.as_ref().map(planned).unwrap_or_default();
    let line = |(index, text): (usize, &str)| FileLine {
        number: index + 1,
        text: text.chars().take(1000).collect(),
        is_step: steps.iter().any(|step| step.line as usize == index + 1),
    };
    let lines: Vec<FileLine> = text.lines().take(LONGEST).enumerate().map(line).collect();
    let page = PipelineFilePage {
        page: head.page.clone(),
        diagnostics: diagnostics::of(&app, &member, &looked.build).await?,
        is_cut: text.lines().nth(LONGEST).is_some(),
        head,
        steps,
        lines,
    };
    Ok(Html(page).into_response())
}

fn planned(plan: &Plan) -> Vec<PlannedStep> {
    let step = |(index, step): (usize, &StepPlan)| PlannedStep {
        number: index + 1,
        name: step.name.clone(),
        line: step.line,
        notes: notes(step),
        script: script(&step.script),
        after_script: script(&step.after_script),
    };
    plan.steps().enumerate().map(step).collect()
}

fn script(items: &[ScriptItem]) -> String {
    let item = |item: &ScriptItem| match item {
        ScriptItem::Command(command) => command.clone(),
        ScriptItem::Pipe(pipe) => format!("pipe: {}", pipe.pipe),
    };
    items.iter().map(item).collect::<Vec<_>>().join("\n")
}

fn notes(step: &StepPlan) -> Vec<String> {
    let mut notes = Vec::new();
    if step.manual {
        notes.push("started by a person".to_owned());
    }
    if let Some(deployment) = &step.deployment {
        notes.push(format!("deploys to {deployment}"));
    }
    if let Some(image) = &step.image {
        notes.push(format!("image {}", image.name));
    }
    notes.push(format!("at most {} min", step.max_time_minutes));
    match (step.clone.enabled, step.clone.depth) {
        (false, _) => notes.push("no clone".to_owned()),
        (true, CloneDepth::Full) => notes.push("whole history".to_owned()),
        (true, CloneDepth::Commits(_)) => {}
    }
    match step.on_failure {
        FailureStrategy::Fail => {}
        FailureStrategy::Ignore => notes.push("a failure is ignored".to_owned()),
        FailureStrategy::Retry { times } => notes.push(format!("tried {times} more times")),
    }
    if step.condition.is_some() {
        notes.push("only on its condition".to_owned());
    }
    if !step.runs_on.is_empty() {
        notes.push(format!("runs on {}", step.runs_on.join(", ")));
    }
    notes.extend(step.caches.iter().map(|cache| format!("cache {}", cache.name)));
    notes.extend(step.services.iter().map(|service| format!("service {}", service.name)));
    notes
}
