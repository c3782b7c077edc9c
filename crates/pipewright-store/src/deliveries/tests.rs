//! What is kept of deliveries, on each database.

use pipewright_core::Timestamp;
use pipewright_core::ids::{AccountId, DeliveryId, RepositoryId};
use uuid::Uuid;

use super::{DeliveryFilter, DeliveryState, NewDelivery, Origin};
use crate::db::Db;
use crate::testing::on_each_database;
use crate::testing_builds::{Made, an_application};

fn a_delivery(made: Made, webhook: Uuid, request: &str) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(),
        account_id: made.account,
        repository_id: made.repository,
        webhook_id: webhook,
        request_id: request.to_owned(),
        event: None,
        origin: Origin::Bitbucket,
        event_key: "repo:push".to_owned(),
        attempt_number: 1,
        headers: vec![("x-event-key".to_owned(), "repo:push".to_owned())],
        body: br#"{"push":{}}"#.to_vec(),
        received_at: Timestamp::from_seconds(50),
    }
}

#[test]
fn a_request_is_stored_once_per_webhook() {
    on_each_database(async |db| {
        let made = an_application(&db, "once").await;
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::insert(&mut tx, &a_delivery(made, one, "r1"))
                .await
                .expect("stores")
        );
        assert!(
            !super::insert(&mut tx, &a_delivery(made, one, "r1"))
                .await
                .expect("knows it")
        );
        assert!(
            super::insert(&mut tx, &a_delivery(made, two, "r1"))
                .await
                .expect("another webhook")
        );
        assert!(
            super::insert(&mut tx, &a_delivery(made, one, "r2"))
                .await
                .expect("another request")
        );
        tx.commit().await.expect("commits");
        let listed = super::list(&db, made.account, &DeliveryFilter::default(), 10)
            .await
            .expect("lists");
        assert_eq!(listed.len(), 3);
        let whole = super::get(&db, made.account, listed[0].id)
            .await
            .expect("reads")
            .expect("is there");
        assert_eq!(
            (whole.request_id.as_str(), whole.body.as_slice()),
            ("r2", br#"{"push":{}}"#.as_slice())
        );
        assert!(
            super::get(&db, AccountId::new(), listed[0].id)
                .await
                .expect("reads")
                .is_none(),
            "another account's"
        );
    });
}

async fn next(db: &Db, repository: RepositoryId, now: Timestamp) -> Vec<DeliveryId> {
    let next = super::next(db, repository, now, 10, 1 << 20).await;
    next.expect("reads")
        .iter()
        .map(|delivery| delivery.id)
        .collect()
}

#[test]
fn those_of_one_repository_are_decided_in_order_and_once() {
    on_each_database(async |db| {
        let made = an_application(&db, "order").await;
        let webhook = Uuid::now_v7();
        let now = Timestamp::from_seconds(60);
        let (first, second) = (
            a_delivery(made, webhook, "r1"),
            a_delivery(made, webhook, "r2"),
        );
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &first).await.expect("stores");
        super::insert(&mut tx, &second).await.expect("stores");
        tx.commit().await.expect("commits");
        assert_eq!(
            super::repositories_to_decide(&db, now, 10)
                .await
                .expect("reads"),
            [made.repository]
        );
        assert_eq!(next(&db, made.repository, now).await, [first.id, second.id]);
        let sized = async |most, bytes| {
            let next = super::next(&db, made.repository, now, most, bytes).await;
            next.expect("reads").len()
        };
        assert_eq!(sized(1, 1 << 20).await, 1);
        assert_eq!(sized(10, 0).await, 1, "one, however large");

        // While the first waits to be tried again, the second waits behind it.
        let later = Timestamp::from_seconds(90);
        let mut tx = db.begin().await.expect("begins");
        super::retry_later(&mut tx, first.id, later, "Bitbucket was away")
            .await
            .expect("waits");
        tx.commit().await.expect("commits");
        assert!(
            super::repositories_to_decide(&db, now, 10)
                .await
                .expect("reads")
                .is_empty()
        );
        assert!(next(&db, made.repository, now).await.is_empty());
        let again = super::next(&db, made.repository, later, 10, 1 << 20)
            .await
            .expect("reads");
        assert_eq!((again[0].id, again[0].tries), (first.id, 1));

        let mut tx = db.begin().await.expect("begins");
        assert!(
            super::settle(&mut tx, first.id, DeliveryState::Decided, None, later)
                .await
                .expect("settles")
        );
        assert!(
            !super::settle(&mut tx, first.id, DeliveryState::Failed, None, later)
                .await
                .expect("is settled already")
        );
        tx.commit().await.expect("commits");
        assert_eq!(next(&db, made.repository, now).await, [second.id]);
        // One that was tried is decided by itself when it is due, and never before its turn.
        let third = a_delivery(made, webhook, "r3");
        let mut tx = db.begin().await.expect("begins");
        super::insert(&mut tx, &third).await.expect("stores");
        super::retry_later(&mut tx, third.id, later, "Bitbucket was away")
            .await
            .expect("waits");
        tx.commit().await.expect("commits");
        assert_eq!(next(&db, made.repository, now).await, [second.id]);
        assert!(next(&db, RepositoryId::new(), now).await.is_empty());
    });
}
