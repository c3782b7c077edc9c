//! Builds: planned, started by hand, stopped, run again, gone on with.

mod choices;
pub(crate) mod given;
mod history;
mod known_file;
mod plan;
mod rerun;
mod resume;
mod start_manual;
mod stop;
mod waiting;
pub(crate) mod work;

pub(crate) use choices::{Choices, CustomChoice};
pub(crate) use known_file::{KnownFile, known_file};
pub(crate) use plan::{FILE_NAME, PlanLane, trigger_of};
pub(crate) use rerun::{WhatToRerun, rerun};
pub(crate) use resume::resume;
pub(crate) use start_manual::{ManualBuild, ManualBuildError, ready_manual, start_manual, tip_of};
pub(crate) use stop::stop;
pub(crate) use waiting::{held_back, why_it_waits};
