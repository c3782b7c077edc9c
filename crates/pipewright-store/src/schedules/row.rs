//! The schedule as the rest of Pipewright sees it.

use pipewright_core::ids::{AccountId, ApplicationId, BuildId, ScheduleId};
use pipewright_core::{RefName, Timestamp};
use uuid::Uuid;

/// What a person says of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The branch or tag whose newest commit is built.
    pub ref_name: RefName,
    /// The key under `pipelines.custom`; none for what a push of the ref runs.
    pub custom: Option<String>,
    /// Values for variables, where they differ from the file's defaults.
    pub variables: Vec<(String, String)>,
    /// When, as a cron expression.
    pub cron: String,
    /// In which time zone, by its IANA name.
    pub time_zone: String,
    /// Whether it fires.
    pub is_on: bool,
}

/// A schedule to be made.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// The account.
    pub account: AccountId,
    /// The application.
    pub application: ApplicationId,
    /// What it does.
    pub spec: Spec,
    /// When it fires next; none for one that is off, or that never will.
    pub next_at: Option<Timestamp>,
    /// The name of the person who makes it.
    pub created_by: String,
    /// Now.
    pub now: Timestamp,
}

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The account.
    pub account: AccountId,
    /// The application.
    pub application: ApplicationId,
    /// What it does.
    pub spec: Spec,
    /// When it fires next.
    pub next_at: Option<Timestamp>,
    /// Why the last due time made no build.
    pub message: Option<String>,
    /// Its last build.
    pub last_build: Option<BuildId>,
    /// The name of the person who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The columns of [`Row`], of `schedules s`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    account_id: Uuid,
    application_id: Uuid,
    #[sqlx(try_from = "String")]
    ref_name: RefName,
    custom: Option<String>,
    #[sqlx(json)]
    variables: Vec<(String, String)>,
    cron: String,
    time_zone: String,
    is_on: bool,
    next_at: Option<i64>,
    message: Option<String>,
    last_build_id: Option<Uuid>,
    created_by: String,
    created_at: i64,
}

impl From<Row> for Schedule {
    fn from(row: Row) -> Self {
        Self {
            id: ScheduleId::from_uuid(row.id),
            account: AccountId::from_uuid(row.account_id),
            application: ApplicationId::from_uuid(row.application_id),
            spec: Spec {
                ref_name: row.ref_name,
                custom: row.custom,
                variables: row.variables,
                cron: row.cron,
                time_zone: row.time_zone,
                is_on: row.is_on,
            },
            next_at: row.next_at.map(Timestamp::from_micros),
            message: row.message,
            last_build: row.last_build_id.map(BuildId::from_uuid),
            created_by: row.created_by,
            created_at: Timestamp::from_micros(row.created_at),
        }
    }
}
