//! Named leases: at most one owner does a thing at a time, and an owner that died is replaced when its time is up.

use std::time::Duration;

use pipewright_core::Timestamp;
use uuid::Uuid;

use crate::db::Tx;
use crate::error::StoreError;

statements! {
    TAKE = same(
        "INSERT INTO leases (name, owner, until) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
         WHERE leases.until <= $4 OR leases.owner = excluded.owner"
    );
    RELEASE = same("DELETE FROM leases WHERE name = $1 AND owner = $2");
}

/// Takes the lease, or prolongs it where `owner` has it. False where another has it.
pub async fn take(
    tx: &mut Tx,
    name: &str,
    owner: Uuid,
    now: Timestamp,
    duration: Duration,
) -> Result<bool, StoreError> {
    let until = (now + duration).as_micros();
    let rows = within!(tx, TAKE, |executor, sql| sqlx::query(sql)
        .bind(name)
        .bind(owner)
        .bind(until)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Gives the lease back; nothing happens where another has it.
pub async fn release(tx: &mut Tx, name: &str, owner: Uuid) -> Result<(), StoreError> {
    within!(tx, RELEASE, |executor, sql| sqlx::query(sql)
        .bind(name)
        .bind(owner)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use uuid::Uuid;

    use crate::testing::on_each_database;

    #[test]
    fn one_owner_at_a_time_and_the_next_after_its_time() {
        on_each_database(async |db| {
            let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
            let minute = Duration::from_mins(1);
            let start = Timestamp::from_seconds(0);
            let mut tx = db.begin().await.expect("begins");
            assert!(
                super::take(&mut tx, "decide", first, start, minute)
                    .await
                    .expect("takes")
            );
            assert!(
                super::take(&mut tx, "decide", first, start, minute)
                    .await
                    .expect("prolongs")
            );
            assert!(
                !super::take(&mut tx, "decide", second, start, minute)
                    .await
                    .expect("is refused")
            );
            assert!(
                super::take(&mut tx, "decide", second, start + minute, minute)
                    .await
                    .expect("takes over")
            );
            super::release(&mut tx, "decide", first)
                .await
                .expect("does nothing");
            assert!(
                !super::take(&mut tx, "decide", first, start + minute, minute)
                    .await
                    .expect("is refused")
            );
            tx.commit().await.expect("commits");
        });
    }
}
