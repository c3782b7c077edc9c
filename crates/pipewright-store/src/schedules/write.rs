//! Making, changing and deleting schedules.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, BuildId, ScheduleId};
use sqlx::types::Json;

use super::row::{NewSchedule, Spec};
use crate::db::Tx;
use crate::error::StoreError;

statements! {
    INSERT = same(
        "INSERT INTO schedules (id, account_id, application_id, ref_name, custom, variables, cron, time_zone, is_on, next_at, created_by, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
    );
    CHANGE = same(
        "UPDATE schedules SET ref_name = $3, custom = $4, variables = $5, cron = $6, time_zone = $7, is_on = $8, next_at = $9, message = NULL, changed_at = $10
         WHERE account_id = $1 AND id = $2"
    );
    SWITCH = same(
        "UPDATE schedules SET is_on = $3, next_at = $4, message = NULL, changed_at = $5 WHERE account_id = $1 AND id = $2"
    );
    // What waited for its build is not built any more.
    FORGET = same("DELETE FROM firings WHERE schedule_id = $1");
    DELETE = same("DELETE FROM schedules WHERE account_id = $1 AND id = $2");
    LAST_BUILD = same("UPDATE schedules SET last_build_id = $3, message = NULL WHERE account_id = $1 AND id = $2");
}

/// Makes a schedule.
pub async fn insert(tx: &mut Tx, new: &NewSchedule) -> Result<(), StoreError> {
    let spec = &new.spec;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.account.as_uuid())
        .bind(new.application.as_uuid())
        .bind(spec.ref_name.full())
        .bind(spec.custom.as_deref())
        .bind(Json(&spec.variables))
        .bind(spec.cron.as_str())
        .bind(spec.time_zone.as_str())
        .bind(spec.is_on)
        .bind(new.next_at.map(Timestamp::as_micros))
        .bind(new.created_by.as_str())
        .bind(new.now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Changes what a schedule of the account does. False where there is none.
pub async fn change(
    tx: &mut Tx,
    account: AccountId,
    id: ScheduleId,
    spec: &Spec,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, CHANGE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .bind(spec.ref_name.full())
        .bind(spec.custom.as_deref())
        .bind(Json(&spec.variables))
        .bind(spec.cron.as_str())
        .bind(spec.time_zone.as_str())
        .bind(spec.is_on)
        .bind(next_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 && !spec.is_on {
        forget(tx, id).await?;
    }
    Ok(rows == 1)
}

/// Switches a schedule of the account on, with its next time, or off. False where there is none.
pub async fn switch(
    tx: &mut Tx,
    account: AccountId,
    id: ScheduleId,
    is_on: bool,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rows = within!(tx, SWITCH, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .bind(is_on)
        .bind(next_at.map(Timestamp::as_micros))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 && !is_on {
        forget(tx, id).await?;
    }
    Ok(rows == 1)
}

async fn forget(tx: &mut Tx, id: ScheduleId) -> Result<(), StoreError> {
    within!(tx, FORGET, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Deletes a schedule of the account; its builds stay. False where there is none.
pub async fn delete(tx: &mut Tx, account: AccountId, id: ScheduleId) -> Result<bool, StoreError> {
    let rows = within!(tx, DELETE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Notes a build that was made for a schedule of the account.
pub async fn set_last_build(
    tx: &mut Tx,
    account: AccountId,
    id: ScheduleId,
    build: BuildId,
) -> Result<(), StoreError> {
    within!(tx, LAST_BUILD, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .bind(build.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
