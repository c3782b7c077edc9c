//! What is kept of integrations, on each database.

use pipewright_core::Timestamp;

use super::testing::{an_account, an_integration};
use super::{
    HostKey, IntegrationKind, IntegrationState, KeyCheck, accept_host_key, by_account, disconnect,
    find, find_at, get, of_account, offer_host_key, pin_host_key, set_key_check, set_state,
};
use crate::testing::on_each_database;

fn host_key(fingerprint: &str) -> HostKey {
    HostKey {
        fingerprint: fingerprint.to_owned(),
        lines: format!("host ssh-ed25519 {fingerprint}"),
    }
}

#[test]
fn an_integration_reads_back_and_belongs_to_its_account_only() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let (other, _) = an_account(&mut tx, "other").await;
        let id = an_integration(&mut tx, account, user).await;
        let found = find(&mut tx, id).await.expect("reads").expect("is there");
        let at = find_at(
            &mut tx,
            account,
            IntegrationKind::DataCenter,
            &found.base_url,
        )
        .await
        .expect("reads");
        assert_eq!(at.map(|integration| integration.id), Some(id));
        assert!(
            find_at(&mut tx, other, IntegrationKind::DataCenter, &found.base_url)
                .await
                .expect("reads")
                .is_none()
        );
        tx.commit().await.expect("commits");
        assert_eq!(found.workspaces, ["FIN", "OPS"]);
        assert_eq!(
            (found.ssh_port, found.state, found.key_check),
            (7999, IntegrationState::Connected, KeyCheck::Unknown)
        );
        assert!(of_account(&db, account, id).await.expect("reads").is_some());
        assert!(of_account(&db, other, id).await.expect("reads").is_none());
        assert_eq!(by_account(&db, account).await.expect("reads").len(), 1);
        assert!(by_account(&db, other).await.expect("reads").is_empty());
    });
}

#[test]
fn a_host_key_is_pinned_once_and_changed_by_a_person_who_saw_it() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let id = an_integration(&mut tx, account, user).await;
        assert!(
            pin_host_key(&mut tx, id, &host_key("first"))
                .await
                .expect("pins")
        );
        assert!(
            !pin_host_key(&mut tx, id, &host_key("second"))
                .await
                .expect("stays")
        );
        offer_host_key(&mut tx, id, Some(&host_key("second")))
            .await
            .expect("offers");
        offer_host_key(&mut tx, id, Some(&host_key("third")))
            .await
            .expect("offers");
        assert!(
            !accept_host_key(&mut tx, id, "second")
                .await
                .expect("not what is offered now")
        );
        assert!(
            accept_host_key(&mut tx, id, "third")
                .await
                .expect("accepts")
        );
        tx.commit().await.expect("commits");
        let found = get(&db, id).await.expect("reads").expect("is there");
        assert_eq!(found.host_key_fingerprint.as_deref(), Some("third"));
        assert_eq!(found.known_hosts, Some(host_key("third").lines));
        assert_eq!(found.host_key_offered, None);
    });
}

#[test]
fn disconnecting_leaves_no_secret_and_cannot_be_undone_by_a_late_word() {
    on_each_database(async |db| {
        let mut tx = db.begin().await.expect("begins");
        let (account, user) = an_account(&mut tx, "harbor").await;
        let id = an_integration(&mut tx, account, user).await;
        set_key_check(
            &mut tx,
            id,
            KeyCheck::Accepted,
            None,
            Timestamp::from_seconds(9),
        )
        .await
        .expect("keeps");
        assert!(
            set_state(&mut tx, id, IntegrationState::Reconnect, Some("revoked"))
                .await
                .expect("changes")
        );
        disconnect(&mut tx, id).await.expect("disconnects");
        assert!(
            !set_state(&mut tx, id, IntegrationState::Connected, None)
                .await
                .expect("stays")
        );
        tx.commit().await.expect("commits");
        let found = get(&db, id).await.expect("reads").expect("is there");
        assert_eq!(
            (found.state, found.key_check),
            (IntegrationState::Disconnected, KeyCheck::Unknown)
        );
        assert_eq!(found.key.private_sealed, None);
    });
}
