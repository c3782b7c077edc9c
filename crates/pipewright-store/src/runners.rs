//! Runners that are known.

use pipewright_core::Timestamp;
use pipewright_core::ids::RunnerId;

use crate::db::Tx;
use crate::error::StoreError;

statements! {
    REGISTER = same(
        "INSERT INTO runners (id, name, kind, slots, seen_at, created_at) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, slots = excluded.slots, seen_at = excluded.seen_at"
    );
}

words! {
    /// Where a runner runs.
    RunnerKind, "kind of runner" {
        /// In the server's own process.
        Embedded = "embedded",
        /// On another machine.
        Remote = "remote",
        /// In a Kubernetes cluster.
        Kubernetes = "kubernetes",
    }
}

/// Makes a runner known, or brings what is known of it up to date.
pub async fn register(
    tx: &mut Tx,
    id: RunnerId,
    name: &str,
    kind: RunnerKind,
    slots: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    within!(tx, REGISTER, |executor, sql| sqlx::query(sql)
        .bind(id.as_uuid())
        .bind(name)
        .bind(kind.as_str())
        .bind(slots as i64)
        .bind(now.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}
