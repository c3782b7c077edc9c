//! The list of deliveries and the page of one.

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::ids::DeliveryId;
use pipewright_store::decisions::{self, ChangeKind, DecisionOutcome, NewDecision};
use pipewright_store::deliveries::{DeliveryState, settle};

use super::scene::Scene;

async fn decide(scene: &Scene, delivery: DeliveryId, outcome: DecisionOutcome, sentence: &str) {
    let new = NewDecision {
        account_id: scene.account,
        delivery_id: delivery,
        application_id: Some(scene.application),
        position: 0,
        change_kind: ChangeKind::Updated,
        ref_name: Some("refs/heads/feature/<x>".to_owned()),
        old_hash: Some("1".repeat(40)),
        new_hash: Some("2".repeat(40)),
        outcome,
        reason: "branch_not_selected",
        sentence: sentence.to_owned(),
        build_id: None,
        decided_at: scene.now(),
    };
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    decisions::insert(&mut tx, &new).await.expect("records");
    assert!(
        settle(&mut tx, delivery, DeliveryState::Decided, None, scene.now())
            .await
            .expect("settles")
    );
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn every_change_is_listed_with_what_was_decided_and_why() {
    let mut scene = Scene::new().await;
    assert!(
        scene
            .owner
            .get("/harbor/deliveries")
            .await
            .text
            .contains("No deliveries yet")
    );
    let first = scene.delivery("one", "{\"push\":{\"changes\":[]}}").await;
    decide(
        &scene,
        first,
        DecisionOutcome::NotBuilt,
        "The branch is not selected.",
    )
    .await;
    scene.delivery("two", "not <json>").await;
    let list = scene.owner.get("/harbor/deliveries").await;
    for expected in [
        "The branch is not selected.",
        "Not built",
        "feature/&#60;x&#62;",
        "To be decided",
        "sent by Bitbucket",
    ] {
        assert!(
            list.text.contains(expected),
            "{expected} is missing in {}",
            list.text
        );
    }
    let only = scene.owner.get("/harbor/deliveries?outcome=built").await;
    assert!(only.text.contains("No such delivery"), "{}", only.text);
    let page = scene
        .owner
        .get(&format!("/harbor/deliveries/{first}"))
        .await;
    for expected in [
        "branch_not_selected",
        "1111111 → 2222222",
        "&#34;changes&#34;: []",
        "x-event-key",
        ">Redeliver</button>",
    ] {
        assert!(
            page.text.contains(expected),
            "{expected} is missing in {}",
            page.text
        );
    }
    let body = scene
        .owner
        .get(&format!("/harbor/deliveries/{first}/body"))
        .await;
    assert_eq!(body.text, "{\"push\":{\"changes\":[]}}");
    assert!(
        body.headers["content-disposition"]
            .to_str()
            .expect("text")
            .starts_with("attachment")
    );
    let mut stranger = scene.site.owner_of("other").await;
    for path in [
        format!("/harbor/deliveries/{first}"),
        format!("/other/deliveries/{first}"),
        format!("/other/deliveries/{first}/body"),
    ] {
        assert_eq!(
            stranger.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn redeliver_stores_it_once_more_for_whoever_may() {
    let mut scene = Scene::new().await;
    let first = scene.delivery("one", "{}").await;
    let path = format!("/harbor/deliveries/{first}/redeliver");
    let mut viewer = scene.member(Role::Viewer).await;
    assert_eq!(viewer.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    let mut stranger = scene.site.owner_of("other").await;
    assert_eq!(
        stranger
            .post(&path.replace("harbor", "other"), &[])
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let done = scene.owner.post(&path, &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = scene.owner.follow(&done).await;
    assert!(
        page.text.contains("redelivered here") && page.text.contains("Delivered again"),
        "{}",
        page.text
    );
}

/// The address behind a link of the pager.
fn turn(page: &str, rel: &str) -> String {
    let link = page
        .split(&format!("rel=\"{rel}\" href=\""))
        .nth(1)
        .unwrap_or_else(|| panic!("no link {rel}: {page}"));
    let address = link.split('"').next().expect("ends");
    address.replace("&#38;", "&")
}

#[tokio::test]
async fn a_long_list_is_turned_both_ways() {
    let mut scene = Scene::new().await;
    let mut ids = Vec::new();
    for number in 0..65 {
        ids.push(scene.delivery(&format!("r{number}"), "{}").await);
    }
    let has = |page: &str, index: usize| page.contains(&format!("/deliveries/{}\"", ids[index]));
    let first = scene.owner.get("/harbor/deliveries").await.text;
    assert!(has(&first, 64) && has(&first, 35) && !has(&first, 34));
    assert!(!first.contains("rel=\"prev\"") && !first.contains(">Newest<"));
    let second = scene.owner.get(&turn(&first, "next")).await.text;
    assert!(has(&second, 34) && has(&second, 5) && !has(&second, 35));
    let third = scene.owner.get(&turn(&second, "next")).await.text;
    assert!(has(&third, 4) && has(&third, 0) && !third.contains("rel=\"next\""));
    let back = scene.owner.get(&turn(&third, "prev")).await.text;
    assert!(has(&back, 34) && has(&back, 5) && !has(&back, 4) && !has(&back, 35));
    let front = scene.owner.get(&turn(&back, "prev")).await.text;
    assert!(has(&front, 64) && has(&front, 35) && !front.contains("rel=\"prev\""));
    let nowhere = scene.owner.get("/harbor/deliveries?after=x").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_history_is_turned_both_ways_with_its_filter() {
    let mut scene = Scene::new().await;
    let mut tx = scene.site.app.db.begin().await.expect("begins");
    for number in 0..60 {
        let subject = format!("subject-{number:02}.");
        let event = pipewright_store::events::NewEvent {
            account_id: Some(scene.account),
            user_id: None,
            actor: "Mara",
            action: "application.created",
            subject: &subject,
            detail: serde_json::json!({}),
            address: None,
            at: scene.now(),
        };
        pipewright_store::events::record(&mut tx, &event)
            .await
            .expect("records");
    }
    tx.commit().await.expect("commits");
    let path = "/harbor/settings/audit-log?who=subject";
    let first = scene.owner.get(path).await.text;
    assert!(first.contains("subject-59.") && !first.contains("subject-09."));
    let next = turn(&first, "next");
    assert!(next.contains("who=subject"), "{next}");
    let second = scene.owner.get(&next).await.text;
    assert!(second.contains("subject-09.") && !second.contains("subject-10."));
    let back = scene.owner.get(&turn(&second, "prev")).await.text;
    assert!(back.contains("subject-59.") && !back.contains("rel=\"prev\""));
}
