//! The commits that a build's push brought beside its own, and which of them have no build.

use std::collections::HashSet;

use pipewright_core::CommitHash;
use pipewright_core::ids::{AccountId, BuildId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    SET = same("UPDATE builds SET pushed_commits = $2 WHERE id = $1");
    GET = same("SELECT pushed_commits FROM builds WHERE account_id = $1 AND id = $2");
    // Split: a list of values is another function on each database.
    BUILT = split(
        "SELECT DISTINCT o.commit_hash FROM builds b JOIN builds o ON o.application_id = b.application_id
         WHERE b.id = $1 AND o.commit_hash IN (SELECT value FROM json_each($2))",
        "SELECT DISTINCT o.commit_hash FROM builds b JOIN builds o ON o.application_id = b.application_id
         WHERE b.id = $1 AND o.commit_hash IN (SELECT jsonb_array_elements_text($2))"
    );
}

/// The commits between where a ref stood and the one that is built, without that one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedCommits {
    /// Newest first, as far as they are kept.
    pub commits: Vec<PushedCommit>,
    /// How many more there are.
    #[serde(default)]
    pub more: u64,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedCommit {
    /// Its id.
    pub commit: CommitHash,
    /// The first line of its message, cut; hostile text.
    pub title: String,
    /// Its author's name, cut; hostile text.
    pub author: String,
}

/// Stores them. The caller holds the row.
pub async fn set_pushed(
    tx: &mut Tx,
    id: BuildId,
    pushed: &PushedCommits,
) -> Result<(), StoreError> {
    within!(tx, SET, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(Json(pushed))
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Those of the account's build that no build of the application is of, newest first.
pub async fn pushed_without_build(
    db: &Db,
    account: AccountId,
    id: BuildId,
) -> Result<PushedCommits, StoreError> {
    let row: Option<Option<Json<PushedCommits>>> =
        read!(db, GET, |executor, sql| sqlx::query_scalar(sql)
            .bind(account.as_uuid())
            .bind(id.as_uuid())
            .fetch_optional(executor)
            .await)?;
    let Some(Json(mut pushed)) = row.flatten() else {
        return Ok(PushedCommits::default());
    };
    let asked: Vec<&str> = pushed
        .commits
        .iter()
        .map(|commit| commit.commit.as_str())
        .collect();
    let built: Vec<String> = read!(db, BUILT, |executor, sql| sqlx::query_scalar(sql)
        .bind(id.as_uuid())
        .bind(Json(&asked))
        .fetch_all(executor)
        .await)?;
    let built: HashSet<String> = built.into_iter().collect();
    pushed
        .commits
        .retain(|commit| !built.contains(commit.commit.as_str()));
    Ok(pushed)
}

#[cfg(test)]
mod tests {
    use super::{PushedCommit, PushedCommits};
    use crate::builds::create;
    use crate::testing::on_each_database;
    use crate::testing_builds::{a_build, an_application};

    #[test]
    fn what_has_a_build_of_its_own_is_left_out() {
        on_each_database(async |db| {
            let made = an_application(&db, "pushed").await;
            let newest = a_build(made, "main", 'c');
            let mut tx = db.begin().await.expect("begins");
            create(&mut tx, &newest).await.expect("creates");
            create(&mut tx, &a_build(made, "other", 'b'))
                .await
                .expect("creates");
            let commit = |digit: &str| PushedCommit {
                commit: digit.repeat(40).parse().expect("a commit"),
                title: digit.to_owned(),
                author: "Mara".to_owned(),
            };
            let pushed = PushedCommits {
                commits: vec![commit("b"), commit("a")],
                more: 3,
            };
            super::set_pushed(&mut tx, newest.id, &pushed)
                .await
                .expect("stores");
            tx.commit().await.expect("commits");
            let left = super::pushed_without_build(&db, made.account, newest.id)
                .await
                .expect("reads");
            assert_eq!((left.commits, left.more), (vec![commit("a")], 3));
            let other =
                super::pushed_without_build(&db, pipewright_core::ids::AccountId::new(), newest.id)
                    .await
                    .expect("reads");
            assert_eq!(other, PushedCommits::default(), "another account's");
        });
    }
}
