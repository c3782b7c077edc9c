//! A build as the scheduler moves it: read with its row held, written back in the same transaction.

use pipewright_core::build::{BuildRun, BuildState, StepRun};
use pipewright_core::ids::{AccountId, ApplicationId, BuildId, IntegrationId, RepositoryId};
use pipewright_core::{CommitHash, Plan, RefName, Timestamp, TriggerKind};
use sqlx::types::Json;
use uuid::Uuid;

use super::TriggerDetail;
use crate::db::Tx;
use crate::error::StoreError;
use crate::steps;

statements! {
    // Split: PostgreSQL must hold the row against another server that moves the same build.
    LOAD = split(
        "SELECT b.state, b.plan, b.account_id, b.application_id, b.number, b.ref_name, b.commit_hash, b.trigger_kind, b.trigger_detail, b.accepted_at, b.created_at,
                b.planned_at, b.started_at, b.state_message, b.holds, a.name AS application_name, a.slug AS application_slug, c.slug AS account_slug,
                a.repository_id, r.integration_id
         FROM builds b JOIN applications a ON a.id = b.application_id JOIN repositories r ON r.id = a.repository_id JOIN accounts c ON c.id = b.account_id
         WHERE b.id = $1",
        "SELECT b.state, b.plan, b.account_id, b.application_id, b.number, b.ref_name, b.commit_hash, b.trigger_kind, b.trigger_detail, b.accepted_at, b.created_at,
                b.planned_at, b.started_at, b.state_message, b.holds, a.name AS application_name, a.slug AS application_slug, c.slug AS account_slug,
                a.repository_id, r.integration_id
         FROM builds b JOIN applications a ON a.id = b.application_id JOIN repositories r ON r.id = a.repository_id JOIN accounts c ON c.id = b.account_id
         WHERE b.id = $1 FOR NO KEY UPDATE OF b"
    );
    SET_STATE = same(
        "UPDATE builds SET state = $3, state_message = COALESCE($4, state_message), finished_at = $5 WHERE id = $1 AND state = $2"
    );
    BEGUN = same("UPDATE builds SET started_at = $2 WHERE id = $1 AND started_at IS NULL");
    REOPEN = same("UPDATE builds SET started_at = NULL, finished_at = NULL, stopped_by = NULL, state_message = NULL WHERE id = $1");
    STOPPER = same("UPDATE builds SET stopped_by = $2, state_message = $3 WHERE id = $1 AND stopped_by IS NULL");
    BEFORE = same(
        "SELECT id, trigger_detail FROM builds
         WHERE application_id = $1 AND ref_name = $2 AND number < $3 AND trigger_kind = $4 AND state IN ('queued', 'running', 'paused', 'stopping')
           AND state IN ('queued', 'running', 'paused')
         ORDER BY number"
    );
    OF_REF = same(
        "SELECT id FROM builds
         WHERE application_id = $1 AND ref_name = $2 AND state IN ('queued', 'running', 'paused', 'stopping')
           AND state IN ('queued', 'running', 'paused')
         ORDER BY number"
    );
}

/// A build with everything that moving it needs.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// Its states.
    pub run: BuildRun,
    /// Its plan, once it is planned.
    pub plan: Option<Plan>,
    /// What its effects are about.
    pub context: RunContext,
}

/// What a build's effects are about: whom to tell, and with which names.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The build.
    pub id: BuildId,
    /// Its account.
    pub account_id: AccountId,
    /// That account's part of addresses.
    pub account_slug: String,
    /// Its application.
    pub application_id: ApplicationId,
    /// That application's name.
    pub application_name: String,
    /// That application's part of addresses.
    pub application_slug: String,
    /// Its number.
    pub number: i64,
    /// Its repository.
    pub repository_id: RepositoryId,
    /// Its integration.
    pub integration_id: IntegrationId,
    /// Its branch or tag.
    pub ref_name: RefName,
    /// Its commit.
    pub commit: CommitHash,
    /// What started it.
    pub trigger: TriggerKind,
    /// More of what started it.
    pub detail: TriggerDetail,
    /// When the push was stored.
    pub accepted_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was planned.
    pub planned_at: Option<Timestamp>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// Why it stands where it stands.
    pub state_message: Option<String>,
    /// The word of the lock that the stage it is in has.
    pub holds: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    state: BuildState,
    plan: Option<Json<Plan>>,
    #[sqlx(try_from = "Uuid")]
    account_id: AccountId,
    account_slug: String,
    #[sqlx(try_from = "Uuid")]
    application_id: ApplicationId,
    application_name: String,
    application_slug: String,
    number: i64,
    #[sqlx(try_from = "Uuid")]
    repository_id: RepositoryId,
    #[sqlx(try_from = "Uuid")]
    integration_id: IntegrationId,
    #[sqlx(try_from = "String")]
    ref_name: RefName,
    #[sqlx(try_from = "String")]
    commit_hash: CommitHash,
    #[sqlx(try_from = "String")]
    trigger_kind: TriggerKind,
    trigger_detail: Json<TriggerDetail>,
    #[sqlx(try_from = "i64")]
    accepted_at: Timestamp,
    #[sqlx(try_from = "i64")]
    created_at: Timestamp,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    planned_at: Option<Timestamp>,
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    started_at: Option<Timestamp>,
    state_message: Option<String>,
    holds: Option<String>,
}

/// Reads a build to move it, and holds its row until the transaction ends. None where it was deleted.
pub async fn load_run(tx: &mut Tx, id: BuildId) -> Result<Option<StoredRun>, StoreError> {
    let row: Option<Row> = within!(tx, LOAD, |executor, sql| sqlx::query_as(sql)
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    let Some(row) = row else { return Ok(None) };
    let steps: Vec<StepRun> = steps::states(tx, id).await?;
    Ok(Some(StoredRun {
        run: BuildRun {
            state: row.state,
            steps,
        },
        plan: row.plan.map(|plan| plan.0),
        context: RunContext {
            id,
            account_id: row.account_id,
            account_slug: row.account_slug,
            application_id: row.application_id,
            application_name: row.application_name,
            application_slug: row.application_slug,
            number: row.number,
            repository_id: row.repository_id,
            integration_id: row.integration_id,
            ref_name: row.ref_name,
            commit: row.commit_hash,
            trigger: row.trigger_kind,
            detail: row.trigger_detail.0,
            accepted_at: row.accepted_at,
            created_at: row.created_at,
            planned_at: row.planned_at,
            started_at: row.started_at,
            state_message: row.state_message,
            holds: row.holds,
        },
    }))
}

/// Moves a build from the state it was read in. A message replaces the one before; `None` leaves it.
pub async fn set_state(
    tx: &mut Tx,
    id: BuildId,
    from: BuildState,
    to: BuildState,
    message: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let finished = to.is_finished().then_some(now.as_micros());
    let rows = within!(tx, SET_STATE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(from.as_str())
        .bind(to.as_str())
        .bind(message)
        .bind(finished)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Missing {
            table: "builds",
            key: format!("{id} in state {}", from.as_str()),
        })
    }
}

/// Notes when the first attempt began; later calls change nothing.
pub async fn set_begun(tx: &mut Tx, id: BuildId, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, BEGUN, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets how and when a finished build ended, and when it began: it runs again. The caller holds the row and moves it.
pub async fn reopen(tx: &mut Tx, id: BuildId) -> Result<(), StoreError> {
    within!(tx, REOPEN, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes who stopped a build and why; later calls change nothing.
pub async fn keep_stopper(
    tx: &mut Tx,
    id: BuildId,
    who: &str,
    why: &str,
) -> Result<(), StoreError> {
    within!(tx, STOPPER, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(who)
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Older builds of the same ref and trigger, and of the same pull request where it is one, that have not ended and are not
/// being stopped.
pub async fn under_way_before(
    tx: &mut Tx,
    application: ApplicationId,
    ref_name: &RefName,
    number: i64,
    trigger: TriggerKind,
    pull_request: Option<u64>,
) -> Result<Vec<BuildId>, StoreError> {
    let rows: Vec<(Uuid, Json<TriggerDetail>)> =
        within!(tx, BEFORE, |executor, sql| sqlx::query_as(sql)
            .bind(application.as_uuid())
            .bind(ref_name.full())
            .bind(number)
            .bind(trigger.as_str())
            .fetch_all(executor)
            .await)?;
    // Two pull requests may come from one branch (trap T18): neither replaces the other.
    let same = |detail: &TriggerDetail| {
        detail.pull_request.as_ref().map(|request| request.id) == pull_request
    };
    Ok(rows
        .into_iter()
        .filter(|(_, detail)| same(detail))
        .map(|(id, _)| BuildId::from_uuid(id))
        .collect())
}

/// All builds of a ref that have not ended and are not being stopped.
pub async fn under_way_of_ref(
    tx: &mut Tx,
    application: ApplicationId,
    ref_name: &RefName,
) -> Result<Vec<BuildId>, StoreError> {
    let rows: Vec<Uuid> = within!(tx, OF_REF, |executor, sql| sqlx::query_scalar(sql)
        .bind(application.as_uuid())
        .bind(ref_name.full())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(BuildId::from_uuid).collect())
}
