//! Why a build that has not begun still waits, in a sentence.

use pipewright_core::build::BuildState;
use pipewright_store::StoreError;
use pipewright_store::builds::{Build, waiting_before};

use crate::app::App;

/// The sentence; none for a build that waits for nothing.
pub(crate) async fn why_it_waits(app: &App, build: &Build) -> Result<Option<String>, StoreError> {
    Ok(match build.state {
        BuildState::Queued => Some(match (&build.state_message, build.retry_at) {
            (Some(message), Some(_)) => format!("Its pipeline file could not be read yet; trying again. {message}"),
            _ => "Its pipeline file is being read.".to_owned(),
        }),
        BuildState::Running if build.started_at.is_none() => {
            let (before, older) = waiting_before(&app.db, build).await?;
            Some(match (older, before) {
                (Some(number), _) => format!("Waits for #{number}, an older build of {}, to begin.", build.ref_name.short()),
                (None, 0) => "Next in the queue: waits for a runner.".to_owned(),
                (None, 1) => "Waits for a runner; 1 step of older builds is before it.".to_owned(),
                (None, count) => format!("Waits for a runner; {count} steps of older builds are before it."),
            })
        }
        BuildState::Paused => Some("Waits for a person to start its next step.".to_owned()),
        _ => None,
    })
}
