//! Where the server itself may connect to: one pattern a row. What a pattern means is the server's rule.

use pipewright_core::Timestamp;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    LIST = same("SELECT pattern, added_by, added_at FROM outgoing_addresses ORDER BY added_at, pattern");
    ADD = same("INSERT INTO outgoing_addresses (pattern, added_by, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    REMOVE = same("DELETE FROM outgoing_addresses WHERE pattern = $1");
}

/// An address that may be connected to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OutgoingAddress {
    /// A host, a host and port, a range of addresses, or one of the words `public`, `private` and `loopback`.
    pub pattern: String,
    /// Who allowed it.
    pub added_by: String,
    /// When.
    #[sqlx(try_from = "i64")]
    pub added_at: Timestamp,
}

/// Everything that is allowed, the oldest first.
pub async fn list(db: &Db) -> Result<Vec<OutgoingAddress>, StoreError> {
    Ok(read!(db, LIST, |executor, sql| sqlx::query_as(sql)
        .fetch_all(executor)
        .await)?)
}

/// Allows an address. False where it was allowed already.
pub async fn add(tx: &mut Tx, address: &OutgoingAddress) -> Result<bool, StoreError> {
    let rows = within!(tx, ADD, |executor, sql| sqlx::query(sql)
        .bind(&address.pattern)
        .bind(&address.added_by)
        .bind(address.added_at.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Allows an address no more. False where it was not allowed.
pub async fn remove(tx: &mut Tx, pattern: &str) -> Result<bool, StoreError> {
    let rows = within!(tx, REMOVE, |executor, sql| sqlx::query(sql)
        .bind(pattern)
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::OutgoingAddress;
    use crate::testing::on_each_database;

    #[test]
    fn a_new_database_allows_all_but_what_is_never_allowed() {
        on_each_database(async |db| {
            let patterns = async || {
                let listed = super::list(&db).await.expect("reads");
                listed
                    .into_iter()
                    .map(|one| one.pattern)
                    .collect::<Vec<_>>()
            };
            assert_eq!(patterns().await, ["loopback", "private", "public"]);
            let host = OutgoingAddress {
                pattern: "git.example.com".to_owned(),
                added_by: "Mara".to_owned(),
                added_at: Timestamp::from_seconds(1),
            };
            let mut tx = db.begin().await.expect("begins");
            assert!(super::add(&mut tx, &host).await.expect("adds"));
            assert!(!super::add(&mut tx, &host).await.expect("runs"));
            assert!(super::remove(&mut tx, "private").await.expect("removes"));
            assert!(!super::remove(&mut tx, "private").await.expect("runs"));
            tx.commit().await.expect("commits");
            assert_eq!(patterns().await, ["loopback", "public", "git.example.com"]);
        });
    }
}
