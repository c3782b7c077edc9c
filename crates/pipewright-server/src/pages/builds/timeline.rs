//! A build's record: why it was made, every attempt with its parts, and what Bitbucket was told.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_store::attempts::{Attempt, AttemptState};
use pipewright_store::decisions::{self, Decision};
use pipewright_store::statuses::{self, StatusLine, StatusState};
use std::time::Duration;

use super::head::{Head, Looked, Tab, took};
use super::selection::{self, Chosen};
use super::tabs::{self, Asked};
use crate::app::App;
use crate::ground::why_page;
use crate::web::states::Pill;
use crate::web::{BuildOf, Html, Page, PageError, format};

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/{account}/applications/{application}/builds/{number}/timeline",
        get(show),
    )
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "builds/timeline.html")]
pub(in crate::pages) struct TimelinePage {
    pub(in crate::pages) page: Page,
    pub(in crate::pages) head: Head,
    pub(in crate::pages) facts: Vec<Recorded>,
    pub(in crate::pages) trail: Vec<TrailLine>,
    /// Which pipeline of the file was chosen, and why.
    pub(in crate::pages) chosen: Option<Chosen>,
    /// The page with the whole story of its commit.
    pub(in crate::pages) why: String,
    pub(in crate::pages) attempts: Vec<ShownAttempt>,
    pub(in crate::pages) statuses: Vec<ShownStatus>,
}

/// One decision about this build.
#[derive(Debug, Clone)]
pub(in crate::pages) struct TrailLine {
    pub(in crate::pages) at: Timestamp,
    pub(in crate::pages) delivery: String,
    pub(in crate::pages) word: String,
    pub(in crate::pages) sentence: String,
    pub(in crate::pages) reason: String,
}

/// One attempt.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownAttempt {
    pub(in crate::pages) step: usize,
    pub(in crate::pages) step_name: String,
    pub(in crate::pages) number: i64,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) runner: String,
    pub(in crate::pages) waited: String,
    pub(in crate::pages) took: String,
    /// `fetch 40 ms · checkout 12 ms · script 14 s`.
    pub(in crate::pages) parts: String,
    pub(in crate::pages) message: Option<String>,
}

/// One status for Bitbucket.
#[derive(Debug, Clone)]
pub(in crate::pages) struct ShownStatus {
    pub(in crate::pages) state: &'static str,
    pub(in crate::pages) at: Timestamp,
    pub(in crate::pages) pill: Pill,
    pub(in crate::pages) what: String,
}

async fn show(
    State(app): State<App>,
    BuildOf { member, build }: BuildOf,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (looked, head) = tabs::open(&app, &member, build, Tab::Timeline).await?;
    if asked.is_for_head() {
        return Ok(Html(head).into_response());
    }
    let id = looked.build.id;
    let trail = decisions::of_build(&app.db, member.account.id, id).await?;
    let statuses = statuses::of_build(&app.db, id).await?;
    let file = pipewright_store::builds::pipeline_file(&app.db, member.account.id, id)
        .await?
        .unwrap_or_default();
    let page = TimelinePage {
        page: head.page.clone(),
        facts: facts(&looked, member.now()),
        trail: trail.into_iter().map(trail_line).collect(),
        chosen: selection::of(&looked.build, &file),
        why: head.page.own(&why_page(
            &looked.build.application_slug,
            looked.build.commit.as_str(),
        )),
        attempts: looked
            .attempts
            .iter()
            .map(|attempt| shown_attempt(attempt, &looked, member.now()))
            .collect(),
        statuses: statuses
            .into_iter()
            .map(|status| shown_status(status, member.now()))
            .collect(),
        head,
    };
    Ok(Html(page).into_response())
}

/// One line of the record.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Recorded {
    pub(in crate::pages) name: &'static str,
    /// When that was, where it is a moment.
    pub(in crate::pages) at: Option<Timestamp>,
    /// What it is, or what else is to be said of the moment.
    pub(in crate::pages) text: String,
}

impl TimelinePage {
    /// What stands in place of the decisions of a build that no delivery led to.
    pub(in crate::pages) fn without_trail(&self) -> String {
        match self.facts.iter().find(|fact| fact.name == "Started by") {
            Some(fact) => format!("{} started it; no delivery led to it.", fact.text),
            None if self.facts.iter().any(|fact| fact.name == "Schedule") => {
                "A schedule was due; no delivery led to it.".to_owned()
            }
            None => "No delivery led to it.".to_owned(),
        }
    }
}

fn facts(looked: &Looked, now: Timestamp) -> Vec<Recorded> {
    let build = &looked.build;
    let mut facts = Vec::new();
    let mut add = |name, at: Option<Timestamp>, text: Option<String>| {
        if at.is_some() || text.is_some() {
            let text = text.unwrap_or_default();
            facts.push(Recorded { name, at, text });
        }
    };
    add("Commit", None, Some(build.commit.as_str().to_owned()));
    let author = build
        .commit_author
        .clone()
        .map(|author| match &build.commit_email {
            Some(email) => format!("{author} <{email}>"),
            None => author,
        });
    add("Author", None, author);
    add("Committed", build.committed_at, None);
    let previous = build.previous.as_ref();
    add(
        "Before it",
        None,
        previous.map(|commit| commit.as_str().to_owned()),
    );
    add("Custom pipeline", None, build.detail.custom.clone());
    let rule = build.detail.rule.as_ref();
    add(
        "Rule",
        None,
        rule.map(|rule| {
            format!(
                "{} for {}, in the file of #{}",
                rule.condition, rule.event, rule.found_by
            )
        }),
    );
    for (name, value) in &build.detail.variables {
        add("Variable", None, Some(format!("{name} = {value}")));
    }
    if let Some(schedule) = &build.detail.schedule {
        let missed = match schedule.missed {
            0 => "was due".to_owned(),
            1 => "was due; one time before it was missed and is not built".to_owned(),
            count => {
                format!("was due; {count} times before it were missed and are not built")
            }
        };
        add("Schedule", Some(schedule.due_at), Some(missed));
    }
    add("Accepted", Some(build.accepted_at), None);
    let mut add_after = |name, at: Option<Timestamp>| {
        let waited = at.map(|at| format::duration(at.since(build.accepted_at)));
        add(name, at, waited.map(|waited| format!("(after {waited})")));
    };
    add_after("Decided", Some(build.created_at));
    add_after("Planned", build.planned_at);
    add_after("First command", build.started_at);
    add("Ended", build.finished_at, None);
    add("Took", None, took(&looked.attempts, now));
    add("Started by", None, build.started_by.clone());
    add("Stopped by", None, build.stopped_by.clone());
    facts
}

fn trail_line(decision: Decision) -> TrailLine {
    TrailLine {
        at: decision.decided_at,
        delivery: decision.delivery_id.to_string(),
        word: decision.outcome.as_str().replace('_', " "),
        sentence: decision.sentence,
        reason: decision.reason,
    }
}

fn shown_attempt(attempt: &Attempt, looked: &Looked, now: Timestamp) -> ShownAttempt {
    let position = looked
        .steps
        .iter()
        .position(|step| step.id == attempt.step_id)
        .unwrap_or(0);
    let (class, label) = match (attempt.state, attempt.outcome) {
        (AttemptState::Queued, _) => ("wait", "Queued"),
        (AttemptState::Running, _) => ("run", "Running"),
        (_, Some(AttemptOutcome::Passed)) => ("ok", "Passed"),
        (_, Some(AttemptOutcome::Failed)) => ("bad", "Failed"),
        (_, Some(AttemptOutcome::TimedOut)) => ("bad", "Timed out"),
        (_, Some(AttemptOutcome::Stopped)) => ("off", "Stopped"),
        (_, Some(AttemptOutcome::Errored)) => ("bad", "Could not run"),
        (_, Some(AttemptOutcome::Lost)) => ("bad", "Runner lost"),
        (_, Some(AttemptOutcome::Interrupted)) => ("off", "Interrupted"),
        (AttemptState::Finished, None) => ("off", "Ended"),
    };
    let parts: Vec<String> = attempt
        .timings
        .iter()
        .map(|timing| {
            format!(
                "{} {}",
                timing.part,
                format::duration(Duration::from_micros(timing.micros))
            )
        })
        .collect();
    let begun = attempt.claimed_at.or(attempt.finished_at).unwrap_or(now);
    ShownAttempt {
        step: position + 1,
        step_name: looked
            .steps
            .get(position)
            .map(|step| step.name.clone())
            .unwrap_or_default(),
        number: attempt.number,
        pill: Pill { class, label },
        runner: attempt
            .runner_name
            .clone()
            .unwrap_or_else(|| "–".to_owned()),
        waited: format::duration(begun.since(attempt.queued_at)),
        took: attempt.claimed_at.map_or_else(
            || "–".to_owned(),
            |at| format::duration(attempt.finished_at.unwrap_or(now).since(at)),
        ),
        parts: parts.join(" · "),
        message: attempt.message.clone(),
    }
}

fn shown_status(status: StatusLine, now: Timestamp) -> ShownStatus {
    let state = match status.state {
        StatusState::InProgress => "in progress",
        StatusState::Successful => "successful",
        StatusState::Failed => "failed",
        StatusState::Stopped => "stopped",
    };
    let (class, label, what) = match (status.sent_at, status.given_up_at) {
        (Some(sent), _) => (
            "ok",
            "sent",
            format!(
                "accepted after {}",
                format::duration(sent.since(status.created_at))
            ),
        ),
        (None, Some(_)) => ("off", "not sent", status.error.unwrap_or_default()),
        (None, None) if status.tries > 0 => {
            let wait = format::duration(status.send_after.since(now));
            (
                "wait",
                "retrying",
                format!(
                    "{} Tried {}; the next try is in {wait}.",
                    status.error.unwrap_or_default(),
                    format::times(usize::try_from(status.tries).unwrap_or(0))
                ),
            )
        }
        (None, None) => ("wait", "to be sent", String::new()),
    };
    ShownStatus {
        state,
        at: status.created_at,
        pill: Pill { class, label },
        what,
    }
}
