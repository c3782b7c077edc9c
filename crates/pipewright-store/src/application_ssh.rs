//! What the steps of an application reach other hosts with over SSH: one key, and the hosts that they know.
//!
//! The private key comes sealed and stays sealed here. What belongs to which account is part of every statement.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, ApplicationId, KnownHostId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

/// The most host keys that an application's steps know.
pub const MOST_HOSTS: usize = 100;

statements! {
    KEY = same(
        "SELECT public_line, fingerprint, private_key_sealed, changed_by, changed_at FROM application_keys
         WHERE account_id = $1 AND application_id = $2"
    );
    INSERT_KEY = same(
        "INSERT INTO application_keys (application_id, account_id, public_line, fingerprint, private_key_sealed, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    REMOVE_KEY = same("DELETE FROM application_keys WHERE account_id = $1 AND application_id = $2 RETURNING fingerprint");
    HOSTS = same(
        "SELECT id, host, kind, public_key, fingerprint, changed_by, changed_at FROM known_hosts
         WHERE account_id = $1 AND application_id = $2 ORDER BY host, kind"
    );
    COUNT_HOSTS = same(
        "SELECT COUNT(*) FROM known_hosts WHERE account_id = $1 AND application_id = $2 AND NOT (host = $3 AND kind = $4)"
    );
    REPLACE_HOST = same("DELETE FROM known_hosts WHERE account_id = $1 AND application_id = $2 AND host = $3 AND kind = $4");
    INSERT_HOST = same(
        "INSERT INTO known_hosts (id, application_id, account_id, host, kind, public_key, fingerprint, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    REMOVE_HOST = same(
        "DELETE FROM known_hosts WHERE account_id = $1 AND application_id = $2 AND id = $3 RETURNING host, fingerprint"
    );
}

/// The key of an application, its private half sealed for `application_keys.private_key:<application>`.
#[derive(Debug, Clone)]
pub struct ApplicationKey {
    /// The line to put where the key is to be accepted.
    pub public_line: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// The private key.
    pub private_key: Sealed,
    /// Who set it.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    public_line: String,
    fingerprint: String,
    private_key_sealed: Vec<u8>,
    changed_by: String,
    #[sqlx(try_from = "i64")]
    changed_at: Timestamp,
}

/// A key by which steps know a host.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KnownHost {
    /// Its id.
    #[sqlx(try_from = "Uuid")]
    pub id: KnownHostId,
    /// As the first word of a line of `known_hosts`: `example.com`, `[example.com]:2222`.
    pub host: String,
    /// `ssh-ed25519`, `ssh-rsa`, …
    pub kind: String,
    /// In base64.
    pub public_key: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// Who added it.
    pub changed_by: String,
    /// When.
    #[sqlx(try_from = "i64")]
    pub changed_at: Timestamp,
}

impl KnownHost {
    /// As a line of `known_hosts`, without its end.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.host, self.kind, self.public_key)
    }
}

/// The application's key, where it has one.
pub async fn key(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
) -> Result<Option<ApplicationKey>, StoreError> {
    let row: Option<KeyRow> = read!(db, KEY, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| ApplicationKey {
        public_line: row.public_line,
        fingerprint: row.fingerprint,
        private_key: Sealed::from(row.private_key_sealed),
        changed_by: row.changed_by,
        changed_at: row.changed_at,
    }))
}

/// Stores the key in place of the one that is there. The application must be the account's.
pub async fn set_key(
    tx: &mut Tx,
    account: AccountId,
    application: ApplicationId,
    key: &ApplicationKey,
) -> Result<(), StoreError> {
    remove_key(tx, account, application).await?;
    within!(tx, INSERT_KEY, |executor, sql| sqlx::query(sql)
        .bind(application.as_uuid())
        .bind(account.as_uuid())
        .bind(key.public_line.as_str())
        .bind(key.fingerprint.as_str())
        .bind(key.private_key.as_bytes())
        .bind(key.changed_by.as_str())
        .bind(key.changed_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes the key and answers its fingerprint; `None` where there is none.
pub async fn remove_key(
    tx: &mut Tx,
    account: AccountId,
    application: ApplicationId,
) -> Result<Option<String>, StoreError> {
    Ok(within!(tx, REMOVE_KEY, |executor, sql| {
        sqlx::query_scalar(sql)
            .bind(account.as_uuid())
            .bind(application.as_uuid())
            .fetch_optional(executor)
            .await
    })?)
}

/// The hosts that the application's steps know, by name.
pub async fn known_hosts(
    db: &Db,
    account: AccountId,
    application: ApplicationId,
) -> Result<Vec<KnownHost>, StoreError> {
    Ok(read!(db, HOSTS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .fetch_all(executor)
        .await)?)
}

/// Stores a host's key in place of one of the same kind. False, and nothing changed, where there are [`MOST_HOSTS`] others.
/// The application must be the account's.
pub async fn add_known_host(
    tx: &mut Tx,
    account: AccountId,
    application: ApplicationId,
    host: &KnownHost,
) -> Result<bool, StoreError> {
    let others: i64 = within!(tx, COUNT_HOSTS, |executor, sql| sqlx::query_scalar(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(host.host.as_str())
        .bind(host.kind.as_str())
        .fetch_one(executor)
        .await)?;
    if usize::try_from(others).unwrap_or(usize::MAX) >= MOST_HOSTS {
        return Ok(false);
    }
    within!(tx, REPLACE_HOST, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(application.as_uuid())
        .bind(host.host.as_str())
        .bind(host.kind.as_str())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT_HOST, |executor, sql| sqlx::query(sql)
        .bind(host.id.as_uuid())
        .bind(application.as_uuid())
        .bind(account.as_uuid())
        .bind(host.host.as_str())
        .bind(host.kind.as_str())
        .bind(host.public_key.as_str())
        .bind(host.fingerprint.as_str())
        .bind(host.changed_by.as_str())
        .bind(host.changed_at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(true)
}

/// Removes a host's key and answers the host and the key's fingerprint; `None` where there is none.
pub async fn remove_known_host(
    tx: &mut Tx,
    account: AccountId,
    application: ApplicationId,
    id: KnownHostId,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(within!(tx, REMOVE_HOST, |executor, sql| sqlx::query_as(
        sql
    )
    .bind(account.as_uuid())
    .bind(application.as_uuid())
    .bind(id.as_uuid())
    .fetch_optional(executor)
    .await)?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::KnownHostId;

    use super::{ApplicationKey, KnownHost, MOST_HOSTS};
    use crate::testing::on_each_database;
    use crate::testing_builds::an_application;
    use crate::vault::Sealed;

    fn key(value: u8) -> ApplicationKey {
        ApplicationKey {
            public_line: "ssh-ed25519 AAAA shop".to_owned(),
            fingerprint: format!("SHA256:{value}"),
            private_key: Sealed::from(vec![value]),
            changed_by: "Mara".to_owned(),
            changed_at: Timestamp::from_seconds(7),
        }
    }

    fn host(name: &str, kind: &str, public_key: &str) -> KnownHost {
        KnownHost {
            id: KnownHostId::new(),
            host: name.to_owned(),
            kind: kind.to_owned(),
            public_key: public_key.to_owned(),
            fingerprint: format!("SHA256:{public_key}"),
            changed_by: "Mara".to_owned(),
            changed_at: Timestamp::from_seconds(7),
        }
    }

    #[test]
    fn an_application_has_one_key_and_no_other_account_reads_or_removes_it() {
        on_each_database(async |db| {
            let (made, other) = (
                an_application(&db, "shop").await,
                an_application(&db, "other").await,
            );
            for value in [1, 2] {
                let mut tx = db.begin().await.expect("begins");
                super::set_key(&mut tx, made.account, made.application, &key(value))
                    .await
                    .expect("stores");
                tx.commit().await.expect("commits");
            }
            let found = super::key(&db, made.account, made.application)
                .await
                .expect("reads")
                .expect("is there");
            assert_eq!(found.private_key.as_bytes(), [2], "the newer one");
            for (account, application) in [
                (other.account, made.application),
                (made.account, other.application),
            ] {
                let found = super::key(&db, account, application).await.expect("reads");
                assert!(found.is_none());
            }
            let mut tx = db.begin().await.expect("begins");
            let mut remove = async |account| {
                super::remove_key(&mut tx, account, made.application)
                    .await
                    .expect("runs")
            };
            assert_eq!(remove(other.account).await, None);
            assert_eq!(remove(made.account).await.as_deref(), Some("SHA256:2"));
            assert_eq!(remove(made.account).await, None);
            tx.commit().await.expect("commits");
        });
    }

    #[test]
    fn a_host_has_one_key_of_a_kind_and_an_application_a_limit() {
        on_each_database(async |db| {
            let (made, other) = (
                an_application(&db, "shop").await,
                an_application(&db, "other").await,
            );
            let mut tx = db.begin().await.expect("begins");
            let known = [
                host("b.example", "ssh-ed25519", "old"),
                host("b.example", "ssh-ed25519", "new"),
                host("b.example", "ssh-rsa", "rsa"),
                host("a.example", "ssh-ed25519", "a"),
            ];
            for one in &known {
                let is_added = super::add_known_host(&mut tx, made.account, made.application, one)
                    .await
                    .expect("stores");
                assert!(is_added);
            }
            for number in 3..=MOST_HOSTS {
                let one = host(&format!("h{number}"), "ssh-ed25519", "x");
                let is_added = super::add_known_host(&mut tx, made.account, made.application, &one)
                    .await
                    .expect("stores");
                assert_eq!(is_added, number < MOST_HOSTS, "{number}");
            }
            tx.commit().await.expect("commits");
            let found = super::known_hosts(&db, made.account, made.application)
                .await
                .expect("reads");
            let lines: Vec<String> = found.iter().take(3).map(KnownHost::line).collect();
            assert_eq!(
                lines,
                [
                    "a.example ssh-ed25519 a",
                    "b.example ssh-ed25519 new",
                    "b.example ssh-rsa rsa"
                ]
            );
            let mut tx = db.begin().await.expect("begins");
            let mut remove = async |account, application| {
                super::remove_known_host(&mut tx, account, application, known[3].id)
                    .await
                    .expect("runs")
            };
            assert_eq!(remove(other.account, made.application).await, None);
            assert_eq!(remove(made.account, other.application).await, None);
            let removed = remove(made.account, made.application).await;
            assert_eq!(
                removed,
                Some(("a.example".to_owned(), "SHA256:a".to_owned()))
            );
            tx.commit().await.expect("commits");
        });
    }
}
