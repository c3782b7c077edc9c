//! Attempts for people.

use pipewright_core::Timestamp;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::ids::{AccountId, ApplicationId, AttemptId, BuildId, StepId};
use pipewright_core::wire::Timing;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::macros::Statement;

statements! {
    OF_BUILD = same(
        "SELECT t.id, t.build_id, t.step_id, t.number, t.state, t.outcome, t.exit_code, t.message, t.stop_requested, n.name AS runner_name,
                t.queued_at, t.claimed_at, t.started_at, t.finished_at, t.timings, t.log_bytes, t.log_lines, t.log_removed_at
         FROM attempts t LEFT JOIN runners n ON n.id = t.runner_id
         WHERE t.build_id = $1 ORDER BY t.id"
    );
    QUALIFICATIONS = same(
        "SELECT DISTINCT message FROM attempts WHERE build_id = $1 AND outcome = 'passed' AND message IS NOT NULL ORDER BY message"
    );
    GET = same(
        "SELECT t.id, t.build_id, t.step_id, t.number, t.state, t.outcome, t.exit_code, t.message, t.stop_requested, n.name AS runner_name,
                t.queued_at, t.claimed_at, t.started_at, t.finished_at, t.timings, t.log_bytes, t.log_lines, t.log_removed_at
         FROM attempts t JOIN builds b ON b.id = t.build_id LEFT JOIN runners n ON n.id = t.runner_id
         WHERE t.id = $2 AND b.account_id = $1"
    );
    // As many places as a page of builds has, and one: an unused one is NULL, which equals nothing.
    SPANS = same(
        "SELECT build_id, claimed_at, finished_at FROM attempts WHERE claimed_at IS NOT NULL AND build_id IN
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,
          $30, $31)"
    );
    SPANS_OF_LAST = same(
        "SELECT t.build_id, t.claimed_at, t.finished_at
         FROM applications a JOIN builds b ON b.application_id = a.id AND b.number >= a.next_number - 20 JOIN attempts t ON t.build_id = b.id
         WHERE t.claimed_at IS NOT NULL AND a.id IN
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,
          $30, $31)"
    );
}

/// What the steps of a build passed without, each once: messages of attempts that passed.
pub async fn qualifications(tx: &mut Tx, build: BuildId) -> Result<Vec<String>, StoreError> {
    Ok(within!(tx, QUALIFICATIONS, |executor, sql| {
        sqlx::query_scalar(sql)
            .bind(build.as_uuid())
            .fetch_all(executor)
            .await
    })?)
}

words! {
    /// Where an attempt stands.
    AttemptState, "state of an attempt" {
        /// Waits for a runner.
        Queued = "queued",
        /// A runner holds it.
        Running = "running",
        /// It has ended.
        Finished = "finished",
    }
}

/// An attempt.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Attempt {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: AttemptId,
    /// Its build.
    #[sqlx(try_from = "Uuid")]
    pub build_id: BuildId,
    /// Its step.
    #[sqlx(try_from = "Uuid")]
    pub step_id: StepId,
    /// Its number in its step, from 1.
    pub number: i64,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: AttemptState,
    /// How it ended.
    #[sqlx(try_from = "crate::columns::MaybeText")]
    pub outcome: Option<AttemptOutcome>,
    /// The script's exit status.
    pub exit_code: Option<i64>,
    /// One sentence where the outcome is not the script's own.
    pub message: Option<String>,
    /// Whether its runner was asked to stop it.
    pub stop_requested: bool,
    /// The runner that has or had it.
    pub runner_name: Option<String>,
    /// When it was queued.
    #[sqlx(try_from = "i64")]
    pub queued_at: Timestamp,
    /// When a runner claimed it.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub claimed_at: Option<Timestamp>,
    /// When its first command ran.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub finished_at: Option<Timestamp>,
    /// How long its parts took.
    #[sqlx(json)]
    pub timings: Vec<Timing>,
    /// Bytes of its log, as last noted.
    pub log_bytes: i64,
    /// Whole lines of its log, as last noted.
    pub log_lines: i64,
    /// When its log was removed, because it was kept long enough.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub log_removed_at: Option<Timestamp>,
}

/// The attempts of a build, oldest first. The caller has reached the build through its account.
pub async fn of_build(db: &Db, build: BuildId) -> Result<Vec<Attempt>, StoreError> {
    Ok(read!(db, OF_BUILD, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// An attempt of the account; none where there is none or it is another account's.
pub async fn get(
    db: &Db,
    account: AccountId,
    id: AttemptId,
) -> Result<Option<Attempt>, StoreError> {
    Ok(read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// As many builds, or applications, are asked about at once.
const ASKED: usize = 31;

/// When runners had an attempt of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Span {
    /// The build.
    #[sqlx(try_from = "Uuid")]
    pub build_id: BuildId,
    /// When a runner claimed it.
    #[sqlx(try_from = "i64")]
    pub claimed_at: Timestamp,
    /// When it ended; none for one that runs.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub finished_at: Option<Timestamp>,
}

/// When runners had attempts of these builds, in no order. The caller has reached the builds through their account.
pub async fn spans(db: &Db, builds: &[BuildId]) -> Result<Vec<Span>, StoreError> {
    let builds: Vec<_> = builds.iter().map(|id| id.as_uuid()).collect();
    spans_by(db, SPANS, &builds).await
}

/// When runners had attempts of the last twenty builds of each of these applications, in no order. The caller has reached
/// the applications through their account.
pub async fn spans_of_last(
    db: &Db,
    applications: &[ApplicationId],
) -> Result<Vec<Span>, StoreError> {
    let applications: Vec<_> = applications.iter().map(|id| id.as_uuid()).collect();
    spans_by(db, SPANS_OF_LAST, &applications).await
}

async fn spans_by(db: &Db, statement: Statement, ids: &[Uuid]) -> Result<Vec<Span>, StoreError> {
    let mut spans = Vec::new();
    for some in ids.chunks(ASKED) {
        let places = (0..ASKED).map(|place| some.get(place).copied());
        let found: Vec<Span> = read!(db, statement, |executor, sql| {
            let query = sqlx::query_as(sql);
            places
                .fold(query, sqlx::query::QueryAs::bind)
                .fetch_all(executor)
                .await
        })?;
        spans.extend(found);
    }
    Ok(spans)
}
