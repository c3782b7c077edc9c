//! Variables: names and values that builds are given, each for an account, an application, or an environment of it.
//!
//! Values come sealed and stay sealed here, secured or not. Who may read or change one is the caller's question; what
//! belongs to which account is part of every statement.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, VariableId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

/// The most variables that one account, application or environment holds.
pub const MOST: usize = 500;

statements! {
    // Widest first, so that whoever goes through them in order lets the narrower one win.
    KNOWN = same(
        "SELECT id, application_id, environment, name, value_sealed, is_secured, changed_by, changed_at FROM variables
         WHERE account_id = $1 AND (application_id IS NULL OR application_id = $2)
         ORDER BY CASE WHEN application_id IS NULL THEN 0 WHEN environment_key = '' THEN 1 ELSE 2 END, environment_key, name"
    );
    OF_ACCOUNT = same(
        "SELECT id, application_id, environment, name, value_sealed, is_secured, changed_by, changed_at FROM variables
         WHERE account_id = $1 AND application_id IS NULL ORDER BY name"
    );
    COUNT_ACCOUNT = same("SELECT COUNT(*) FROM variables WHERE account_id = $1 AND application_id IS NULL AND name <> $2");
    COUNT_APPLICATION = same(
        "SELECT COUNT(*) FROM variables WHERE account_id = $1 AND application_id = $2 AND environment_key = $3 AND name <> $4"
    );
    REMOVE_NAMED_OF_ACCOUNT = same("DELETE FROM variables WHERE account_id = $1 AND application_id IS NULL AND name = $2");
    REMOVE_NAMED = same("DELETE FROM variables WHERE account_id = $1 AND application_id = $2 AND environment_key = $3 AND name = $4");
    INSERT = same(
        "INSERT INTO variables (id, account_id, application_id, environment, environment_key, name, value_sealed, is_secured, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    REMOVE_OF_ACCOUNT = same("DELETE FROM variables WHERE account_id = $1 AND id = $2 AND application_id IS NULL RETURNING name");
    REMOVE = same("DELETE FROM variables WHERE account_id = $1 AND id = $2 AND application_id = $3 RETURNING name");
}

/// Whom a variable is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableScope {
    /// Every step of every application of the account.
    Account,
    /// Every step of one application.
    Application(ApplicationId),
    /// Steps of one application that name this environment.
    Environment(ApplicationId, String),
}

impl VariableScope {
    fn application(&self) -> Option<ApplicationId> {
        match self {
            Self::Account => None,
            Self::Application(application) | Self::Environment(application, _) => {
                Some(*application)
            }
        }
    }

    fn environment(&self) -> &str {
        match self {
            Self::Environment(_, name) => name,
            Self::Account | Self::Application(_) => "",
        }
    }
}

/// A variable, its value sealed for `variables.value:<id>`.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its id.
    pub id: VariableId,
    /// Whom it is for.
    pub scope: VariableScope,
    /// Its name, a valid name of an environment variable.
    pub name: String,
    /// Its value.
    pub value: Sealed,
    /// True where the value is never shown again and is masked in logs.
    pub is_secured: bool,
    /// Who gave it this value.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

impl Variable {
    /// True where a step that names this environment is given the variable. Names of environments differ in more than case.
    pub fn is_for(&self, environment: Option<&str>) -> bool {
        match &self.scope {
            VariableScope::Account | VariableScope::Application(_) => true,
            VariableScope::Environment(_, own) => {
                environment.is_some_and(|name| name.to_lowercase() == own.to_lowercase())
            }
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: VariableId,
    #[sqlx(try_from = "crate::columns::MaybeUuid")]
    application_id: Option<ApplicationId>,
    environment: String,
    name: String,
    value_sealed: Vec<u8>,
    is_secured: bool,
    changed_by: String,
    #[sqlx(try_from = "i64")]
    changed_at: Timestamp,
}

impl From<Row> for Variable {
    fn from(row: Row) -> Self {
        let scope = match row.application_id {
            None => VariableScope::Account,
            Some(application) if row.environment.is_empty() => {
                VariableScope::Application(application)
            }
            Some(application) => VariableScope::Environment(application, row.environment),
        };
        let (value, changed_at) = (Sealed::from(row.value_sealed), row.changed_at);
        Self {
            id: row.id,
            scope,
            name: row.name,
            value,
            is_secured: row.is_secured,
            changed_by: row.changed_by,
            changed_at,
        }
    }
}

/// Every variable that some step of the application is given: the account's first, then the application's, then those of
/// its environments, each by name.
pub async fn known(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
) -> Result<Vec<Variable>, StoreError> {
    let rows: Vec<Row> = read!(db, KNOWN, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Variable::from).collect())
}

/// As [`known`], inside a transaction.
pub async fn known_within(
    tx: &mut Tx,
    account: AccountId,
    application: ApplicationId,
) -> Result<Vec<Variable>, StoreError> {
    let rows: Vec<Row> = within!(tx, KNOWN, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Variable::from).collect())
}

/// The variables of the account itself, by name.
pub async fn of_account(db: &Db, account: AccountId) -> Result<Vec<Variable>, StoreError> {
    let rows: Vec<Row> = read!(db, OF_ACCOUNT, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(Variable::from).collect())
}

/// Stores the variable in place of one of the same scope and name. False, and nothing changed, where the scope holds
/// [`MOST`] others. The application must be the account's.
pub async fn set(tx: &mut Tx, account: AccountId, variable: &Variable) -> Result<bool, StoreError> {
    let key = variable.scope.environment().to_lowercase();
    let name = variable.name.as_str();
    let others: i64 = match variable.scope.application() {
        None => within!(tx, COUNT_ACCOUNT, |executor, sql| sqlx::query_scalar(sql)
            .bind(account.as_uuid())
            .bind(name)
            .fetch_one(executor)
            .await)?,
        Some(application) => within!(tx, COUNT_APPLICATION, |executor, sql| sqlx::query_scalar(
            sql
        )
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(key.as_str())
        .bind(name)
        .fetch_one(executor)
        .await)?,
    };
    if usize::try_from(others).unwrap_or(usize::MAX) >= MOST {
        return Ok(false);
    }
    match variable.scope.application() {
        None => within!(tx, REMOVE_NAMED_OF_ACCOUNT, |executor, sql| sqlx::query(
            sql
        )
        .bind(account.as_uuid())
        .bind(name)
        .execute(executor)
        .await
        .map(drop))?,
        Some(application) => within!(tx, REMOVE_NAMED, |executor, sql| sqlx::query(sql)
            .bind(account.as_uuid())
            .bind(application.as_uuid())
            .bind(key.as_str())
            .bind(name)
            .execute(executor)
            .await
            .map(drop))?,
    }
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(variable.id.as_uuid())
        .bind(account.as_uuid())
        .bind(variable.scope.application().map(ApplicationId::as_uuid))
        .bind(variable.scope.environment())
        .bind(key.as_str())
        .bind(name)
        .bind(variable.value.as_bytes())
        .bind(variable.is_secured)
        .bind(variable.changed_by.as_str())
        .bind(variable.changed_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(true)
}

/// Removes a variable of an application of the account and of its environments, or, without one, of the account itself.
/// Answers its name; `None` where there is none there.
pub async fn remove(
    tx: &mut Tx,
    account: AccountId,
    application: Option<ApplicationId>,
    id: VariableId,
) -> Result<Option<String>, StoreError> {
    Ok(match application {
        None => within!(tx, REMOVE_OF_ACCOUNT, |executor, sql| sqlx::query_scalar(
            sql
        )
        .bind(account.as_uuid())
        .bind(id.as_uuid())
        .fetch_optional(executor)
        .await)?,
        Some(application) => within!(tx, REMOVE, |executor, sql| sqlx::query_scalar(sql)
            .bind(account.as_uuid())
            .bind(id.as_uuid())
            .bind(application.as_uuid())
            .fetch_optional(executor)
            .await)?,
    })
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::{AccountId, VariableId};

    use super::{MOST, Variable, VariableScope};
    use crate::db::Db;
    use crate::testing::on_each_database;
    use crate::testing_builds::an_application;
    use crate::vault::Sealed;

    fn variable(scope: VariableScope, name: &str, value: u8) -> Variable {
        Variable {
            id: VariableId::new(),
            scope,
            name: name.to_owned(),
            value: Sealed::from(vec![value]),
            is_secured: true,
            changed_by: "Mara".to_owned(),
            changed_at: Timestamp::from_seconds(7),
        }
    }

    async fn set(db: &Db, account: AccountId, variable: &Variable) -> bool {
        let mut tx = db.begin().await.expect("begins");
        let stored = super::set(&mut tx, account, variable)
            .await
            .expect("stores");
        tx.commit().await.expect("commits");
        stored
    }

    #[test]
    fn the_narrower_comes_later_and_another_account_sees_nothing() {
        on_each_database(async |db| {
            let made = an_application(&db, "shop").await;
            let other = an_application(&db, "other").await;
            let application = VariableScope::Application(made.application);
            let production = VariableScope::Environment(made.application, "Production".to_owned());
            for (scope, value) in [
                (production, 3),
                (VariableScope::Account, 1),
                (application, 2),
            ] {
                assert!(set(&db, made.account, &variable(scope, "TOKEN", value)).await);
            }
            assert!(
                set(
                    &db,
                    other.account,
                    &variable(VariableScope::Account, "TOKEN", 9)
                )
                .await
            );
            let known = super::known(&db, made.account, made.application)
                .await
                .expect("reads");
            assert_eq!(
                known
                    .iter()
                    .map(|one| one.value.as_bytes()[0])
                    .collect::<Vec<_>>(),
                [1, 2, 3]
            );
            let for_step = |environment| known.iter().filter(|one| one.is_for(environment)).count();
            assert_eq!(
                [
                    for_step(None),
                    for_step(Some("production")),
                    for_step(Some("test"))
                ],
                [2, 3, 2]
            );
            let mut tx = db.begin().await.expect("begins");
            assert_eq!(
                super::known_within(&mut tx, made.account, made.application)
                    .await
                    .expect("reads")
                    .len(),
                3
            );
            let mut remove = async |account, application, id| {
                super::remove(&mut tx, account, application, id)
                    .await
                    .expect("runs")
            };
            assert_eq!(
                remove(other.account, None, known[0].id).await,
                None,
                "another account's"
            );
            let own = Some(made.application);
            assert_eq!(
                remove(made.account, own, known[0].id).await,
                None,
                "the account's, from an application's page"
            );
            assert_eq!(
                remove(made.account, None, known[1].id).await,
                None,
                "an application's, from the account's page"
            );
            assert_eq!(
                remove(made.account, Some(other.application), known[1].id).await,
                None,
                "another application's"
            );
            assert_eq!(
                remove(made.account, None, known[0].id).await.as_deref(),
                Some("TOKEN")
            );
            assert_eq!(
                remove(made.account, own, known[2].id).await.as_deref(),
                Some("TOKEN"),
                "of its environment"
            );
            tx.commit().await.expect("commits");
            assert!(
                super::of_account(&db, made.account)
                    .await
                    .expect("reads")
                    .is_empty()
            );
            assert_eq!(
                super::of_account(&db, other.account)
                    .await
                    .expect("reads")
                    .len(),
                1
            );
        });
    }

    #[test]
    fn a_new_value_replaces_the_old_one_and_a_scope_has_a_limit() {
        on_each_database(async |db| {
            let made = an_application(&db, "shop").await;
            let environment =
                |name: &str| VariableScope::Environment(made.application, name.to_owned());
            assert!(
                set(
                    &db,
                    made.account,
                    &variable(environment("Test"), "TOKEN", 1)
                )
                .await
            );
            assert!(
                set(
                    &db,
                    made.account,
                    &variable(environment("test"), "TOKEN", 2)
                )
                .await
            );
            let known = super::known(&db, made.account, made.application)
                .await
                .expect("reads");
            assert_eq!(
                known
                    .iter()
                    .map(|one| one.value.as_bytes()[0])
                    .collect::<Vec<_>>(),
                [2]
            );
            let mut tx = db.begin().await.expect("begins");
            for number in 1..MOST {
                let one = variable(VariableScope::Account, &format!("V{number}"), 1);
                assert!(
                    super::set(&mut tx, made.account, &one)
                        .await
                        .expect("stores")
                );
            }
            assert!(
                super::set(
                    &mut tx,
                    made.account,
                    &variable(VariableScope::Account, "LAST", 1)
                )
                .await
                .expect("stores")
            );
            assert!(
                !super::set(
                    &mut tx,
                    made.account,
                    &variable(VariableScope::Account, "MORE", 1)
                )
                .await
                .expect("runs")
            );
            assert!(
                super::set(
                    &mut tx,
                    made.account,
                    &variable(VariableScope::Account, "LAST", 2)
                )
                .await
                .expect("stores")
            );
            tx.commit().await.expect("commits");
        });
    }
}
