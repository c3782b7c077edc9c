//! Making a build.

use pipewright_core::ids::{AccountId, ApplicationId, BuildId, DeliveryId};
use pipewright_core::{CommitHash, RefName, Timestamp, TriggerKind};
use sqlx::types::Json;
use uuid::Uuid;

use super::TriggerDetail;
use crate::db::Tx;
use crate::error::StoreError;

statements! {
    // Split: the row is held on PostgreSQL, so that two servers neither give a number twice nor waste one; SQLite has one writer.
    LOCK = split(
        "SELECT next_number FROM applications WHERE id = $1",
        "SELECT next_number FROM applications WHERE id = $1 FOR NO KEY UPDATE"
    );
    EXISTING = same("SELECT id, number FROM builds WHERE application_id = $1 AND uniqueness = $2");
    NEXT = same("UPDATE applications SET next_number = $2 WHERE id = $1");
    INSERT = same(
        "INSERT INTO builds (id, account_id, application_id, number, state, ref_name, commit_hash, previous_hash, trigger_kind, trigger_detail,
                             uniqueness, diagnostics, delivery_id, started_by, accepted_at, created_at)
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
}

/// A build to be made.
#[derive(Debug, Clone)]
pub struct NewBuild {
    /// Its id.
    pub id: BuildId,
    /// The account.
    pub account_id: AccountId,
    /// The application.
    pub application_id: ApplicationId,
    /// The branch or tag.
    pub ref_name: RefName,
    /// The commit.
    pub commit: CommitHash,
    /// Where the ref stood before.
    pub previous: Option<CommitHash>,
    /// What starts it.
    pub trigger: TriggerKind,
    /// More of what starts it.
    pub detail: TriggerDetail,
    /// True where a repetition of this trigger, ref and commit is a build of its own: a person asked for it.
    pub repeatable: bool,
    /// Which event at Bitbucket it is of, where its commit was built before and the ref moved back to it: with this the build
    /// is unique per event, without it per trigger, ref and commit.
    pub event: Option<String>,
    /// The delivery that led to it.
    pub delivery_id: Option<DeliveryId>,
    /// The person who asked for it.
    pub started_by: Option<String>,
    /// When the push, or the person's wish, was stored.
    pub accepted_at: Timestamp,
    /// Now.
    pub created_at: Timestamp,
}

impl NewBuild {
    /// What makes the build unique in its application: of a schedule, its due time. A pull request's builds are told apart by its number too: two
    /// pull requests may come from one branch (trap T18).
    fn uniqueness(&self) -> Option<String> {
        if self.repeatable {
            return None;
        }
        if let Some(schedule) = &self.detail.schedule {
            return Some(format!(
                "{}|{}|{}",
                self.trigger.as_str(),
                schedule.id,
                schedule.due_at.as_micros()
            ));
        }
        if !self.trigger.is_unique_per_commit() {
            return None;
        }
        let pull_request = self
            .detail
            .pull_request
            .as_ref()
            .map(|request| format!("#{}", request.id))
            .unwrap_or_default();
        // What a rule starts is told apart by its pipeline, and by the build that found it, from what the push itself runs.
        let rule = self
            .detail
            .rule
            .as_ref()
            .zip(self.detail.custom.as_ref())
            .map(|(rule, custom)| format!("|rule|{custom}|#{}", rule.found_by))
            .unwrap_or_default();
        let event = self
            .event
            .as_ref()
            .map(|event| format!("|{event}"))
            .unwrap_or_default();
        Some(format!(
            "{}{pull_request}|{}|{}{rule}{event}",
            self.trigger.as_str(),
            self.ref_name.full(),
            self.commit
        ))
    }
}

/// What came of [`create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The build was made, with this number.
    New {
        /// Its number in its application.
        number: i64,
    },
    /// This trigger, ref and commit had been built: nothing changed.
    Existing {
        /// The build that did.
        id: BuildId,
        /// Its number.
        number: i64,
    },
}

/// Makes a build, unless the same one was made before.
pub async fn create(tx: &mut Tx, new: &NewBuild) -> Result<Created, StoreError> {
    let application = new.application_id.as_uuid();
    let number: Option<i64> = within!(tx, LOCK, |executor, sql| sqlx::query_scalar(sql)
        .bind(application)
        .fetch_optional(executor)
        .await)?;
    let number = number.ok_or_else(|| StoreError::Missing {
        table: "applications",
        key: new.application_id.to_string(),
    })?;
    let uniqueness = new.uniqueness();
    if let Some(uniqueness) = &uniqueness {
        let existing: Option<(Uuid, i64)> =
            within!(tx, EXISTING, |executor, sql| sqlx::query_as(sql)
                .bind(application)
                .bind(uniqueness.as_str())
                .fetch_optional(executor)
                .await)?;
        if let Some((id, number)) = existing {
            return Ok(Created::Existing {
                id: BuildId::from_uuid(id),
                number,
            });
        }
    }
    within!(tx, NEXT, |executor, sql| sqlx::query(sql)
        .bind(application)
        .bind(number + 1)
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(new.id.as_uuid())
        .bind(new.account_id.as_uuid())
        .bind(application)
        .bind(number)
        .bind(new.ref_name.full())
        .bind(new.commit.as_str())
        .bind(new.previous.as_ref().map(CommitHash::as_str))
        .bind(new.trigger.as_str())
        .bind(Json(&new.detail))
        .bind(uniqueness.as_deref())
        .bind(Json(serde_json::json!([])))
        .bind(new.delivery_id.map(DeliveryId::as_uuid))
        .bind(new.started_by.as_deref())
        .bind(new.accepted_at.as_micros())
        .bind(new.created_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(Created::New { number })
}
