//! Why a build, or its next step, still waits, in a sentence.

use pipewright_core::build::BuildState;
use pipewright_store::attempts::HeldBack;
use pipewright_store::builds::{Build, waiting_before};
use pipewright_store::{StoreError, attempts};

use crate::app::App;
use crate::live::Part;

/// What is said while the machine lacks something; of what, is for administrators.
const NO_ROOM: &str = "Waits for room: no step begins, because the server's machine is short of disk space, memory or open files. Its administrators see of what.";

/// The sentence; none for a build that waits for nothing.
pub(crate) async fn why_it_waits(app: &App, build: &Build) -> Result<Option<String>, StoreError> {
    if build.state == BuildState::Running
        && let Some(held_back) = attempts::held_back(&app.db, build.id).await?.first()
    {
        let who = holder(held_back);
        let step = &held_back.step;
        return Ok(Some(if build.started_at.is_none() {
            format!("Waits for {who}.")
        } else {
            format!("{step} waits for {who}.")
        }));
    }
    if build.state == BuildState::Running
        && let Some(trouble) = &*app.live().runner_trouble.borrow()
    {
        return Ok(Some(format!("Waits for a runner. {trouble}")));
    }
    if build.state == BuildState::Running && app.live().vitals.is_unwell(Part::Room) {
        return Ok(Some(NO_ROOM.to_owned()));
    }
    Ok(match build.state {
        BuildState::Queued => Some(match (&build.state_message, build.retry_at) {
            (Some(message), Some(_)) => {
                format!("Its pipeline file could not be read yet; trying again. {message}")
            }
            _ => "Its pipeline file is being read.".to_owned(),
        }),
        BuildState::Running if build.started_at.is_none() => {
            let (before, older) = waiting_before(&app.db, build).await?;
            Some(match (older, before) {
                (Some(number), _) => format!(
                    "Waits for #{number}, an older build of {}, to begin.",
                    build.ref_name.short()
                ),
                (None, 0) => "Next in the queue: waits for a runner.".to_owned(),
                (None, 1) => "Waits for a runner; 1 step of older builds is before it.".to_owned(),
                (None, count) => {
                    format!("Waits for a runner; {count} steps of older builds are before it.")
                }
            })
        }
        BuildState::Paused => Some("Waits for a person to start its next step.".to_owned()),
        _ => None,
    })
}

/// For each queued step of a build that waits because somebody has what it must have: its number from 0, and a sentence.
pub(crate) async fn held_back(
    app: &App,
    build: &Build,
) -> Result<Vec<(usize, String)>, StoreError> {
    if build.state != BuildState::Running {
        return Ok(Vec::new());
    }
    let held_back = attempts::held_back(&app.db, build.id).await?;
    Ok(held_back
        .iter()
        .map(|held_back| {
            (
                held_back.position,
                format!("Waits for {}.", holder(held_back)),
            )
        })
        .collect())
}

/// Who has what a queued step must have, and what that is.
fn holder(
    HeldBack {
        lock,
        holder,
        is_own,
        ..
    }: &HeldBack,
) -> String {
    if *is_own {
        format!("another step of this build, which {lock}")
    } else {
        format!("#{holder}, which {lock}")
    }
}
