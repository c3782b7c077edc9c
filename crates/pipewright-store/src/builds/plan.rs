//! Builds that wait for their plan.

use pipewright_core::ids::{
    AccountId, ApplicationId, BuildId, DeliveryId, IntegrationId, RepositoryId,
};
use pipewright_core::{CommitHash, Plan, RefName, Timestamp, TriggerKind};
use sqlx::types::Json;
use uuid::Uuid;

use super::TriggerDetail;
use crate::columns::too_far;
use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    REPOSITORIES = same(
        "SELECT DISTINCT a.repository_id FROM builds b JOIN applications a ON a.id = b.application_id
         WHERE b.state = 'queued' AND (b.retry_at IS NULL OR b.retry_at <= $1 OR b.retry_at > $3) LIMIT $2"
    );
    NEXT = same(
        "SELECT b.id, b.account_id, b.application_id, b.number, b.ref_name, b.commit_hash, b.previous_hash, b.trigger_kind, b.trigger_detail,
                b.delivery_id, b.accepted_at, b.tries, a.repository_id, r.integration_id
         FROM builds b JOIN applications a ON a.id = b.application_id JOIN repositories r ON r.id = a.repository_id
         WHERE b.state = 'queued' AND (b.retry_at IS NULL OR b.retry_at <= $2 OR b.retry_at > $3) AND a.repository_id = $1
         ORDER BY b.id LIMIT 1"
    );
    POSTPONE = same("UPDATE builds SET retry_at = $2, state_message = $3 WHERE id = $1 AND state = 'queued'");
    RETRY = same("UPDATE builds SET tries = tries + 1, retry_at = $2, state_message = $3 WHERE id = $1 AND state = 'queued'");
    SET_PLAN = same("UPDATE builds SET pipeline = $2, plan = $3, pipeline_file = $4, diagnostics = $5, planned_at = $6, retry_at = NULL, state_message = NULL WHERE id = $1");
    SET_DETAIL = same("UPDATE builds SET trigger_detail = $2 WHERE id = $1");
    SET_CHANGED = same("UPDATE builds SET changed_files = $2 WHERE id = $1");
    CHANGED = same("SELECT changed_files FROM builds WHERE id = $1");
    SET_COMMIT_TEXT = same("UPDATE builds SET commit_message = $2, commit_author = $3, commit_email = $4, committed_at = $5 WHERE id = $1");
}

/// A build to be planned.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToPlan {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: BuildId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its application.
    #[sqlx(try_from = "Uuid")]
    pub application_id: ApplicationId,
    /// Its number.
    pub number: i64,
    /// Its branch or tag.
    #[sqlx(try_from = "String")]
    pub ref_name: RefName,
    /// Its commit.
    #[sqlx(try_from = "String", rename = "commit_hash")]
    pub commit: CommitHash,
    /// Where the ref stood before.
    #[sqlx(try_from = "crate::columns::MaybeText", rename = "previous_hash")]
    pub previous: Option<CommitHash>,
    /// What started it.
    #[sqlx(try_from = "String", rename = "trigger_kind")]
    pub trigger: TriggerKind,
    /// More of what started it.
    #[sqlx(json, rename = "trigger_detail")]
    pub detail: TriggerDetail,
    /// The delivery that led to it.
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    pub delivery_id: Option<DeliveryId>,
    /// When the push was stored.
    #[sqlx(try_from = "i64")]
    pub accepted_at: Timestamp,
    /// How often planning failed so far.
    pub tries: i64,
    /// Its repository.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// Its integration.
    #[sqlx(try_from = "Uuid")]
    pub integration_id: IntegrationId,
}

/// What a commit says of itself, cut to lengths that fit a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitText {
    /// The message.
    pub message: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// When it was committed.
    pub committed_at: Timestamp,
}

/// Repositories with a build that may be planned now, at most `limit`.
pub async fn repositories_to_plan(
    db: &Db,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<RepositoryId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, REPOSITORIES, |executor, sql| sqlx::query_scalar(sql)
        .bind(now.as_micros())
        .bind(limit)
        .bind(too_far(now))
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(RepositoryId::from_uuid).collect())
}

/// The repository's oldest build that may be planned now.
pub async fn next_to_plan(
    db: &Db,
    repository: RepositoryId,
    now: Timestamp,
) -> Result<Option<ToPlan>, StoreError> {
    Ok(read!(db, NEXT, |executor, sql| sqlx::query_as(sql)
        .bind(repository.as_uuid())
        .bind(now.as_micros())
        .bind(too_far(now))
        .fetch_optional(executor)
        .await)?)
}

/// Has a build planned again later, and counts the try.
pub async fn retry_planning(
    tx: &mut Tx,
    id: BuildId,
    at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    within!(tx, RETRY, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(at.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Notes that a build cannot be planned before `at`, for no reason of its own: it is no try.
pub async fn postpone_planning(
    tx: &mut Tx,
    id: BuildId,
    at: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    within!(tx, POSTPONE, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(at.as_micros())
        .bind(why)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Stores what planning found: the plan if there is one, the file, and what was said about it. The caller holds the row.
pub async fn set_plan(
    tx: &mut Tx,
    id: BuildId,
    plan: Option<&Plan>,
    file: Option<&[u8]>,
    diagnostics: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SET_PLAN, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(plan.map(|plan| plan.pipeline.as_str()))
        .bind(plan.map(Json))
        .bind(file)
        .bind(Json(diagnostics))
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Stores what became known of a build's trigger since it was made. The caller holds the row.
pub async fn set_detail(
    tx: &mut Tx,
    id: BuildId,
    detail: &TriggerDetail,
) -> Result<(), StoreError> {
    within!(tx, SET_DETAIL, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(Json(detail))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Stores which files the build's commit changed, beside its plan. The caller holds the row.
pub async fn set_changed_files(
    tx: &mut Tx,
    id: BuildId,
    files: &[String],
) -> Result<(), StoreError> {
    within!(tx, SET_CHANGED, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(Json(files))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The files that the build's commit changed; `None` where that is not known, or no condition of its plan asks for it.
pub async fn changed_files(tx: &mut Tx, id: BuildId) -> Result<Option<Vec<String>>, StoreError> {
    let files: Option<Option<Json<Vec<String>>>> =
        within!(tx, CHANGED, |executor, sql| sqlx::query_scalar(sql)
            .bind(id.as_uuid())
            .fetch_optional(executor)
            .await)?;
    Ok(files.flatten().map(|files| files.0))
}

/// Stores what the commit says of itself.
pub async fn set_commit_text(
    tx: &mut Tx,
    id: BuildId,
    text: &CommitText,
) -> Result<(), StoreError> {
    within!(tx, SET_COMMIT_TEXT, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(text.message.as_str())
        .bind(text.author.as_str())
        .bind(text.email.as_str())
        .bind(text.committed_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
