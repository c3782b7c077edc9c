//! Making, changing, switching and deleting schedules, each with its line of history in the same transaction.

use pipewright_core::ids::ScheduleId;
use pipewright_core::{Right, Timestamp};
use pipewright_store::applications::Application;
use pipewright_store::schedules::{self, NewSchedule, Schedule, Spec};
use pipewright_store::{StoreError, Tx};
use serde_json::json;

use super::cron::Timing;
use crate::app::App;
use crate::ground::{Actor, Denied, Failure, Kind};

/// The most schedules of one application.
pub(crate) const MOST_SCHEDULES: i64 = 50;

/// A schedule was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It no longer exists.
    #[error("this schedule no longer exists")]
    NotFound,
    /// When it fires cannot be read: a whole sentence.
    #[error("{0}")]
    Timing(String),
    /// No time is left.
    #[error("this expression never comes true; check its day, month and year")]
    Never,
    /// There are too many.
    #[error("an application has at most {MOST_SCHEDULES} schedules; delete one first")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for SaveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) => Kind::Denied,
            Self::NotFound => Kind::NotFound,
            Self::Timing(_) | Self::Never => Kind::Unusable,
            Self::TooMany => Kind::Conflict,
            Self::Store(_) => Kind::Internal,
        }
    }
}

/// Keeps what a person says of a schedule: of `old`, or of a new one.
pub(crate) async fn save(
    app: &App,
    actor: &Actor,
    application: &Application,
    old: Option<&Schedule>,
    mut spec: Spec,
) -> Result<(), SaveError> {
    actor.require(Right::Build)?;
    let now = app.clock.now();
    let timing = Timing::read(&spec.cron, &spec.time_zone).map_err(SaveError::Timing)?;
    spec.time_zone.clone_from(&timing.zone_name);
    let next = timing.after(now).ok_or(SaveError::Never)?;
    let next_at = Some(next).filter(|_| spec.is_on);
    let mut tx = app.db.begin().await?;
    if let Some(old) = old {
        if !schedules::change(&mut tx, actor.account, old.id, &spec, next_at, now).await? {
            return Err(SaveError::NotFound);
        }
        record(actor, &mut tx, "schedule.changed", application, &spec).await?;
    } else {
        if schedules::count(&mut tx, application.id).await? >= MOST_SCHEDULES {
            return Err(SaveError::TooMany);
        }
        let new = NewSchedule {
            id: ScheduleId::new(),
            account: actor.account,
            application: application.id,
            spec: spec.clone(),
            next_at,
            created_by: actor.name.clone(),
            now,
        };
        schedules::insert(&mut tx, &new).await?;
        record(actor, &mut tx, "schedule.created", application, &spec).await?;
    }
    Ok(tx.commit().await?)
}

/// Switches a schedule on or off. On, it fires from its next time on; what was due while it was off is not built.
pub(crate) async fn switch(
    app: &App,
    actor: &Actor,
    application: &Application,
    schedule: &Schedule,
    is_on: bool,
) -> Result<(), SaveError> {
    actor.require(Right::Build)?;
    let now = app.clock.now();
    let next_at: Option<Timestamp> = if is_on {
        let timing = Timing::read(&schedule.spec.cron, &schedule.spec.time_zone)
            .map_err(SaveError::Timing)?;
        Some(timing.after(now).ok_or(SaveError::Never)?)
    } else {
        None
    };
    let mut tx = app.db.begin().await?;
    if !schedules::switch(&mut tx, actor.account, schedule.id, is_on, next_at, now).await? {
        return Err(SaveError::NotFound);
    }
    let action = if is_on {
        "schedule.switched_on"
    } else {
        "schedule.switched_off"
    };
    record(actor, &mut tx, action, application, &schedule.spec).await?;
    Ok(tx.commit().await?)
}

/// Deletes a schedule; its builds stay.
pub(crate) async fn delete(
    app: &App,
    actor: &Actor,
    application: &Application,
    schedule: &Schedule,
) -> Result<(), SaveError> {
    actor.require(Right::Build)?;
    let mut tx = app.db.begin().await?;
    if !schedules::delete(&mut tx, actor.account, schedule.id).await? {
        return Err(SaveError::NotFound);
    }
    record(
        actor,
        &mut tx,
        "schedule.deleted",
        application,
        &schedule.spec,
    )
    .await?;
    Ok(tx.commit().await?)
}

async fn record(
    actor: &Actor,
    tx: &mut Tx,
    action: &str,
    application: &Application,
    spec: &Spec,
) -> Result<(), StoreError> {
    let detail = json!({
        "branch": spec.ref_name.short(),
        "pipeline": spec.custom.as_deref().unwrap_or("what a push runs"),
        "cron": spec.cron,
        "time_zone": spec.time_zone,
    });
    actor.record(tx, action, &application.name, detail).await
}
