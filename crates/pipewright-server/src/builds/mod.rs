//! Builds: planned, started by hand, stopped, run again, gone on with.

pub(crate) mod address;
mod choices;
pub(crate) mod given;
mod known_file;
mod plan;
mod rerun;
mod resume;
mod start_manual;
mod stop;
mod waiting;

pub(crate) use choices::{Choices, CustomChoice};
pub(crate) use known_file::{KnownFile, known_file};
pub(crate) use plan::{FILE_NAME, PlanLane, trigger_of};
pub(crate) use rerun::{RerunError, WhatToRerun, rerun};
pub(crate) use resume::{ResumeError, resume};
pub(crate) use start_manual::{ManualBuild, StartError, ready_manual, tip_of};
pub(crate) use stop::{StopError, stop};
pub(crate) use waiting::{held_back, why_it_waits};

/// A fragment, of an error for one, as a sentence of its own. One that begins with a name in backticks keeps it as it is.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first: String = characters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}
