//! Builds for people: lists, one whole, and how long the queue before it is.

use pipewright_core::build::BuildState;
use pipewright_core::ids::{AccountId, ApplicationId, BuildId, DeliveryId, RepositoryId};
use pipewright_core::{CommitHash, Plan, RefName, Timestamp, TriggerKind};
use sqlx::types::Json;
use uuid::Uuid;

use super::TriggerDetail;
use crate::db::Db;
use crate::error::StoreError;
use crate::jump::contained;
use crate::page::PageStart;

/// What is read of a build, and where from.
macro_rules! of_build {
    () => {
        "SELECT b.id, b.account_id, b.application_id, a.name AS application_name, a.slug AS application_slug, a.repository_id, r.full_name, r.web_url,
                b.number, b.state, b.state_message, b.ref_name, b.commit_hash, b.previous_hash, b.trigger_kind, b.trigger_detail,
                b.commit_message, b.commit_author, b.commit_email, b.committed_at, b.pipeline, b.diagnostics, b.delivery_id, b.started_by, b.stopped_by,
                b.accepted_at, b.created_at, b.planned_at, b.started_at, b.finished_at, b.tries, b.retry_at,
                EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM builds b JOIN applications a ON a.id = b.application_id JOIN repositories r ON r.id = a.repository_id
         WHERE b.account_id = $1"
    };
}

/// What a list is narrowed by. The state is the one that people are shown: `BuildState::seen`, said in SQL.
macro_rules! narrowed {
    () => {
        r" AND (CAST($2 AS UUID) IS NULL OR b.application_id = $2)
           AND (CAST($3 AS TEXT) IS NULL OR b.ref_name = $3)
           AND (CAST($4 AS TEXT) IS NULL OR $4 =
                CASE WHEN b.state = 'running' AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') THEN 'queued' ELSE b.state END)
           AND (CAST($5 AS TEXT) IS NULL OR LOWER(b.commit_author) LIKE $5 ESCAPE '\' OR LOWER(b.ref_name) LIKE $5 ESCAPE '\'
                OR LOWER(b.commit_message) LIKE $5 ESCAPE '\' OR LOWER(b.pipeline) LIKE $5 ESCAPE '\' OR b.commit_hash LIKE $6 OR b.number = $7)
           AND (CAST($8 AS BIGINT) IS NULL OR b.accepted_at >= $8)
           AND (CAST($9 AS BIGINT) IS NULL OR b.accepted_at < $9)"
    };
}

statements! {
    GET = same(concat!(of_build!(), " AND b.id = $2"));
    BY_NUMBER = same(concat!(of_build!(), " AND b.application_id = $2 AND b.number = $3"));
    LIST = same(concat!(
        of_build!(),
        narrowed!(),
        " AND (CAST($10 AS UUID) IS NULL OR b.id < $10) ORDER BY b.id DESC LIMIT $11"
    ));
    NEWER = same(concat!(of_build!(), narrowed!(), " AND b.id > $10 ORDER BY b.id LIMIT $11"));
    PLAN = same("SELECT plan FROM builds WHERE account_id = $1 AND id = $2");
    FILE = same("SELECT pipeline_file FROM builds WHERE account_id = $1 AND id = $2");
    BEFORE = same(
        "SELECT COUNT(*) FROM attempts t WHERE t.state = 'queued' AND t.build_id < $1"
    );
    OLDER_OF_REF = same(
        "SELECT number FROM builds WHERE application_id = $1 AND ref_name = $2 AND number < $3 AND started_at IS NULL AND state IN ('queued', 'running')
         ORDER BY number DESC LIMIT 1"
    );
}

/// A build, without its plan and file.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Build {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: BuildId,
    /// Its account.
    #[sqlx(try_from = "Uuid")]
    pub account_id: AccountId,
    /// Its application.
    #[sqlx(try_from = "Uuid")]
    pub application_id: ApplicationId,
    /// That application's name.
    pub application_name: String,
    /// That application's part of addresses.
    pub application_slug: String,
    /// Its repository.
    #[sqlx(try_from = "Uuid")]
    pub repository_id: RepositoryId,
    /// That repository's name.
    pub full_name: String,
    /// That repository's page at Bitbucket.
    pub web_url: String,
    /// Its number in its application, from 1.
    pub number: i64,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: BuildState,
    /// Why it stands there, where there is more to say.
    pub state_message: Option<String>,
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
    /// The commit's message, once it was read.
    pub commit_message: Option<String>,
    /// The commit's author.
    pub commit_author: Option<String>,
    /// The author's address.
    pub commit_email: Option<String>,
    /// When it was committed.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub committed_at: Option<Timestamp>,
    /// The part of the file that runs.
    pub pipeline: Option<String>,
    /// What was said about the file: JSON of its diagnostics.
    #[sqlx(json)]
    pub diagnostics: serde_json::Value,
    /// The delivery that led to it.
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    pub delivery_id: Option<DeliveryId>,
    /// The person who asked for it.
    pub started_by: Option<String>,
    /// Who stopped it.
    pub stopped_by: Option<String>,
    /// When the push was stored.
    #[sqlx(try_from = "i64")]
    pub accepted_at: Timestamp,
    /// When it was made.
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// When it was planned.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub planned_at: Option<Timestamp>,
    /// When its first attempt began.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub finished_at: Option<Timestamp>,
    /// How often planning failed.
    pub tries: i64,
    /// When planning is tried again.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub retry_at: Option<Timestamp>,
    /// Whether one of its steps runs.
    pub runs_a_step: bool,
}

impl Build {
    /// The state that people are shown.
    pub const fn seen(&self) -> BuildState {
        self.state.seen(self.runs_a_step)
    }
}

/// Which builds to list.
#[derive(Debug, Clone, Default)]
pub struct BuildFilter {
    /// Only those of this application.
    pub application: Option<ApplicationId>,
    /// Only those of this ref.
    pub ref_name: Option<RefName>,
    /// Only those that people are shown in this state.
    pub state: Option<BuildState>,
    /// Only those whose author, branch, message or pipeline contains this, upper and lower case alike in ASCII, or whose
    /// commit begins with it, or whose number it is.
    pub text: Option<String>,
    /// Only those accepted at or after this moment.
    pub since: Option<Timestamp>,
    /// Only those accepted before this moment.
    pub until: Option<Timestamp>,
    /// Where the page begins.
    pub from: PageStart<BuildId>,
}

/// The fewest digits that are looked for as the beginning of a commit.
const SHORTEST_COMMIT: usize = 4;

/// The beginning of a commit as LIKE looks for it; none where the text cannot be one.
fn commit_prefix(text: &str) -> Option<String> {
    let is_hash =
        text.len() >= SHORTEST_COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| format!("{}%", text.to_ascii_lowercase()))
}

/// A build of the account; none where there is none or it is another account's.
pub async fn get(db: &Db, account: AccountId, id: BuildId) -> Result<Option<Build>, StoreError> {
    Ok(read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// The build of this number of an application of the account.
pub async fn by_number(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
    number: i64,
) -> Result<Option<Build>, StoreError> {
    Ok(read!(db, BY_NUMBER, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(number)
        .fetch_optional(executor)
        .await)?)
}

/// The account's builds that fit, newest first, at most `limit`.
pub async fn list(
    db: &Db,
    account: AccountId,
    filter: &BuildFilter,
    limit: i64,
) -> Result<Vec<Build>, StoreError> {
    let statement = match filter.from {
        PageStart::Newest | PageStart::OlderThan(_) => LIST,
        PageStart::NewerThan(_) => NEWER,
    };
    let text = filter.text.as_deref();
    let number = text.and_then(|text| text.strip_prefix('#').unwrap_or(text).parse::<i64>().ok());
    let found: Vec<Build> = read!(db, statement, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(filter.application.map(ApplicationId::as_uuid))
        .bind(filter.ref_name.as_ref().map(RefName::full))
        .bind(filter.state.map(BuildState::as_str))
        .bind(text.map(contained))
        .bind(text.and_then(commit_prefix))
        .bind(number)
        .bind(filter.since.map(Timestamp::as_micros))
        .bind(filter.until.map(Timestamp::as_micros))
        .bind(filter.from.edge().map(BuildId::as_uuid))
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(filter.from.newest_first(found))
}

/// A build's plan, once it is planned.
pub async fn plan_of(db: &Db, account: AccountId, id: BuildId) -> Result<Option<Plan>, StoreError> {
    let row: Option<Option<Json<Plan>>> = read!(db, PLAN, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.flatten().map(|plan| plan.0))
}

/// The pipeline file that a build was planned from.
pub async fn pipeline_file(
    db: &Db,
    account: AccountId,
    id: BuildId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<Option<Vec<u8>>> = read!(db, FILE, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.flatten())
}

/// Why a build that has not begun still waits: how many attempts of older builds are before it, and the number of the
/// older build of the same ref that must begin first.
pub async fn waiting_before(db: &Db, build: &Build) -> Result<(i64, Option<i64>), StoreError> {
    let before: i64 = read!(db, BEFORE, |executor, sql| sqlx::query_scalar(sql)
        .bind(build.id.as_uuid())
        .fetch_one(executor)
        .await)?;
    let older: Option<i64> = read!(db, OLDER_OF_REF, |executor, sql| sqlx::query_scalar(sql)
        .bind(build.application_id.as_uuid())
        .bind(build.ref_name.full())
        .bind(build.number)
        .fetch_optional(executor)
        .await)?;
    Ok((before, older))
}
