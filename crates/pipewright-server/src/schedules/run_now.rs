//! **Run now**: what a schedule builds, built at once because a person asks for it. Its next time stays as it is.

use pipewright_store::applications::Application;
use pipewright_store::schedules::{self, Schedule};
use serde_json::json;

use crate::app::App;
use crate::builds::{ManualBuild, ManualBuildError, ready_manual};
use crate::ground::Actor;

/// Starts the build, with its line of history and the schedule's note of it in the same transaction. Answers its number.
pub(crate) async fn run_now(
    app: &App,
    actor: &Actor,
    application: &Application,
    schedule: &Schedule,
) -> Result<i64, ManualBuildError> {
    let spec = &schedule.spec;
    let wish = ManualBuild {
        application: schedule.application,
        ref_name: spec.ref_name.clone(),
        custom: spec.custom.clone(),
        variables: spec.variables.clone(),
    };
    let ready = ready_manual(app, actor, wish).await?;
    let mut tx = app.db.begin().await?;
    let (build, number) = ready.create(&mut tx).await?;
    schedules::set_last_build(&mut tx, schedule.account, schedule.id, build).await?;
    let detail = json!({ "branch": spec.ref_name.short(), "schedule": spec.cron });
    actor
        .record(
            &mut tx,
            "build.started",
            &format!("{} #{number}", application.name),
            detail,
        )
        .await?;
    tx.commit().await?;
    ready.announce(app);
    Ok(number)
}
