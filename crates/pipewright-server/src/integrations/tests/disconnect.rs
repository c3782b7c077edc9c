//! Disconnecting: what is named, what is removed, what is left for a person.

use pipewright_store::integrations::{IntegrationKind, IntegrationState};
use pipewright_store::{credentials, webhooks};

use super::world::{PAGE, World};
use crate::access::bitbucket_for;
use crate::applications::tests::make_application;

#[tokio::test]
async fn a8_disconnecting_names_what_stops_and_leaves_nothing_of_ours_at_bitbucket() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account:write", "email", "pullrequest", "webhook"])
        .await;
    world.consent(&[("register_user_key", "on")], "grant").await;
    let integration = world.integration(IntegrationKind::Cloud).await;
    world.background().await;
    make_application(&mut world, "checkout-api").await;
    world.background().await;
    assert_eq!(
        world
            .sim
            .cloud()
            .webhooks("harbor/checkout-api")
            .expect("is there")
            .len(),
        1
    );
    assert_eq!(
        world.sim.cloud().user_ssh_keys("mara").expect("mara").len(),
        1
    );

    let path = format!("{PAGE}/{}/disconnect", integration.id);
    let asked = world.owner.get(&path).await.text;
    for expected in [
        "checkout-api",
        "no longer build",
        "Remove the authorization",
    ] {
        assert!(asked.contains(expected), "{expected}");
    }
    let done = world.owner.post(&path, &[]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(
        done.text.contains("the webhook of harbor/checkout-api")
            && !done.text.contains("still there"),
        "{}",
        done.text
    );

    assert!(
        world
            .sim
            .cloud()
            .webhooks("harbor/checkout-api")
            .expect("is there")
            .is_empty()
    );
    assert!(
        world
            .sim
            .cloud()
            .user_ssh_keys("mara")
            .expect("mara")
            .is_empty()
    );
    let left = world.integration(IntegrationKind::Cloud).await;
    assert_eq!(left.state, IntegrationState::Disconnected);
    assert!(left.key.private_sealed.is_none());
    assert!(
        credentials::of_integration(&world.app().db, left.id)
            .await
            .expect("reads")
            .is_none()
    );
    assert!(
        bitbucket_for(world.app(), left.id)
            .await
            .expect_err("is gone")
            .to_string()
            .contains("disconnected")
    );
    assert!(world.page().await.contains("Not connected"));
    assert_eq!(world.owner.post(&path, &[]).await.status, 404, "only once");
    let application = world
        .owner
        .get("/harbor-team/applications/checkout-api")
        .await
        .text;
    assert!(application.contains("is disconnected"), "{application}");

    world.consent(&[], "grant").await;
    let again = world.integration(IntegrationKind::Cloud).await;
    assert_eq!(
        (again.id, again.state),
        (left.id, IntegrationState::Connected)
    );
    assert_ne!(
        again.key.public, left.key.public,
        "the old private key was destroyed"
    );
    world.background().await;
    assert_eq!(
        world
            .sim
            .cloud()
            .webhooks("harbor/checkout-api")
            .expect("is there")
            .len(),
        1,
        "its applications go on"
    );
}

#[tokio::test]
async fn a8_disconnecting_works_although_bitbucket_is_away_and_says_what_is_left_there() {
    let mut world = World::new().await;
    let integration = world.connect_server().await;
    world.background().await;
    make_application(&mut world, "ledger").await;
    world.background().await;
    world.sim.datacenter().faults().unreachable(true);
    let done = world
        .owner
        .post(&format!("{PAGE}/{}/disconnect", integration.id), &[])
        .await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(
        done.text.contains("still there") && done.text.contains("the webhook of FIN/ledger"),
        "{}",
        done.text
    );
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Disconnected
    );
    let hooks = webhooks::of_integration(&world.app().db, integration.id)
        .await
        .expect("reads");
    assert!(hooks.iter().all(|hook| hook.remote_id.is_none()));
}
