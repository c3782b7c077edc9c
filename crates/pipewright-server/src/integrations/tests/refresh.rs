//! Refreshing tokens: before they expire, by one caller at a time, never losing the pair.

use crate::access::{IntegrationUnavailable, bitbucket_for, clone_credential, note_revoked};
use std::time::Duration;

use pipewright_bitbucket::Bitbucket;
use pipewright_core::wire::CloneCredential;
use pipewright_simulator::AnswerFault;
use pipewright_store::credentials::{self, CredentialState};
use pipewright_store::integrations::{CloneVia, Integration, IntegrationState};
use pipewright_store::repositories::{self, Search};
use pipewright_store::{events, integrations};

use super::world::World;

const TOKENS: &str = "/site/oauth2/access_token";

/// The header that a clone would send now, which holds the access token.
async fn token(world: &World, integration: &Integration) -> Result<String, IntegrationUnavailable> {
    let search = Search {
        text: "checkout".to_owned(),
        limit: 1,
        ..Search::default()
    };
    let (found, _) = repositories::search(&world.app().db, integration.account, &search)
        .await
        .expect("searches");
    match clone_credential(world.app(), found[0].id).await?.1 {
        CloneCredential::Header { value } => Ok(value.expose().to_owned()),
        other => panic!("{other:?}"),
    }
}

async fn connected() -> (World, Integration) {
    let mut world = World::new().await;
    let integration = world.connect_cloud().await;
    world.background().await;
    let mut tx = world.app().db.begin().await.expect("begins");
    integrations::set_clone_via(&mut tx, integration.id, CloneVia::Https)
        .await
        .expect("changes");
    tx.commit().await.expect("commits");
    (world, integration)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_fifty_callers_at_once_make_one_refresh() {
    let (world, integration) = connected().await;
    let before = token(&world, &integration).await.expect("works");
    world.site.clock.advance(Duration::from_mins(47));
    assert_eq!(
        token(&world, &integration).await.expect("works"),
        before,
        "it is not 80 % of its life old"
    );
    world.site.clock.advance(Duration::from_mins(2));
    // Slow enough that all of them arrive while the first is asking; a second request would be refused.
    world
        .sim
        .cloud()
        .faults()
        .slow(Duration::from_millis(300), Some(TOKENS));
    let mut callers = tokio::task::JoinSet::new();
    let world = std::sync::Arc::new(world);
    for _ in 0..50 {
        let (world, integration) = (std::sync::Arc::clone(&world), integration.clone());
        callers.spawn(async move { token(&world, &integration).await.expect("works") });
    }
    let all = callers.join_all().await;
    assert_ne!(all[0], before);
    assert!(
        all.iter().all(|token| *token == all[0]),
        "everybody got the same new token"
    );
    world.sim.cloud().faults().clear();
    assert_eq!(
        token(&world, &integration).await.expect("works"),
        all[0],
        "it was stored"
    );
    let client = bitbucket_for(world.app(), integration.id)
        .await
        .expect("works");
    assert_eq!(
        client.current_user().await.expect("answers").display_name,
        "Mara Lindqvist"
    );
}

#[tokio::test]
async fn b4_a_token_past_its_expiry_is_refreshed_first() {
    let (world, integration) = connected().await;
    world.site.clock.advance(Duration::from_hours(3));
    world.sim.clock().advance(Duration::from_hours(3));
    let client = bitbucket_for(world.app(), integration.id)
        .await
        .expect("works");
    assert_eq!(client.current_user().await.expect("answers").name, "mara");
}

#[tokio::test]
async fn a_bitbucket_that_fails_costs_nothing_as_long_as_the_token_lives() {
    let (world, integration) = connected().await;
    let before = token(&world, &integration).await.expect("works");
    world.site.clock.advance(Duration::from_mins(50));
    world
        .sim
        .cloud()
        .faults()
        .answer(AnswerFault::under(TOKENS, 503));
    assert_eq!(
        token(&world, &integration)
            .await
            .expect("the old one lives"),
        before
    );
    world.site.clock.advance(Duration::from_mins(20));
    let error = token(&world, &integration)
        .await
        .expect_err("it has expired");
    assert!(error.is_retryable(), "{error}");
    world.sim.cloud().faults().clear();
    assert_ne!(
        token(&world, &integration).await.expect("works again"),
        before
    );
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Connected
    );
}

#[tokio::test]
async fn a8_a_grant_that_was_revoked_at_bitbucket_is_noticed_and_said() {
    let (mut world, integration) = connected().await;
    let key = crate::access::consumer::load(world.app())
        .await
        .expect("opens")
        .expect("is there")
        .key;
    assert!(world.sim.cloud().revoke_grant("mara", &key).expect("mara"));

    let client = bitbucket_for(world.app(), integration.id)
        .await
        .expect("nothing is known yet");
    assert!(
        client
            .current_user()
            .await
            .expect_err("is refused")
            .is_unauthorized()
    );
    assert!(
        note_revoked(world.app(), integration.id)
            .await
            .expect("asks")
    );
    assert!(
        note_revoked(world.app(), integration.id)
            .await
            .expect("knows")
    );
    let error = bitbucket_for(world.app(), integration.id)
        .await
        .expect_err("is known now");
    assert_eq!(
        error.to_string(),
        "access was revoked at Bitbucket; reconnect under Integrations"
    );
    assert!(!error.is_retryable());

    let stored = credentials::of_integration(&world.app().db, integration.id)
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(stored.state, CredentialState::Refused);
    let page = world.page().await;
    assert!(
        page.contains("Bitbucket no longer accepts this connection")
            && page.contains("access was revoked at Bitbucket")
    );
    let filter = events::EventFilter {
        account: Some(integration.account),
        ..events::EventFilter::default()
    };
    let history = events::list(&world.app().db, &filter, 50)
        .await
        .expect("reads");
    assert_eq!(
        history
            .iter()
            .filter(|event| event.action == "integration.revoked")
            .count(),
        1
    );

    world.consent(&[], "grant").await;
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Connected
    );
    assert!(matches!(
        bitbucket_for(world.app(), integration.id)
            .await
            .expect("works again"),
        Bitbucket::Cloud(_)
    ));
}

#[tokio::test]
async fn a_token_that_was_only_cut_short_is_refreshed_and_nothing_is_noted() {
    let (world, integration) = connected().await;
    // Bitbucket forgets the access token, as after its own restart; the refresh token is good.
    world.sim.clock().advance(Duration::from_hours(2));
    let client = bitbucket_for(world.app(), integration.id)
        .await
        .expect("is believed good");
    assert!(
        client
            .current_user()
            .await
            .expect_err("is refused")
            .is_unauthorized()
    );
    assert!(
        !note_revoked(world.app(), integration.id)
            .await
            .expect("asks")
    );
    let client = bitbucket_for(world.app(), integration.id)
        .await
        .expect("works");
    assert_eq!(client.current_user().await.expect("answers").name, "mara");
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Connected
    );
}

#[tokio::test]
async fn a_deleted_consumer_is_named_and_mended_without_a_new_grant() {
    let (world, integration) = connected().await;
    let consumer = crate::access::consumer::load(world.app())
        .await
        .expect("opens")
        .expect("is there");
    world.enter_consumer(&consumer.key, "wrong").await;
    world.site.clock.advance(Duration::from_mins(50));
    let error = bitbucket_for(world.app(), integration.id)
        .await
        .expect_err("is refused");
    assert!(error.to_string().contains("OAuth consumer"), "{error}");
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Reconnect
    );
    world
        .enter_consumer(&consumer.key, consumer.secret.expose())
        .await;
    bitbucket_for(world.app(), integration.id)
        .await
        .expect("works again");
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Connected
    );
}
