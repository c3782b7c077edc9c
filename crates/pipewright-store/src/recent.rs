//! What happened to a repository lately, for the page that answers why something ran or did not.
//!
//! Everything looks at a bounded window of the newest rows through an index: no question reads a whole history.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, DeliveryId, RepositoryId};
use uuid::Uuid;

use crate::builds::Build;
use crate::db::Db;
use crate::decisions::Decision;
use crate::deliveries::{DeliveryState, Origin};
use crate::error::StoreError;

/// How many of a repository's newest deliveries, and of an application's newest builds, are looked at.
pub const WINDOW: i64 = 2_000;

/// How many deliveries about pull requests are read for the number in them.
const PULL_REQUESTS: i64 = 200;

statements! {
    DECISIONS = same(
        "SELECT d.delivery_id, d.application_id, d.position, d.change_kind, d.ref_name, d.old_hash, d.new_hash, d.outcome, d.reason, d.sentence,
                d.build_id, b.number AS build_number, a.slug AS application_slug, a.name AS application_name, d.decided_at,
                y.received_at, y.origin, y.event_key
         FROM (SELECT id FROM deliveries WHERE account_id = $1 AND repository_id = $2 AND (CAST($3 AS UUID) IS NULL OR id < $3)
               ORDER BY id DESC LIMIT $4) w
              JOIN deliveries y ON y.id = w.id JOIN decisions d ON d.delivery_id = w.id
              LEFT JOIN builds b ON b.id = d.build_id LEFT JOIN applications a ON a.id = d.application_id
         WHERE CAST($5 AS BIGINT) = 1 OR d.ref_name = $6 OR d.ref_name = $7
            OR (CAST($8 AS TEXT) IS NOT NULL AND SUBSTR(d.new_hash, 1, LENGTH(CAST($8 AS TEXT))) = $8)
         ORDER BY d.delivery_id DESC, d.position, d.id LIMIT $9"
    );
    UNDECIDED = same(
        "SELECT y.id, y.received_at, y.origin, y.event_key, y.state, y.message
         FROM (SELECT id FROM deliveries WHERE account_id = $1 AND repository_id = $2 ORDER BY id DESC LIMIT $3) w
              JOIN deliveries y ON y.id = w.id
         WHERE y.state <> 'decided' ORDER BY y.id DESC LIMIT $4"
    );
    PULL_REQUEST_BODIES = same(
        "SELECT y.id, y.received_at, y.origin, y.event_key, y.body
         FROM (SELECT id FROM deliveries WHERE account_id = $1 AND repository_id = $2 AND (CAST($3 AS UUID) IS NULL OR id < $3)
               ORDER BY id DESC LIMIT $4) w
              JOIN deliveries y ON y.id = w.id
         WHERE y.event_key LIKE 'pullrequest:%' OR y.event_key LIKE 'pr:%' ORDER BY y.id DESC LIMIT $5"
    );
    OLDEST = same(
        "SELECT MIN(received_at) FROM deliveries WHERE id IN
           (SELECT id FROM deliveries WHERE account_id = $1 AND repository_id = $2 ORDER BY id DESC LIMIT $3)"
    );
    BUILDS = same(
        "SELECT b.id, b.account_id, b.application_id, a.name AS application_name, a.slug AS application_slug, a.repository_id, r.full_name, r.web_url,
                b.number, b.state, b.state_message, b.ref_name, b.commit_hash, b.previous_hash, b.trigger_kind, b.trigger_detail,
                b.commit_message, b.commit_author, b.commit_email, b.committed_at, b.pipeline, b.diagnostics, b.delivery_id, b.started_by, b.stopped_by,
                b.accepted_at, b.created_at, b.planned_at, b.started_at, b.finished_at, b.tries, b.retry_at,
                EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM (SELECT id FROM builds WHERE account_id = $1 AND application_id = $2 AND (CAST($3 AS UUID) IS NULL OR id < $3)
               ORDER BY id DESC LIMIT $4) w
              JOIN builds b ON b.id = w.id JOIN applications a ON a.id = b.application_id JOIN repositories r ON r.id = a.repository_id
         WHERE b.delivery_id IS NULL
           AND (CAST($5 AS BIGINT) = 1 OR b.ref_name = $6 OR b.ref_name = $7
                OR (CAST($8 AS TEXT) IS NOT NULL AND SUBSTR(b.commit_hash, 1, LENGTH(CAST($8 AS TEXT))) = $8))
         ORDER BY b.id DESC LIMIT $9"
    );
    REF = same("SELECT commit_hash, decided_at FROM refs WHERE application_id = $1 AND name = $2");
}

/// What is asked about. Nothing in it asks about everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// A branch by its full name.
    pub branch: Option<String>,
    /// A tag by its full name.
    pub tag: Option<String>,
    /// The first digits of a commit, in lower case.
    pub commit: Option<String>,
    /// Only what is older than this, a time-ordered id.
    pub before: Option<Uuid>,
}

impl About {
    fn everything(&self) -> i64 {
        i64::from(self.branch.is_none() && self.tag.is_none() && self.commit.is_none())
    }
}

/// A decision with the delivery that it belongs to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DecisionOfDelivery {
    /// The decision.
    #[sqlx(flatten)]
    pub decision: Decision,
    /// When the delivery came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
}

/// A delivery without a decision.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct UndecidedDelivery {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: DeliveryState,
    /// Why it waits or failed.
    pub message: Option<String>,
}

/// A delivery about a pull request.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PullRequestDelivery {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: DeliveryId,
    /// When it came.
    #[sqlx(try_from = "i64")]
    pub received_at: Timestamp,
    /// Where it comes from.
    #[sqlx(try_from = "String")]
    pub origin: Origin,
    /// Bitbucket's name of the event.
    pub event_key: String,
    /// The body as it came; it names the pull request.
    pub body: Vec<u8>,
}

/// Where a ref stood when it was last decided.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NotedRef {
    /// The commit.
    pub commit_hash: String,
    /// When.
    #[sqlx(try_from = "i64")]
    pub decided_at: Timestamp,
}

/// Decisions about what is asked among the repository's newest deliveries, newest delivery first, at most `limit`.
pub async fn decisions(
    db: &Db,
    account: AccountId,
    repository: RepositoryId,
    about: &About,
    limit: i64,
) -> Result<Vec<DecisionOfDelivery>, StoreError> {
    Ok(read!(db, DECISIONS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(repository.as_uuid())
        .bind(about.before)
        .bind(WINDOW)
        .bind(about.everything())
        .bind(about.branch.as_deref())
        .bind(about.tag.as_deref())
        .bind(about.commit.as_deref())
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// The repository's newest deliveries that have no decision: they wait, or failed. At most `limit`.
pub async fn undecided(
    db: &Db,
    account: AccountId,
    repository: RepositoryId,
    limit: i64,
) -> Result<Vec<UndecidedDelivery>, StoreError> {
    Ok(read!(db, UNDECIDED, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(repository.as_uuid())
        .bind(WINDOW)
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// The repository's newest deliveries about pull requests, newest first, with their bodies.
pub async fn pull_requests(
    db: &Db,
    account: AccountId,
    repository: RepositoryId,
    before: Option<Uuid>,
) -> Result<Vec<PullRequestDelivery>, StoreError> {
    Ok(read!(db, PULL_REQUEST_BODIES, |executor, sql| {
        sqlx::query_as(sql)
            .bind(account.as_uuid())
            .bind(repository.as_uuid())
            .bind(before)
            .bind(WINDOW)
            .bind(PULL_REQUESTS)
            .fetch_all(executor)
            .await
    })?)
}

/// When the oldest delivery came that is looked at; none where there is no delivery.
pub async fn oldest(
    db: &Db,
    account: AccountId,
    repository: RepositoryId,
) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = read!(db, OLDEST, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(repository.as_uuid())
        .bind(WINDOW)
        .fetch_one(executor)
        .await)?;
    Ok(micros.map(Timestamp::from_micros))
}

/// The application's newest builds about what is asked that no delivery led to, newest first, at most `limit`.
pub async fn builds_without_delivery(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
    about: &About,
    limit: i64,
) -> Result<Vec<Build>, StoreError> {
    Ok(read!(db, BUILDS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(about.before)
        .bind(WINDOW)
        .bind(about.everything())
        .bind(about.branch.as_deref())
        .bind(about.tag.as_deref())
        .bind(about.commit.as_deref())
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// Where a ref of full name stood when it was last decided. The caller has reached the application through its account.
pub async fn noted_ref(
    db: &Db,
    application: ApplicationId,
    name: &str,
) -> Result<Option<NotedRef>, StoreError> {
    Ok(read!(db, REF, |executor, sql| sqlx::query_as(sql)
        .bind(application.as_uuid())
        .bind(name)
        .fetch_optional(executor)
        .await)?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::{AccountId, DeliveryId};
    use uuid::Uuid;

    use super::{About, WINDOW};
    use crate::db::{Backend, Db};
    use crate::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
    use crate::deliveries::{self, DeliveryState, NewDelivery, Origin};
    use crate::testing::on_each_database;
    use crate::testing_builds::{Made, a_build, an_application};

    async fn a_change(db: &Db, made: Made, ref_name: &str, digit: char, event: &str) -> DeliveryId {
        let id = DeliveryId::new();
        let new = NewDelivery {
            id,
            account_id: made.account,
            repository_id: made.repository,
            webhook_id: Uuid::now_v7(),
            request_id: id.to_string(),
            event: None,
            origin: Origin::Bitbucket,
            event_key: event.to_owned(),
            attempt_number: 1,
            headers: Vec::new(),
            body: br#"{"pullrequest":{"id":7}}"#.to_vec(),
            received_at: Timestamp::from_seconds(50),
        };
        let decision = NewDecision {
            account_id: made.account,
            delivery_id: id,
            application_id: Some(made.application),
            position: 0,
            change_kind: ChangeKind::Updated,
            ref_name: Some(ref_name.to_owned()),
            old_hash: None,
            new_hash: Some(digit.to_string().repeat(40)),
            outcome: DecisionOutcome::NotBuilt,
            reason: "auto_build_off",
            sentence: "Auto-build is off.".to_owned(),
            build_id: None,
            decided_at: Timestamp::from_seconds(60),
        };
        let mut tx = db.begin().await.expect("begins");
        deliveries::insert(&mut tx, &new).await.expect("stores");
        deliveries::settle(
            &mut tx,
            id,
            DeliveryState::Decided,
            None,
            Timestamp::from_seconds(60),
        )
        .await
        .expect("settles");
        decisions::insert(&mut tx, &decision)
            .await
            .expect("decides");
        tx.commit().await.expect("commits");
        id
    }

    #[test]
    fn what_is_asked_about_is_found_newest_first_and_only_in_its_account() {
        on_each_database(async |db| {
            let made = an_application(&db, "recent").await;
            let main = a_change(&db, made, "refs/heads/main", 'a', "repo:push").await;
            let tag = a_change(&db, made, "refs/tags/main", 'b', "repo:push").await;
            let other = a_change(&db, made, "refs/heads/größe", 'c', "pullrequest:created").await;
            let found = async |about: About| {
                let rows = super::decisions(&db, made.account, made.repository, &about, 10)
                    .await
                    .expect("reads");
                rows.iter()
                    .map(|row| row.decision.delivery_id)
                    .collect::<Vec<_>>()
            };
            let branch = About {
                branch: Some("refs/heads/main".to_owned()),
                ..About::default()
            };
            let both = About {
                tag: Some("refs/tags/main".to_owned()),
                ..branch.clone()
            };
            let commit = About {
                commit: Some("cccc".to_owned()),
                ..About::default()
            };
            assert_eq!(found(About::default()).await, [other, tag, main]);
            assert_eq!(found(branch.clone()).await, [main]);
            assert_eq!(found(both).await, [tag, main]);
            assert_eq!(found(commit).await, [other]);
            assert_eq!(
                found(About {
                    before: Some(tag.as_uuid()),
                    ..About::default()
                })
                .await,
                [main]
            );
            assert!(
                found(About {
                    commit: Some("ccd".to_owned()),
                    ..About::default()
                })
                .await
                .is_empty()
            );
            let stranger = AccountId::new();
            assert!(
                super::decisions(&db, stranger, made.repository, &branch, 10)
                    .await
                    .expect("reads")
                    .is_empty(),
                "another account's"
            );
            let requests = super::pull_requests(&db, made.account, made.repository, None)
                .await
                .expect("reads");
            assert_eq!(
                requests
                    .iter()
                    .map(|request| request.id)
                    .collect::<Vec<_>>(),
                [other]
            );
            assert!(
                super::pull_requests(&db, stranger, made.repository, None)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            assert_eq!(
                super::oldest(&db, made.account, made.repository)
                    .await
                    .expect("reads"),
                Some(Timestamp::from_seconds(50))
            );
            assert_eq!(
                super::oldest(&db, stranger, made.repository)
                    .await
                    .expect("reads"),
                None
            );
            assert!(
                super::undecided(&db, made.account, made.repository, 5)
                    .await
                    .expect("reads")
                    .is_empty()
            );

            let mut tx = db.begin().await.expect("begins");
            crate::builds::create(&mut tx, &a_build(made, "main", 'd'))
                .await
                .expect("a build");
            tx.commit().await.expect("commits");
            let loose = async |account, about: &About| {
                super::builds_without_delivery(&db, account, made.application, about, 10)
                    .await
                    .expect("reads")
                    .len()
            };
            assert_eq!(
                (
                    loose(made.account, &branch).await,
                    loose(stranger, &branch).await
                ),
                (1, 0)
            );
            assert_eq!(
                loose(
                    made.account,
                    &About {
                        commit: Some("dddd".to_owned()),
                        ..About::default()
                    }
                )
                .await,
                1
            );
            assert_eq!(
                loose(
                    made.account,
                    &About {
                        commit: Some("aaaa".to_owned()),
                        ..About::default()
                    }
                )
                .await,
                0
            );
        });
    }

    #[test]
    fn no_question_reads_a_whole_table() {
        on_each_database(async |db| {
            let Backend::Sqlite { reader, .. } = db.backend() else {
                return;
            };
            for statement in super::ALL {
                let sql = format!("EXPLAIN QUERY PLAN {}", statement.sqlite);
                let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                    .bind(Uuid::now_v7())
                    .bind(Uuid::now_v7())
                    .bind(None::<Uuid>)
                    .bind(WINDOW)
                    .fetch_all(reader)
                    .await
                    .expect("is planned");
                for (.., step) in plan {
                    assert!(
                        !step.starts_with("SCAN") || step == "SCAN w",
                        "{}: {step}",
                        statement.name
                    );
                }
            }
        });
    }
}
