//! Settings of the whole installation: few, named, small. Secret ones are sealed by the caller before they come here.

use pipewright_core::Timestamp;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    GET = same("SELECT value FROM settings WHERE name = $1");
    PUT = same(
        "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
    );
    REMOVE = same("DELETE FROM settings WHERE name = $1");
    TAKE = same("DELETE FROM settings WHERE name = $1 AND value = $2");
}

/// The setting's value, if it was ever set.
pub async fn get(db: &Db, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(read!(db, GET, |executor, sql| sqlx::query_scalar(sql)
        .bind(name)
        .fetch_optional(executor)
        .await)?)
}

/// Sets a setting.
pub async fn put(tx: &mut Tx, name: &str, value: &[u8], now: Timestamp) -> Result<(), StoreError> {
    within!(tx, PUT, |executor, sql| sqlx::query(sql)
        .bind(name)
        .bind(value)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes a setting; nothing happens where it is not set.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(name)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// Removes a setting if it still has this value. False where it has not: of two that take it at the same time, one wins.
pub async fn take(tx: &mut Tx, name: &str, value: &[u8]) -> Result<bool, StoreError> {
    let rows = within!(tx, TAKE, |executor, sql| sqlx::query(sql)
        .bind(name)
        .bind(value)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use crate::testing::on_each_database;

    #[test]
    fn a_setting_reads_back_is_replaced_and_goes() {
        on_each_database(async |db| {
            let now = Timestamp::from_seconds(1);
            for value in [b"a", b"b"] {
                let mut tx = db.begin().await.expect("begins");
                super::put(&mut tx, "consumer", value, now)
                    .await
                    .expect("puts");
                tx.commit().await.expect("commits");
                assert_eq!(
                    super::get(&db, "consumer").await.expect("reads"),
                    Some(value.to_vec())
                );
            }
            let mut tx = db.begin().await.expect("begins");
            super::remove(&mut tx, "consumer").await.expect("removes");
            super::put(&mut tx, "link", b"token", now)
                .await
                .expect("puts");
            assert!(!super::take(&mut tx, "link", b"other").await.expect("runs"));
            assert!(super::take(&mut tx, "link", b"token").await.expect("runs"));
            assert!(
                !super::take(&mut tx, "link", b"token").await.expect("runs"),
                "only once"
            );
            tx.commit().await.expect("commits");
            assert_eq!(super::get(&db, "consumer").await.expect("reads"), None);
        });
    }
}
