//! Builds: lists, one build with its log, its record, its pipeline file, and the buttons.

mod acts;
mod again;
mod artifacts;
mod case_history;
mod cases;
mod diagnostics;
mod flow;
mod head;
mod list;
mod log_part;
mod path;
mod pipeline_file;
mod planned;
mod pushed;
mod selection;
mod show;
mod shown_tests;
mod step_words;
mod tabs;
mod tested;
mod timeline;

use axum::Router;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(list::routes())
        .merge(show::routes())
        .merge(artifacts::routes())
        .merge(tested::routes())
        .merge(case_history::routes())
        .merge(timeline::routes())
        .merge(pipeline_file::routes())
        .merge(acts::routes())
}

pub(super) use {
    diagnostics::{Piece, pieces},
    flow::step_reasons,
    head::{title, trigger},
    selection::{Chosen, of as chosen},
};

#[cfg(test)]
pub(super) use {
    again::Again,
    artifacts::{ArtifactsPage, ShownArtifact},
    case_history::{CaseHistoryPage, ShownResult},
    cases::CaseBars,
    diagnostics::{ShownDiagnostic, SourceLine},
    flow::{Column, FlowStep},
    head::{Head, Tab},
    list::{BuildsPage, Narrowed, RowOfBuild, StateChip},
    log_part::{Choice, LogPart},
    pipeline_file::{FileLine, PipelineFilePage, ShownImport},
    planned::{Fact, PlannedGroup, PlannedStep},
    pushed::Pushed,
    show::BuildPage,
    shown_tests::{CaseList, Chip, Narrowed as NarrowedTests, ShownCase, SlowCase, Stat},
    tested::{StepRow, TestsPage},
    timeline::{Recorded, ShownAttempt, ShownStatus, TimelinePage, TrailLine},
};
