//! Events: one line of history each. Written in the transaction of what they tell, so that neither exists without the other.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, EventId, UserId};
use serde_json::Value;
use sqlx::types::Json;

use crate::columns::MaybeUuid;
use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::page::PageStart;

/// What every listing gives, and what it asks beside the account.
macro_rules! listing {
    ($of:literal, $from:literal) => {
        concat!(
            "SELECT id, user_id, actor, actor_email, action, subject, detail, address, account_name, at FROM events WHERE ",
            $of,
            " AND (CAST($3 AS TEXT) = '' OR action = $3 OR action LIKE $4 ESCAPE '\\')
              AND (CAST($5 AS TEXT) = '' OR LOWER(actor) LIKE $6 ESCAPE '\\' OR LOWER(COALESCE(actor_email, '')) LIKE $6 ESCAPE '\\'
                   OR LOWER(subject) LIKE $6 ESCAPE '\\' OR COALESCE(address, '') LIKE $6 ESCAPE '\\'
                   OR LOWER(COALESCE(account_name, '')) LIKE $6 ESCAPE '\\')
              AND at >= $7 AND at < $8 AND ",
            $from,
            " LIMIT $9"
        )
    };
}

statements! {
    RECORD = same(
        "INSERT INTO events (id, account_id, user_id, actor, actor_email, action, subject, detail, address, at)
         VALUES ($1, $2, $3, $4, (SELECT email FROM users WHERE id = $3), $5, $6, $7, $8, $9)"
    );
    OF_ACCOUNT = same(listing!("account_id = $1", "(CAST($2 AS UUID) IS NULL OR id < $2) ORDER BY id DESC"));
    OF_ACCOUNT_NEWER = same(listing!("account_id = $1", "id > $2 ORDER BY id"));
    OF_INSTALLATION = same(listing!(
        "account_id IS NULL AND CAST($1 AS UUID) IS NULL",
        "(CAST($2 AS UUID) IS NULL OR id < $2) ORDER BY id DESC"
    ));
    OF_INSTALLATION_NEWER = same(listing!("account_id IS NULL AND CAST($1 AS UUID) IS NULL", "id > $2 ORDER BY id"));
    OUTLIVE = same("UPDATE events SET account_name = $2, account_id = NULL WHERE account_id = $1");
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
    /// The user who did it; none for the server itself and for strangers.
    #[sqlx(try_from = "MaybeUuid")]
    pub user_id: Option<UserId>,
    /// Who did it, as they were called then.
    pub actor: String,
    /// Their e-mail address as it was then.
    pub actor_email: Option<String>,
    /// A stable word.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// What else is worth knowing, as an object of words.
    #[sqlx(json)]
    pub detail: Value,
    /// The network address it came from.
    pub address: Option<String>,
    /// The account it belonged to, where that was deleted since.
    pub account_name: Option<String>,
    /// When.
    #[sqlx(try_from = "i64")]
    pub at: Timestamp,
}

/// Which lines of history are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The account's; none for the installation's own, which also holds those of deleted accounts.
    pub account: Option<AccountId>,
    /// Where the page begins.
    pub from: PageStart<EventId>,
    /// Only this action (`member.invited`), or every action of this noun (`member`); empty for all.
    pub action: String,
    /// Only where name, address, subject or network address holds this text; empty for all.
    pub text: String,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
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

/// The history that is asked for, newest first, at most `limit` lines.
pub async fn list(db: &Db, filter: &EventFilter, limit: u16) -> Result<Vec<Event>, StoreError> {
    let is_upwards = matches!(filter.from, PageStart::NewerThan(_));
    let statement = match (filter.account, is_upwards) {
        (Some(_), false) => &OF_ACCOUNT,
        (Some(_), true) => &OF_ACCOUNT_NEWER,
        (None, false) => &OF_INSTALLATION,
        (None, true) => &OF_INSTALLATION_NEWER,
    };
    let text = filter.text.trim().to_lowercase();
    let found = read!(db, statement, |executor, sql| sqlx::query_as(sql)
        .bind(filter.account.map(AccountId::as_uuid))
        .bind(filter.from.edge().map(EventId::as_uuid))
        .bind(&filter.action)
        .bind(format!("{}.%", escaped(&filter.action)))
        .bind(&text)
        .bind(format!("%{}%", escaped(&text)))
        .bind(filter.since.map_or(i64::MIN, Timestamp::as_micros))
        .bind(filter.until.map_or(i64::MAX, Timestamp::as_micros))
        .bind(i64::from(limit))
        .fetch_all(executor)
        .await)?;
    Ok(filter.from.newest_first(found))
}

/// Makes an account's history the installation's, because the account goes: `name` is what it was called.
pub async fn outlive(tx: &mut Tx, account: AccountId, name: &str) -> Result<(), StoreError> {
    within!(tx, OUTLIVE, |executor, sql| sqlx::query(sql)
        .bind(account.as_uuid())
        .bind(name)
        .execute(executor)
        .await
        .map(drop))?;
    Ok(())
}

/// A text in which LIKE finds only itself.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|character| match character {
            '%' | '_' | '\\' => vec!['\\', character],
            other => vec![other],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;

    use super::{EventFilter, NewEvent, PageStart};
    use crate::accounts::tests::account;
    use crate::testing::on_each_database;
    use crate::users::tests::user;

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
            let of = async |account, from| {
                let filter = EventFilter {
                    account: Some(account),
                    from,
                    ..EventFilter::default()
                };
                super::list(&db, &filter, 2).await.expect("reads")
            };
            let subjects = |found: &[super::Event]| {
                found
                    .iter()
                    .map(|event| event.subject.clone())
                    .collect::<Vec<_>>()
            };
            let first = of(mine, PageStart::Newest).await;
            assert_eq!(first[0].detail, serde_json::json!({ "name": "c" }));
            assert_eq!(subjects(&first), ["c", "b"]);
            let second = of(mine, PageStart::OlderThan(first[1].id)).await;
            assert_eq!(subjects(&second), ["a"]);
            let back = of(mine, PageStart::NewerThan(second[0].id)).await;
            assert_eq!(subjects(&back), ["c", "b"], "and forwards again");
            let up = of(mine, PageStart::NewerThan(first[1].id)).await;
            assert_eq!(subjects(&up), ["c"]);

            let mut tx = db.begin().await.expect("begins");
            super::outlive(&mut tx, other, "other")
                .await
                .expect("outlives");
            tx.commit().await.expect("commits");
            assert!(of(other, PageStart::Newest).await.is_empty());
            let kept = super::list(&db, &EventFilter::default(), 10)
                .await
                .expect("reads");
            assert_eq!(subjects(&kept), ["x"], "the installation's from then on");
            let newer = EventFilter {
                from: PageStart::NewerThan(kept[0].id),
                ..EventFilter::default()
            };
            assert_eq!(super::list(&db, &newer, 10).await.expect("reads"), []);
            assert_eq!(kept[0].account_name.as_deref(), Some("other"));
        });
    }

    #[test]
    fn history_names_who_it_was_by_what_cannot_be_changed_and_is_filtered() {
        on_each_database(async |db| {
            let mara = user(&db, "mara@example.com").await;
            let mut tx = db.begin().await.expect("begins");
            for (seconds, action, subject) in [
                (1, "user.signed_in", "mara@example.com"),
                (2, "user.disabled", "ivo_@example.com"),
                (3, "usersX.other", "ivoX@example.com"),
            ] {
                let event = NewEvent {
                    account_id: None,
                    user_id: Some(mara.id),
                    actor: "Root Admin",
                    action,
                    subject,
                    detail: serde_json::json!({}),
                    address: None,
                    at: Timestamp::from_seconds(seconds),
                };
                super::record(&mut tx, &event).await.expect("records");
            }
            tx.commit().await.expect("commits");
            let found = async |filter: EventFilter| {
                let found = super::list(&db, &filter, 10).await.expect("reads");
                assert!(found.iter().all(|event| event.actor_email.as_deref()
                    == Some("mara@example.com")
                    && event.user_id == Some(mara.id)));
                found
                    .iter()
                    .map(|event| event.action.clone())
                    .collect::<Vec<_>>()
            };
            let action = |action: &str| EventFilter {
                action: action.to_owned(),
                ..EventFilter::default()
            };
            assert_eq!(
                found(action("user")).await,
                ["user.disabled", "user.signed_in"]
            );
            assert_eq!(found(action("user.signed_in")).await, ["user.signed_in"]);
            let text = EventFilter {
                text: "IVO_".to_owned(),
                ..EventFilter::default()
            };
            assert_eq!(found(text).await, ["user.disabled"]);
            let between = EventFilter {
                since: Some(Timestamp::from_seconds(2)),
                until: Some(Timestamp::from_seconds(3)),
                ..EventFilter::default()
            };
            assert_eq!(found(between).await, ["user.disabled"]);
        });
    }
}
