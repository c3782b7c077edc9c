//! What the jump box finds: applications by name, builds by number, branches and tags by name. Only of one account.

use pipewright_core::build::BuildState;
use pipewright_core::ids::AccountId;

use crate::db::Db;
use crate::error::StoreError;

statements! {
    APPLICATIONS = same(
        r"SELECT name, slug FROM applications WHERE account_id = $1 AND (LOWER(name) LIKE $2 ESCAPE '\' OR LOWER(slug) LIKE $2 ESCAPE '\')
          ORDER BY name LIMIT $3"
    );
    BUILDS = same(
        "SELECT a.name, a.slug, b.number, b.state, b.commit_message,
                EXISTS (SELECT 1 FROM steps s WHERE s.build_id = b.id AND s.state = 'running') AS runs_a_step
         FROM applications a JOIN builds b ON b.application_id = a.id AND b.number = $2
         WHERE a.account_id = $1 ORDER BY b.id DESC LIMIT $3"
    );
    REFS = same(
        r"SELECT a.name, a.slug, r.name AS ref_name FROM applications a JOIN refs r ON r.application_id = a.id
          WHERE a.account_id = $1 AND LOWER(r.name) LIKE $2 ESCAPE '\' ORDER BY r.decided_at DESC LIMIT $3"
    );
}

/// An application that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundApplication {
    /// Its name.
    pub name: String,
    /// Its part of addresses.
    pub slug: String,
}

/// A build that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundBuild {
    /// Its application's name.
    pub name: String,
    /// Its application's part of addresses.
    pub slug: String,
    /// Its number.
    pub number: i64,
    #[sqlx(try_from = "String")]
    state: BuildState,
    /// Its commit's message, once it was read.
    pub commit_message: Option<String>,
    runs_a_step: bool,
}

impl FoundBuild {
    /// Where it stands, as people are shown it.
    pub const fn seen(&self) -> BuildState {
        self.state.seen(self.runs_a_step)
    }
}

/// A branch or tag that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundRef {
    /// Its application's name.
    pub name: String,
    /// Its application's part of addresses.
    pub slug: String,
    /// Its full name.
    pub ref_name: String,
}

/// Applications whose name contains the text, by name, at most `limit`. Upper and lower case are alike in ASCII.
pub async fn applications(
    db: &Db,
    account: AccountId,
    text: &str,
    limit: i64,
) -> Result<Vec<FoundApplication>, StoreError> {
    Ok(read!(db, APPLICATIONS, |executor, sql| sqlx::query_as(
        sql
    )
    .bind(account.as_uuid())
    .bind(contained(text))
    .bind(limit)
    .fetch_all(executor)
    .await)?)
}

/// Builds of this number, newest first, at most `limit`.
pub async fn builds(
    db: &Db,
    account: AccountId,
    number: i64,
    limit: i64,
) -> Result<Vec<FoundBuild>, StoreError> {
    Ok(read!(db, BUILDS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(number)
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// Branches and tags whose name contains the text, those that moved last first, at most `limit`.
pub async fn refs(
    db: &Db,
    account: AccountId,
    text: &str,
    limit: i64,
) -> Result<Vec<FoundRef>, StoreError> {
    Ok(read!(db, REFS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(contained(text))
        .bind(limit)
        .fetch_all(executor)
        .await)?)
}

/// The text as LIKE looks for it anywhere in a value.
pub(crate) fn contained(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use pipewright_core::build::BuildState;
    use pipewright_core::ids::AccountId;

    use crate::testing::on_each_database;
    use crate::testing_builds::{a_build, an_application};

    #[test]
    fn what_is_found_is_the_accounts_own() {
        on_each_database(async |db| {
            let made = an_application(&db, "checkout_api").await;
            let mut tx = db.begin().await.expect("begins");
            crate::builds::create(&mut tx, &a_build(made, "main", 'a'))
                .await
                .expect("creates");
            tx.commit().await.expect("commits");
            let applications = super::applications(&db, made.account, "OUT_A", 5)
                .await
                .expect("reads");
            assert_eq!(applications.len(), 1);
            assert!(
                super::applications(&db, made.account, "outxa", 5)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            let builds = super::builds(&db, made.account, 1, 5).await.expect("reads");
            assert_eq!(
                builds
                    .iter()
                    .map(|build| (build.number, build.seen()))
                    .collect::<Vec<_>>(),
                [(1, BuildState::Queued)]
            );
            let stranger = AccountId::new();
            assert!(
                super::builds(&db, stranger, 1, 5)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            assert!(
                super::applications(&db, stranger, "", 5)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            assert!(
                super::refs(&db, stranger, "", 5)
                    .await
                    .expect("reads")
                    .is_empty()
            );
        });
    }
}
