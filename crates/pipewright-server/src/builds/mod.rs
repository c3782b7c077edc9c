//! Builds: planned, started by hand, stopped, run again, gone on with.

pub(crate) mod address;
mod plan;
mod rerun;
mod resume;
mod start_manual;
mod stop;
mod waiting;

pub(crate) use plan::PlanLane;
pub(crate) use rerun::{RerunError, WhatToRerun, rerun};
pub(crate) use resume::{ResumeError, resume};
pub(crate) use start_manual::{ManualBuild, StartError, start_manual};
pub(crate) use stop::{StopError, stop};
pub(crate) use waiting::why_it_waits;
