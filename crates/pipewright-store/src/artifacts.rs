//! Artifacts: what is known of them; their contents are [`crate::blobs`].
//!
//! Rows are written with the end of an attempt ([`crate::attempts::finish`]). When its time is over a content is removed
//! and its row stays, so that a later step and the build's page can say what there was.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ArtifactId, AttemptId, BuildId};
use pipewright_core::wire::{ArtifactKind, GivenArtifact, NewArtifact};
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    INSERT = same(
        "INSERT INTO artifacts (id, build_id, attempt_id, position, name, kind, files, bytes, listing, created_at, expires_at)
         SELECT $2, build_id, id, $3, $4, $5, $6, $7, $8, $9, $10 FROM attempts WHERE id = $1"
    );
    // Of each step only what its last attempt left, and nothing of one that was passed over in a rerun.
    GIVEN = same(
        "SELECT r.id, s.name AS step_name, r.name, r.removed_at FROM artifacts r JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE r.build_id = $1 AND r.kind = 'shared' AND s.position < $2 AND s.state <> 'skipped' AND t.number = s.attempts
         ORDER BY s.position, r.position"
    );
    OF_BUILD = same(
        "SELECT r.id, s.name AS step_name, t.number AS attempt_number, r.name, r.kind, r.files, r.bytes, r.listing, r.expires_at, r.removed_at
         FROM artifacts r JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE r.build_id = $1 ORDER BY s.position, t.number, r.position"
    );
    COUNT = same("SELECT COUNT(*) FROM artifacts WHERE build_id = $1");
    GET = same(
        "SELECT r.id, s.name AS step_name, t.number AS attempt_number, r.name, r.kind, r.files, r.bytes, r.listing, r.expires_at, r.removed_at
         FROM artifacts r JOIN builds b ON b.id = r.build_id JOIN attempts t ON t.id = r.attempt_id JOIN steps s ON s.id = t.step_id
         WHERE r.id = $3 AND r.build_id = $2 AND b.account_id = $1"
    );
    EXISTS = same("SELECT COUNT(*) FROM artifacts WHERE id = $1 AND removed_at IS NULL");
    EXPIRED = same("SELECT id FROM artifacts WHERE removed_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2");
    REMOVED = same("UPDATE artifacts SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL");
}

/// An artifact, for people.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Artifact {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: ArtifactId,
    /// The step that made it.
    pub step_name: String,
    /// The number of that step's attempt, from 1.
    pub attempt_number: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[sqlx(try_from = "String")]
    pub kind: ArtifactKind,
    /// How many files it holds.
    pub files: i64,
    /// Bytes of its content.
    pub bytes: i64,
    /// The first of its files with their bytes.
    #[sqlx(json)]
    pub listing: Vec<(String, u64)>,
    /// When its content goes.
    #[sqlx(try_from = "i64")]
    pub expires_at: Timestamp,
    /// When its content went.
    #[sqlx(try_from = "crate::columns::MaybeMicros")]
    pub removed_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct GivenRow {
    #[sqlx(try_from = "Uuid")]
    id: ArtifactId,
    step_name: String,
    name: String,
    removed_at: Option<i64>,
}

/// Writes what an attempt left.
pub(crate) async fn insert_all(
    tx: &mut Tx,
    attempt: AttemptId,
    artifacts: &[NewArtifact],
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), StoreError> {
    for artifact in artifacts {
        within!(tx, INSERT, |executor, sql| sqlx::query(sql)
            .bind(attempt.as_uuid())
            .bind(artifact.id.as_uuid())
            .bind(i64::from(artifact.position))
            .bind(artifact.name.as_str())
            .bind(artifact.kind.as_str())
            .bind(artifact.files as i64)
            .bind(artifact.bytes as i64)
            .bind(Json(&artifact.listing))
            .bind(now.as_micros())
            .bind(expires.as_micros())
            .execute(executor)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// What a build's first `steps` steps left for later ones, in plan order.
pub async fn given(
    tx: &mut Tx,
    build: BuildId,
    steps: usize,
) -> Result<Vec<GivenArtifact>, StoreError> {
    // Asked at every claim, and most are of a first step.
    if steps == 0 {
        return Ok(Vec::new());
    }
    let rows: Vec<GivenRow> = within!(tx, GIVEN, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .bind(steps as i64)
        .fetch_all(executor)
        .await)?;
    let given = |row: GivenRow| GivenArtifact {
        id: row.id,
        step_name: row.step_name,
        name: row.name,
        is_expired: row.removed_at.is_some(),
    };
    Ok(rows.into_iter().map(given).collect())
}

/// All artifacts of a build in plan order. The caller has reached the build through its account.
pub async fn of_build(db: &Db, build: BuildId) -> Result<Vec<Artifact>, StoreError> {
    Ok(read!(db, OF_BUILD, |executor, sql| sqlx::query_as(sql)
        .bind(build.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// How many artifacts a build has. The caller has reached the build through its account.
pub async fn count(db: &Db, build: BuildId) -> Result<i64, StoreError> {
    Ok(read!(db, COUNT, |executor, sql| sqlx::query_scalar(sql)
        .bind(build.as_uuid())
        .fetch_one(executor)
        .await)?)
}

/// An artifact of this build of the account; none where there is none or it is another account's.
pub async fn get(
    db: &Db,
    account: AccountId,
    build: BuildId,
    id: ArtifactId,
) -> Result<Option<Artifact>, StoreError> {
    Ok(read!(db, GET, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(build.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?)
}

/// True where a row speaks of this content as being there.
pub async fn is_known(db: &Db, id: ArtifactId) -> Result<bool, StoreError> {
    let count: i64 = read!(db, EXISTS, |executor, sql| sqlx::query_scalar(sql)
        .bind(id.as_uuid())
        .fetch_one(executor)
        .await)?;
    Ok(count > 0)
}

/// Artifacts whose time is over and whose content is there yet, at most `limit`.
pub async fn expired(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<ArtifactId>, StoreError> {
    let rows: Vec<Uuid> = read!(db, EXPIRED, |executor, sql| sqlx::query_scalar(sql)
        .bind(now.as_micros())
        .bind(limit)
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(ArtifactId::from_uuid).collect())
}

/// Notes that a content goes. The caller removes it afterwards: after a kill between the two it is an orphan.
pub async fn set_removed(tx: &mut Tx, id: ArtifactId, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, REMOVED, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use pipewright_core::build::AttemptOutcome;
    use pipewright_core::ids::{AccountId, ArtifactId, RunnerId};
    use pipewright_core::wire::{ArtifactKind, NewArtifact};
    use uuid::Uuid;

    use crate::attempts::{Claim, Ended};
    use crate::runners::{RunnerKind, register};
    use crate::testing::on_each_database;
    use crate::testing_builds::{a_planned_build_of, an_application};

    const NOW: Timestamp = Timestamp::from_seconds(300);
    const DAY: Duration = Duration::from_secs(86_400);

    fn artifact(name: &str, kind: ArtifactKind) -> NewArtifact {
        let listing = vec![("dist/ü".to_owned(), 7)];
        NewArtifact {
            id: ArtifactId::new(),
            position: 0,
            name: name.to_owned(),
            kind,
            files: 1,
            bytes: 10,
            listing,
        }
    }

    #[test]
    fn later_steps_are_given_what_the_last_attempts_left_until_it_expires() {
        on_each_database(async |db| {
            let made = an_application(&db, "artifacts").await;
            let mut tx = db.begin().await.expect("begins");
            let build = a_planned_build_of(&mut tx, made, "main", 'a', 3).await;
            let runner = RunnerId::new();
            register(&mut tx, runner, "runner", RunnerKind::Embedded, 2, NOW)
                .await
                .expect("registers");
            let (first, shared) = (
                artifact("old", ArtifactKind::Shared),
                artifact("jar", ArtifactKind::Shared),
            );
            let left = [
                (0, 1, vec![first.clone()]),
                (1, 1, vec![artifact("side", ArtifactKind::Shared)]),
                (
                    0,
                    2,
                    vec![
                        shared.clone(),
                        NewArtifact {
                            position: 1,
                            ..artifact("private", ArtifactKind::Scoped)
                        },
                    ],
                ),
            ];
            for (position, number, artifacts) in left {
                if (position, number) != (0, 1) {
                    crate::attempts::queue(&mut tx, build, position, number, NOW)
                        .await
                        .expect("queues");
                }
                let claim = Claim {
                    runner,
                    lease: Uuid::now_v7(),
                    until: NOW + DAY,
                    now: NOW,
                };
                let claimed = crate::attempts::claim(&mut tx, claim)
                    .await
                    .expect("claims")
                    .expect("one");
                let mut ended = Ended::of(AttemptOutcome::Passed, None);
                (ended.artifacts, ended.artifacts_expire) = (artifacts, NOW + DAY);
                assert!(
                    crate::attempts::finish(&mut tx, claimed.id, claim.lease, &ended, NOW)
                        .await
                        .expect("ends")
                );
                let state = pipewright_core::build::StepState::Finished(
                    pipewright_core::build::StepOutcome::Passed,
                );
                let step = pipewright_core::build::StepRun::new(state, number);
                crate::steps::set(&mut tx, build, position, step, None, NOW)
                    .await
                    .expect("moves");
            }
            let names = async |tx: &mut crate::Tx, steps| {
                let given = super::given(tx, build, steps).await.expect("reads");
                given
                    .into_iter()
                    .map(|given| (given.name, given.is_expired))
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&mut tx, 0).await, []);
            assert_eq!(names(&mut tx, 1).await, [("jar".to_owned(), false)]);
            assert_eq!(
                names(&mut tx, 2).await,
                [("jar".to_owned(), false), ("side".to_owned(), false)]
            );
            tx.commit().await.expect("commits");

            assert_eq!(super::count(&db, build).await.expect("reads"), 4);
            let all = super::of_build(&db, build).await.expect("reads");
            let shown: Vec<_> = all
                .iter()
                .map(|artifact| (artifact.attempt_number, artifact.name.as_str()))
                .collect();
            assert_eq!(shown, [(1, "old"), (2, "jar"), (2, "private"), (1, "side")]);
            assert_eq!(all[0].listing, first.listing);
            let found = async |account, id| {
                super::get(&db, account, build, id)
                    .await
                    .expect("reads")
                    .is_some()
            };
            assert!(
                found(made.account, shared.id).await && !found(AccountId::new(), shared.id).await
            );

            assert!(
                super::expired(&db, NOW, 10)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            let old = super::expired(&db, NOW + DAY, 10).await.expect("reads");
            assert_eq!(old.len(), 4);
            assert!(
                super::is_known(&db, shared.id).await.expect("reads")
                    && !super::is_known(&db, ArtifactId::new())
                        .await
                        .expect("reads")
            );
            let mut tx = db.begin().await.expect("begins");
            super::set_removed(&mut tx, shared.id, NOW + DAY)
                .await
                .expect("removes");
            assert_eq!(
                names(&mut tx, 2).await,
                [("jar".to_owned(), true), ("side".to_owned(), false)]
            );
            tx.commit().await.expect("commits");
            assert!(!super::is_known(&db, shared.id).await.expect("reads"));
            assert_eq!(
                super::expired(&db, NOW + DAY, 10)
                    .await
                    .expect("reads")
                    .len(),
                3
            );
        });
    }
}
