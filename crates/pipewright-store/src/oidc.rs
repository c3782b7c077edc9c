//! What an account's step tokens are signed with: keys one after the other, and the algorithm that somebody chose.
//!
//! Private keys come sealed and stay sealed here. When a key signs and how long it is published is the caller's to say.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, OidcKeyId};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::vault::Sealed;

statements! {
    KEYS = same(
        "SELECT id, algorithm, number, key_id, public_jwk, private_key_sealed, made_at, signs_from, published_until FROM oidc_keys
         WHERE account_id = $1 ORDER BY algorithm DESC, number"
    );
    INSERT = same(
        "INSERT INTO oidc_keys (id, account_id, algorithm, number, key_id, public_jwk, private_key_sealed, made_at, signs_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    SUCCEEDED = same(
        "UPDATE oidc_keys SET published_until = $4 WHERE account_id = $1 AND algorithm = $2 AND number < $3 AND published_until IS NULL"
    );
    FORGET = same("DELETE FROM oidc_keys WHERE account_id = $1 AND published_until <= $2");
    WITHDRAW = same("DELETE FROM oidc_keys WHERE account_id = $1");
    ALGORITHM = same("SELECT algorithm FROM oidc_settings WHERE account_id = $1");
    CHOOSE = same(
        "INSERT INTO oidc_settings (account_id, algorithm, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO UPDATE SET algorithm = excluded.algorithm, changed_at = excluded.changed_at"
    );
}

words! {
    /// How a token is signed (RFC 7518).
    SigningAlgorithm, "signing algorithm" {
        /// RSA with SHA-256, which every verifier knows.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
    }
}

/// A key of an account, its private half sealed for `oidc_keys.private_key:<id>`.
#[derive(Debug, Clone)]
pub struct OidcKey {
    /// Its id.
    pub id: OidcKeyId,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// Its place among those of the account and algorithm, from 1.
    pub number: i64,
    /// What tokens name it by.
    pub key_id: String,
    /// Its public half as a JSON Web Key.
    pub public_jwk: String,
    /// Its private half.
    pub private_key: Sealed,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when it signs, until the next one does.
    pub signs_from: Timestamp,
    /// Until when it is published; none while there is no later one.
    pub published_until: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "Uuid")]
    id: OidcKeyId,
    #[sqlx(try_from = "String")]
    algorithm: SigningAlgorithm,
    number: i64,
    key_id: String,
    public_jwk: String,
    private_key_sealed: Vec<u8>,
    #[sqlx(try_from = "i64")]
    made_at: Timestamp,
    #[sqlx(try_from = "i64")]
    signs_from: Timestamp,
    published_until: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Chosen {
    #[sqlx(try_from = "String")]
    algorithm: SigningAlgorithm,
}

impl From<Row> for OidcKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            algorithm: row.algorithm,
            number: row.number,
            key_id: row.key_id,
            public_jwk: row.public_jwk,
            private_key: Sealed::from(row.private_key_sealed),
            made_at: row.made_at,
            signs_from: row.signs_from,
            published_until: row.published_until.map(Timestamp::from),
        }
    }
}

/// The account's keys, each algorithm's in their order.
pub async fn keys(db: &Db, account: AccountId) -> Result<Vec<OidcKey>, StoreError> {
    let rows: Vec<Row> = read!(db, KEYS, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_all(executor)
        .await)?;
    Ok(rows.into_iter().map(OidcKey::from).collect())
}

/// Stores a key behind those of its algorithm, which are published until `others_until` from now on where nothing was said of
/// them yet. Fails as a violated uniqueness where there is one of its number.
pub async fn add(
    tx: &mut Tx,
    account: AccountId,
    key: &OidcKey,
    others_until: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, SUCCEEDED, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(key.algorithm.as_str())
        .bind(key.number)
        .bind(others_until.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    within!(tx, INSERT, |executor, sql| sqlx::query(sql)
        .bind(key.id.as_uuid())
        .bind(account.as_uuid())
        .bind(key.algorithm.as_str())
        .bind(key.number)
        .bind(key.key_id.as_str())
        .bind(key.public_jwk.as_str())
        .bind(key.private_key.as_bytes())
        .bind(key.made_at.as_micros())
        .bind(key.signs_from.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes the keys that are published no more.
pub async fn forget(tx: &mut Tx, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    within!(tx, FORGET, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes all of the account's keys: what they signed is worth nothing from then on.
pub async fn withdraw(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    within!(tx, WITHDRAW, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// The algorithm that somebody chose; none where nobody did.
pub async fn chosen(db: &Db, account: AccountId) -> Result<Option<SigningAlgorithm>, StoreError> {
    let row: Option<Chosen> = read!(db, ALGORITHM, |executor, sql| sqlx::query_as(sql)
        .bind(account.as_uuid())
        .fetch_optional(executor)
        .await)?;
    Ok(row.map(|row| row.algorithm))
}

/// Has the account's tokens signed with this algorithm.
pub async fn choose(
    tx: &mut Tx,
    account: AccountId,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, CHOOSE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(algorithm.as_str())
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_core::ids::OidcKeyId;

    use super::{OidcKey, SigningAlgorithm};
    use crate::testing::on_each_database;
    use crate::testing_builds::an_application;
    use crate::vault::Sealed;

    fn key(algorithm: SigningAlgorithm, number: i64) -> OidcKey {
        OidcKey {
            id: OidcKeyId::new(),
            algorithm,
            number,
            key_id: format!("k{number}"),
            public_jwk: "{}".to_owned(),
            private_key: Sealed::from(vec![1]),
            made_at: Timestamp::from_seconds(number),
            signs_from: Timestamp::from_seconds(number + 1),
            published_until: None,
        }
    }

    #[test]
    fn keys_follow_one_another_and_go_when_they_are_published_no_more() {
        on_each_database(async |db| {
            let (made, other) = (
                an_application(&db, "shop").await,
                an_application(&db, "other").await,
            );
            let until = Timestamp::from_seconds(100);
            let add = async |account, key: &OidcKey| {
                let mut tx = db.begin().await.expect("begins");
                let added = super::add(&mut tx, account, key, until).await;
                if added.is_ok() {
                    tx.commit().await.expect("commits");
                }
                added
            };
            for one in [
                key(SigningAlgorithm::Rs256, 1),
                key(SigningAlgorithm::Es256, 1),
                key(SigningAlgorithm::Rs256, 2),
            ] {
                add(made.account, &one).await.expect("stores");
            }
            add(other.account, &key(SigningAlgorithm::Rs256, 1))
                .await
                .expect("stores");
            let twice = add(made.account, &key(SigningAlgorithm::Rs256, 2)).await;
            assert!(twice.is_err_and(|error| error.is_unique_violation()));
            let found = async |account| {
                let keys = super::keys(&db, account).await.expect("reads");
                let of = |key: OidcKey| (key.algorithm, key.number, key.published_until);
                keys.into_iter().map(of).collect::<Vec<_>>()
            };
            let expected = [
                (SigningAlgorithm::Rs256, 1, Some(until)),
                (SigningAlgorithm::Rs256, 2, None),
                (SigningAlgorithm::Es256, 1, None),
            ];
            assert_eq!(found(made.account).await, expected);
            let mut tx = db.begin().await.expect("begins");
            super::forget(&mut tx, made.account, until)
                .await
                .expect("runs");
            tx.commit().await.expect("commits");
            assert_eq!(found(made.account).await, expected[1..]);
            assert_eq!(found(other.account).await.len(), 1);
        });
    }

    #[test]
    fn an_account_chooses_its_algorithm() {
        on_each_database(async |db| {
            let (made, other) = (
                an_application(&db, "shop").await,
                an_application(&db, "other").await,
            );
            for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
                let mut tx = db.begin().await.expect("begins");
                super::choose(&mut tx, made.account, algorithm, Timestamp::from_seconds(1))
                    .await
                    .expect("stores");
                tx.commit().await.expect("commits");
                let chosen = super::chosen(&db, made.account).await.expect("reads");
                assert_eq!(chosen, Some(algorithm));
            }
            let chosen = super::chosen(&db, other.account).await.expect("reads");
            assert_eq!(chosen, None);
        });
    }
}
