//! The upper part of every page of a build: what it is of, where it stands, the pipeline drawn. It draws itself anew
//! while the build goes on.

use askama::Template;
use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepState};
use pipewright_core::{Plan, Right, Timestamp, TriggerKind};
use pipewright_store::attempts::{self, Attempt};
use pipewright_store::builds::{self, Build};
use pipewright_store::steps::{self, Step};
use pipewright_store::{artifacts, test_reports};

use super::again::{self, Again};
use super::flow::{self, Column, Drawing};
use super::path;
use crate::app::App;
use crate::builds::work::covered;
use crate::builds::{held_back, why_it_waits};
use crate::web::states::{self, Pill};
use crate::web::{MemberOf, Page, PageError, format};

/// How the message of an attempt begins that passed without something its step asks for.
const PASSED_WITHOUT: &str = "Passed, without ";

/// As many steps are drawn on a phone without scrolling inside the drawing.
const FIT: usize = 12;

/// Which page of the build is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Tab {
    Log,
    Tests,
    Artifacts,
    Timeline,
    PipelineFile,
}

/// The upper part.
#[derive(Debug, Clone, Template)]
#[template(path = "builds/head.html")]
pub(in crate::pages) struct Head {
    pub(in crate::pages) page: Page,
    /// The build's address, with the sub-path.
    pub(in crate::pages) path: String,
    pub(in crate::pages) application: String,
    pub(in crate::pages) application_path: String,
    pub(in crate::pages) number: i64,
    pub(in crate::pages) title: String,
    pub(in crate::pages) pill: Pill,
    /// How long it ran so far.
    pub(in crate::pages) took: Option<String>,
    pub(in crate::pages) is_tag: bool,
    pub(in crate::pages) ref_name: String,
    pub(in crate::pages) commit: String,
    pub(in crate::pages) commit_url: String,
    pub(in crate::pages) author: Option<String>,
    /// What is merged into the commit: the destination's name and commit.
    pub(in crate::pages) merged: Option<(String, String)>,
    /// `pushed`, `tagged`, `asked for by Mara`, …
    pub(in crate::pages) trigger: String,
    pub(in crate::pages) accepted_at: Timestamp,
    /// `started 180 ms after the push`.
    pub(in crate::pages) start: Option<String>,
    pub(in crate::pages) pipeline: Option<String>,
    pub(in crate::pages) rerun_of: Option<i64>,
    /// Why it waits, stopped or could not run.
    pub(in crate::pages) sentence: Option<String>,
    /// What the executor does without, which the result is to be read with.
    pub(in crate::pages) qualification: Option<String>,
    pub(in crate::pages) columns: Vec<Column>,
    pub(in crate::pages) tab: Tab,
    /// `413 of 418`: how many tests passed; none where no step left a report.
    pub(in crate::pages) tests: Option<String>,
    /// How many artifacts there are.
    pub(in crate::pages) artifacts: i64,
    pub(in crate::pages) may_stop: bool,
    /// Steps that the visitor may start now: number from 1, and name.
    pub(in crate::pages) to_run: Vec<(usize, String)>,
    /// What the visitor may run again.
    pub(in crate::pages) again: Again,
    /// Where this part draws itself anew from.
    pub(in crate::pages) live: Option<String>,
    /// How often, in milliseconds.
    pub(in crate::pages) every: u16,
}

/// A build with its steps and plan, and the step that is looked at.
pub(super) struct Looked {
    pub(super) build: Build,
    pub(super) plan: Option<Plan>,
    pub(super) steps: Vec<Step>,
    /// Of all steps, oldest first.
    pub(super) attempts: Vec<Attempt>,
    /// From 1.
    pub(super) current: usize,
    /// Whether the visitor chose the step, rather than we.
    pub(super) was_chosen: bool,
}

impl Looked {
    /// Reads what the pages of a build show.
    pub(super) async fn read(
        app: &App,
        member: &MemberOf,
        build: Build,
        step: Option<usize>,
    ) -> Result<Self, PageError> {
        let plan = builds::plan_of(&app.db, member.account.id, build.id).await?;
        let steps = steps::list(&app.db, build.id).await?;
        let attempts = attempts::of_build(&app.db, build.id).await?;
        let current = step.filter(|step| (1..=steps.len()).contains(step));
        Ok(Self {
            was_chosen: current.is_some(),
            current: current.unwrap_or_else(|| flow::first_look(&steps)),
            build,
            plan,
            steps,
            attempts,
        })
    }

    /// The step that is looked at.
    pub(super) fn step(&self) -> Option<&Step> {
        self.steps.get(self.current - 1)
    }
}

impl Head {
    /// The upper part of the page, and the title of the document.
    pub(super) async fn of(
        app: &App,
        member: &MemberOf,
        looked: &Looked,
        tab: Tab,
    ) -> Result<Self, PageError> {
        let Looked {
            build,
            plan,
            steps,
            attempts,
            current,
            was_chosen,
        } = looked;
        let now = member.now();
        let page = member
            .page(format!("#{} {}", build.number, build.application_name))
            .nav(crate::web::Nav::Builds)
            .stands(states::of_build(build.seen()));
        let path = page.link(&path::of(member, build));
        let may_build = member.may(Right::Build);
        let is_finished = build.state.is_finished();
        let shown_step = if tab == Tab::Log { *current } else { 0 };
        let may_rerun = if may_build {
            again::from_each(build.state, plan.as_ref(), steps)
        } else {
            Vec::new()
        };
        let held_back = held_back(app, build).await?;
        let drawn = plan.as_ref().map(|plan| {
            let (held_back, may_rerun) = (held_back.as_slice(), may_rerun.as_slice());
            flow::columns(&Drawing {
                plan,
                steps,
                attempts,
                held_back,
                current: shown_step,
                may_run: may_build,
                may_rerun,
                now,
            })
        });
        let columns = drawn.unwrap_or_default();
        let manual: Vec<&str> = steps
            .iter()
            .filter(|step| step.state == StepState::Manual)
            .map(|step| step.name.as_str())
            .collect();
        Ok(Self {
            application: build.application_name.clone(),
            application_path: page.own(&format!("/applications/{}", build.application_slug)),
            number: build.number,
            title: title(build),
            pill: states::of_build_that(build.seen(), build.state_message.as_deref()),
            took: took(attempts, now),
            is_tag: !build.ref_name.is_branch(),
            ref_name: build.ref_name.short().to_owned(),
            commit: build.commit.short().to_owned(),
            commit_url: format!(
                "{}/commits/{}",
                build.web_url.trim_end_matches("/browse"),
                build.commit.as_str()
            ),
            author: build.commit_author.clone(),
            merged: build.detail.pull_request.as_ref().and_then(|request| {
                let merged = request.merged.as_ref()?;
                Some((request.destination.clone(), merged.short().to_owned()))
            }),
            trigger: trigger(build),
            accepted_at: build.accepted_at,
            start: start(looked),
            pipeline: build.pipeline.clone(),
            rerun_of: build.detail.rerun_of,
            sentence: sentence(app, build, &manual, plan.as_ref()).await?,
            qualification: plan.as_ref().and_then(Plan::qualification),
            to_run: columns
                .iter()
                .flat_map(|column| &column.steps)
                .filter(|step| step.may_run)
                .map(|step| (step.number, step.name.clone()))
                .collect(),
            columns,
            tab,
            tests: test_reports::summaries(&app.db, &[build.id])
                .await?
                .get(&build.id)
                .map(|totals| format!("{} of {}", totals.passed, totals.all())),
            artifacts: artifacts::count(&app.db, build.id).await?,
            may_stop: may_build && !is_finished && build.state != BuildState::Stopping,
            again: if may_build {
                again::again(build.state, plan.as_ref(), steps, shown_step)
            } else {
                Again::default()
            },
            // What runs is counted in seconds; what waits may begin at any moment.
            every: if build.started_at.is_some() {
                1000
            } else {
                400
            },
            live: (!is_finished).then(|| {
                let step = if *was_chosen {
                    format!("&step={current}")
                } else {
                    String::new()
                };
                format!("{path}{}?part=head{step}", tab.path())
            }),
            page,
            path,
        })
    }

    pub(in crate::pages) fn is_tab(&self, word: &str) -> bool {
        self.tab.word() == word
    }

    /// True where the drawing has more steps than fit a phone's screen.
    pub(in crate::pages) fn is_long(&self) -> bool {
        self.columns
            .iter()
            .map(|column| column.steps.len())
            .sum::<usize>()
            > FIT
    }

    /// What people who do not see the drawing are told of it.
    pub(in crate::pages) fn flow_label(&self) -> String {
        let steps = self.columns.iter().map(|column| column.steps.len()).sum();
        format!(
            "Pipeline: {} in {}",
            format::count(steps, "step"),
            format::count(self.columns.len(), "group")
        )
    }
}

impl Tab {
    const fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Tests => "tests",
            Self::Artifacts => "artifacts",
            Self::Timeline => "timeline",
            Self::PipelineFile => "pipeline-file",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Log => "",
            Self::Tests => "/tests",
            Self::Artifacts => "/artifacts",
            Self::Timeline => "/timeline",
            Self::PipelineFile => "/pipeline-file",
        }
    }
}

/// The first line of the commit's message, or the next best.
pub(in crate::pages) fn title(build: &Build) -> String {
    if let Some(pull_request) = &build.detail.pull_request {
        return format!("#{} {}", pull_request.id, pull_request.title);
    }
    let line = build
        .commit_message
        .as_deref()
        .and_then(|message| message.lines().find(|line| !line.trim().is_empty()));
    line.map_or_else(
        || format!("Build of {}", build.commit.short()),
        |line| line.trim().chars().take(200).collect(),
    )
}

/// How long its attempts took so far, together; none where none began.
pub(super) fn took(attempts: &[Attempt], now: Timestamp) -> Option<String> {
    let spans: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| Some((attempt.claimed_at?, attempt.finished_at)))
        .collect();
    (!spans.is_empty()).then(|| format::duration(covered(&spans, now)))
}

/// True where the message of an attempt that passed says what the plan does already, in a note above the build.
pub(super) fn is_said(plan: Option<&Plan>, message: &str) -> bool {
    message.starts_with(PASSED_WITHOUT) && plan.and_then(Plan::qualification).is_some()
}

/// What started it, as people say it.
pub(in crate::pages) fn trigger(build: &Build) -> String {
    let by = build
        .started_by
        .as_deref()
        .map(|who| format!(" by {who}"))
        .unwrap_or_default();
    match build.trigger {
        TriggerKind::Push => "pushed".to_owned(),
        TriggerKind::Tag => "tagged".to_owned(),
        TriggerKind::PullRequest => match &build.detail.pull_request {
            Some(pull_request) => format!("pull request into {}", pull_request.destination),
            None => "pull request".to_owned(),
        },
        TriggerKind::Manual | TriggerKind::Schedule if build.detail.rerun_of.is_some() => {
            format!("rerun{by}")
        }
        TriggerKind::Manual => format!("started{by}"),
        TriggerKind::Schedule => "on schedule".to_owned(),
    }
}

/// How soon the first command ran, whatever was rerun since.
fn start(looked: &Looked) -> Option<String> {
    let build = &looked.build;
    let first = looked
        .attempts
        .iter()
        .find(|attempt| attempt.number == 1)?
        .started_at?;
    let waited = format::duration(first.since(build.accepted_at));
    let since = if build.trigger.is_unique_per_commit() {
        "after the push"
    } else {
        "after it was asked for"
    };
    Some(format!("started {waited} {since}"))
}

/// Why a build stands where it stands, where that is not plain.
async fn sentence(
    app: &App,
    build: &Build,
    manual: &[&str],
    plan: Option<&Plan>,
) -> Result<Option<String>, PageError> {
    match manual {
        [one] if build.state == BuildState::Paused => {
            return Ok(Some(format!("Waits for a person to start {one}.")));
        }
        [first, others @ ..] if build.state == BuildState::Paused => {
            return Ok(Some(format!(
                "Waits for a person to start {first}, or {} more that wait beside it.",
                others.len()
            )));
        }
        _ => {}
    }
    if let Some(why) = why_it_waits(app, build).await? {
        return Ok(Some(why));
    }
    let stopped = || {
        build
            .stopped_by
            .as_ref()
            .map(|who| format!("Stopped by {who}."))
    };
    Ok(match build.state {
        BuildState::Finished(BuildOutcome::Passed) => {
            let mut without: Vec<String> = attempts::of_build(&app.db, build.id)
                .await?
                .into_iter()
                .filter(|attempt| attempt.outcome == Some(AttemptOutcome::Passed))
                .filter_map(|attempt| attempt.message)
                .filter(|message| !is_said(plan, message))
                .collect();
            without.sort();
            without.dedup();
            (!without.is_empty()).then(|| without.join(" "))
        }
        BuildState::Finished(BuildOutcome::Stopped) => build.state_message.clone().or_else(stopped),
        _ => build.state_message.clone(),
    })
}
