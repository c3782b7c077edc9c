//! **Run now**: what a schedule builds, built at once because a person asks for it. Its next time stays as it is.

use pipewright_core::ids::BuildId;
use pipewright_store::schedules::{self, Schedule};

use crate::app::App;
use crate::builds::{ManualBuild, StartError, start_manual};

/// Starts the build. Answers it and its number.
pub(crate) async fn run_now(app: &App, schedule: &Schedule, who: &str) -> Result<(BuildId, i64), StartError> {
    let spec = &schedule.spec;
    let wish = ManualBuild {
        application: schedule.application,
        ref_name: spec.ref_name.clone(),
        custom: spec.custom.clone(),
        variables: spec.variables.clone(),
    };
    let (build, number) = start_manual(app, schedule.account, wish, who).await?;
    let mut tx = app.db.begin().await?;
    schedules::set_last_build(&mut tx, schedule.account, schedule.id, build).await?;
    tx.commit().await?;
    Ok((build, number))
}
