//! The story of one build in sentences: which pipeline of the file was chosen and why, what was skipped, why it waits.

use pipewright_core::build::{BuildState, StepOutcome, StepState};
use pipewright_store::builds::{self, Build};
use pipewright_store::{attempts, steps};

use super::super::builds::{Chosen, Piece, chosen, pieces, step_reasons, title};
use crate::app::App;
use crate::builds::why_it_waits;
use crate::ground::sentence;
use crate::web::states::{self, Pill};
use crate::web::{MemberOf, PageError, format};

/// How many pipelines that were not chosen, and steps that did not run, are named.
const NAMED: usize = 4;

/// A build.
#[derive(Debug, Clone)]
pub(in crate::pages) struct BuildStory {
    /// Below the account.
    pub(in crate::pages) path: String,
    pub(in crate::pages) number: i64,
    pub(in crate::pages) title: String,
    pub(in crate::pages) pill: Pill,
    /// Sentences, cut at what is code in them.
    pub(in crate::pages) lines: Vec<Vec<Piece>>,
}

/// Tells a build.
pub(super) async fn tell(
    app: &App,
    member: &MemberOf,
    build: &Build,
) -> Result<BuildStory, PageError> {
    let mut lines = Vec::new();
    let file = builds::pipeline_file(&app.db, member.account.id, build.id)
        .await?
        .unwrap_or_default();
    if let Some(chosen) = chosen(build, &file) {
        lines.extend(choice(&chosen));
    }
    if build.state != BuildState::Paused {
        // The steps that wait for a person are named below.
        lines.extend(why_it_waits(app, build).await?);
    }
    lines.extend(
        build
            .state_message
            .clone()
            .filter(|_| build.state.is_finished())
            .filter(|message| !lines.contains(message)),
    );
    lines.extend(held_back(app, member, build).await?);
    Ok(BuildStory {
        path: format!(
            "/applications/{}/builds/{}",
            build.application_slug, build.number
        ),
        number: build.number,
        title: title(build),
        pill: states::of_build_that(build.seen(), build.state_message.as_deref()),
        lines: lines.iter().map(|line| pieces(line)).collect(),
    })
}

/// What was chosen of the file, and what was near.
fn choice(chosen: &Chosen) -> Vec<String> {
    let mut lines = match &chosen.pipeline {
        Some(pipeline) => vec![format!(
            "It runs `{pipeline}` of the file (line {}): {}.",
            chosen.line, chosen.because
        )],
        None => vec![format!("Nothing of the file runs: {}.", chosen.because)],
    };
    // That tags do not run for a branch is plain; what is of the same kind and lost is worth a word.
    let near = chosen
        .others
        .iter()
        .filter(|other| !other.why_not.starts_with("runs "));
    lines.extend(near.take(NAMED).map(|other| {
        format!(
            "Not `{}` (line {}): it {}.",
            other.pipeline,
            other.line,
            other_words(&other.why_not)
        )
    }));
    lines
}

fn other_words(why_not: &str) -> String {
    if why_not.starts_with("a pattern") {
        format!("runs where no pattern does, and {why_not}")
    } else {
        why_not.to_owned()
    }
}

/// Steps that did not run, or wait for a person, each with its reason.
async fn held_back(app: &App, member: &MemberOf, build: &Build) -> Result<Vec<String>, PageError> {
    let Some(plan) = builds::plan_of(&app.db, member.account.id, build.id).await? else {
        return Ok(Vec::new());
    };
    let steps = steps::list(&app.db, build.id).await?;
    let attempts = attempts::of_build(&app.db, build.id).await?;
    let is_held = |state| {
        matches!(
            state,
            StepState::Manual | StepState::Finished(StepOutcome::Skipped | StepOutcome::NotRun)
        )
    };
    let reasons = step_reasons(&plan, &steps, &attempts, member.now());
    let held: Vec<String> = steps
        .iter()
        .zip(reasons)
        .filter(|(step, _)| is_held(step.state))
        .map(|(step, reason)| match (step.state, reason) {
            (StepState::Manual, _) => format!("{} waits until a person starts it.", step.name),
            (StepState::Finished(StepOutcome::Skipped), Some(reason)) => {
                format!("{} was skipped. {reason}", step.name)
            }
            (_, reason) => format!("{} was not run. {}", step.name, reason.unwrap_or_default()),
        })
        .collect();
    let more = held.len().saturating_sub(NAMED);
    let mut lines: Vec<String> = held.into_iter().take(NAMED).collect();
    if more > 0 {
        lines.push(sentence(&format!(
            "{} did not run",
            format::count(more, "more step")
        )));
    }
    Ok(lines)
}
