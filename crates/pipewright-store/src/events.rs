//! Events: one line of history each. Written in the transaction of what they tell, so that neither exists without the other.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, EventId, UserId};
use serde_json::Value;
use sqlx::types::Json;

use crate::db::{Db, Tx};
use crate::error::StoreError;

statements! {
    RECORD = same(
        "INSERT INTO events (id, account_id, user_id, actor, action, subject, detail, address, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    OF_ACCOUNT = same(
        "SELECT id, actor, action, subject, detail, address, at FROM events WHERE account_id = $1 ORDER BY id DESC LIMIT $2"
    );
    OF_ACCOUNT_BEFORE = same(
        "SELECT id, actor, action, subject, detail, address, at FROM events
         WHERE account_id = $1 AND id < $3 ORDER BY id DESC LIMIT $2"
    );
}

/// Something that somebody did.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// The account it belongs to; `None` for the installation's own.
    pub account_id: Option<AccountId>,
    /// Who did it, where it was a user.
    pub user_id: Option<UserId>,
    /// Their name as it was then, or `Pipewright`.
    pub actor: &'a str,
    /// A stable word: `member.invited`, `application.created`.
    pub action: &'a str,
    /// What it was done to, as people call it.
    pub subject: &'a str,
    /// What else is worth knowing, as an object of words: `{"role": "admin"}`; `{}` where there is nothing.
    pub detail: Value,
    /// The network address it came from.
    pub address: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// One line of history.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// The id; later ones sort later.
    #[sqlx(try_from = "uuid::Uuid")]
    pub id: EventId,
    /// Who did it.
    pub actor: String,
    /// A stable word.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What else is worth knowing, as an object of words.
    #[sqlx(json)]
    pub detail: Value,
    /// The network address it came from.
    pub address: Option<String>,
    /// When.
    #[sqlx(try_from = "i64")]
    pub at: Timestamp,
}

/// Writes a line of history.
pub async fn record(tx: &mut Tx, event: &NewEvent<'_>) -> Result<(), StoreError> {
    within!(tx, RECORD, |executor, sql| sqlx::query(sql)
        .bind(EventId::new().as_uuid())
        .bind(event.account_id.map(AccountId::as_uuid))
        .bind(event.user_id.map(UserId::as_uuid))
        .bind(event.actor)
        .bind(event.action)
        .bind(event.subject)
        .bind(Json(&event.detail))
        .bind(event.address)
        .bind(event.at.as_micros())
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// An account's history, newest first, from before the given line on.
pub async fn of_account(
    db: &Db,
    account: AccountId,
    before: Option<EventId>,
    limit: u16,
) -> Result<Vec<Event>, StoreError> {
    let account = account.as_uuid();
    let limit = i64::from(limit);
    Ok(match before {
        None => read!(db, OF_ACCOUNT, |executor, sql| sqlx::query_as(sql)
            .bind(account)
            .bind(limit)
            .fetch_all(executor)
            .await),
        Some(before) => read!(db, OF_ACCOUNT_BEFORE, |executor, sql| sqlx::query_as(sql)
            .bind(account)
            .bind(limit)
            .bind(before.as_uuid())
            .fetch_all(executor)
            .await),
    }?)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::NewEvent;
    use crate::accounts::tests::account;
    use crate::testing::on_each_database;

    #[test]
    fn history_is_read_backwards_page_by_page_and_per_account() {
        on_each_database(async |db| {
            let (mine, other) = (
                account(&db, "harbor").await.id,
                account(&db, "other").await.id,
            );
            let mut tx = db.begin().await.expect("begins");
            for (account, subject) in [(mine, "a"), (other, "x"), (mine, "b"), (mine, "c")] {
                let event = NewEvent {
                    account_id: Some(account),
                    user_id: None,
                    actor: "Mara",
                    action: "application.created",
                    subject,
                    detail: serde_json::json!({ "name": subject }),
                    address: Some("192.0.2.1"),
                    at: Timestamp::from_seconds(1),
                };
                super::record(&mut tx, &event).await.expect("records");
            }
            tx.commit().await.expect("commits");
            let first = super::of_account(&db, mine, None, 2).await.expect("reads");
            assert_eq!(first[0].detail, serde_json::json!({ "name": "c" }));
            assert_eq!(
                first
                    .iter()
                    .map(|event| event.subject.as_str())
                    .collect::<Vec<_>>(),
                ["c", "b"]
            );
            let second = super::of_account(&db, mine, Some(first[1].id), 2)
                .await
                .expect("reads");
            assert_eq!(
                second
                    .iter()
                    .map(|event| event.subject.as_str())
                    .collect::<Vec<_>>(),
                ["a"]
            );
        });
    }
}
