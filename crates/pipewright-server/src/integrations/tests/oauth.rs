//! The way to Bitbucket's authorization page and back, and each way it can go wrong.

use pipewright_core::{Role, Secret};
use pipewright_store::credentials;
use pipewright_store::integrations::{IntegrationState, KeyCheck};

use super::world::{PAGE, TEAM, World, flash};

#[tokio::test]
async fn a11_before_set_up_connect_leads_to_the_set_up_page() {
    let mut world = World::new().await;
    assert!(
        world
            .page()
            .await
            .contains("/administration/bitbucket-cloud")
    );
    let sent = world
        .owner
        .post(&format!("{PAGE}/bitbucket/connect"), &[])
        .await;
    assert_eq!(
        sent.location(),
        "/pipewright/administration/bitbucket-cloud"
    );
    assert_eq!(
        world
            .owner
            .get("/administration/bitbucket-cloud")
            .await
            .status,
        403,
        "only administrators set it up"
    );
}

#[tokio::test]
async fn a11_the_set_up_page_shows_callback_and_boxes_and_keeps_the_secret_sealed() {
    let world = World::new().await;
    let admin = world.site.administrator("admin@harbor.example").await;
    let mut browser = world.site.signed_in(&admin).await;
    let path = "/administration/bitbucket-cloud";
    let page = browser.get(path).await.text;
    for expected in [
        "http://127.0.0.1:1/pipewright/oauth/bitbucket/callback",
        "Account: Read",
        "Webhooks: Read and write",
        "Pull requests: Read",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let refused = browser
        .post(path, &[("key", "k e y"), ("secret", "")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("This is not a Key") && refused.text.contains("Enter the Secret")
    );
    assert_eq!(
        browser
            .post(path, &[("key", "key"), ("secret", "s3cret-of-consumer")])
            .await
            .status,
        303
    );
    assert!(
        !browser.get(path).await.text.contains("s3cret-of-consumer"),
        "a secret is not shown again"
    );
    assert_eq!(
        browser
            .post(path, &[("key", "key"), ("secret", "")])
            .await
            .status,
        303,
        "an empty field keeps it"
    );
    let consumer = crate::access::consumer::load(world.app())
        .await
        .expect("opens")
        .expect("is there");
    assert_eq!(consumer.secret, Secret::new("s3cret-of-consumer"));
    let stored = pipewright_store::settings::get(&world.app().db, "bitbucket_cloud.consumer")
        .await
        .expect("reads")
        .expect("is there");
    assert!(!stored.windows(6).any(|window| window == b"s3cret"));
}

#[tokio::test]
async fn a1_the_authorize_address_asks_exactly_what_is_needed() {
    let mut world = World::new().await;
    let key = world
        .set_up_consumer(&["account:write", "email", "pullrequest", "webhook"])
        .await;
    let page = world.page().await;
    assert!(page.contains("target=\"_blank\"") && page.contains("Connect Bitbucket"));
    assert!(page.contains("Issues, wiki, snippets and teams are never asked for"));
    let parameter = |location: &str, name: &str| {
        let url: url::Url = location.parse().expect("an address");
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let sent = world
        .owner
        .post(&format!("{PAGE}/bitbucket/connect"), &[])
        .await;
    let location = sent.location().to_owned();
    assert!(
        location.starts_with(&format!(
            "{}/site/oauth2/authorize?",
            world.sim.cloud_web_url()
        )),
        "{location}"
    );
    assert_eq!(parameter(&location, "client_id"), key);
    assert_eq!(parameter(&location, "scope"), "account pullrequest webhook");
    assert_eq!(parameter(&location, "code_challenge_method"), "S256");
    assert!(parameter(&location, "state").len() >= 43);
    let again = world
        .owner
        .post(
            &format!("{PAGE}/bitbucket/connect"),
            &[("register_user_key", "on")],
        )
        .await;
    assert_ne!(
        parameter(again.location(), "state"),
        parameter(&location, "state")
    );
    assert_eq!(
        parameter(again.location(), "scope"),
        "account:write pullrequest webhook"
    );
}

#[tokio::test]
async fn a2_granting_connects_and_the_card_says_as_whom() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;
    let answer = world.consent(&[], "grant").await;
    assert_eq!(
        answer.location(),
        "/pipewright/harbor-team/settings/integrations"
    );
    assert_eq!(answer.status, 303);
    let page = world.page().await;
    for expected in [
        "Connected",
        "Mara Lindqvist",
        "<code>harbor</code>",
        "<code>harbor-labs</code>",
        "ssh-ed25519 AAAA",
        "Copy SSH key",
        "SHA256:",
        "works",
        "off by choice",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    let integration = &world.integrations().await[0];
    assert_eq!(
        (integration.state, integration.key_check),
        (IntegrationState::Connected, KeyCheck::Unknown)
    );
    assert_eq!(integration.key.public.split(' ').nth(2), Some("pipewright"));
    let sealed = integration.key.private_sealed.as_ref().expect("a key");
    assert!(
        !sealed
            .as_bytes()
            .windows(7)
            .any(|window| window == b"OPENSSH")
    );
    assert!(!page.contains("OPENSSH PRIVATE KEY"));
}

#[tokio::test]
async fn a13_what_was_not_granted_is_named() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest"])
        .await;
    assert_eq!(world.consent(&[], "grant").await.status, 303);
    let page = world.page().await;
    assert!(page.contains("missing") && page.contains("Reconnect to grant"));
    assert_eq!(
        page.matches("class=\"pill wait\">missing").count(),
        1,
        "only webhooks"
    );
}

#[tokio::test]
async fn a2_denying_leaves_nothing_half_made() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;
    let answer = world.consent(&[], "deny").await;
    assert_eq!(answer.status, 303);
    assert!(
        flash(&world.owner).contains("access was not granted at Bitbucket"),
        "{}",
        flash(&world.owner)
    );
    assert!(world.integrations().await.is_empty());
}

#[tokio::test]
async fn a2_a_way_back_works_once_in_its_own_session_and_with_its_own_state() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;

    let stranger = "/oauth/bitbucket/callback?code=abc&state=never-was";
    world.owner.get(stranger).await;
    assert!(
        flash(&world.owner).contains("was not started here"),
        "{}",
        flash(&world.owner)
    );
    world.owner.get("/oauth/bitbucket/callback").await;
    assert!(flash(&world.owner).contains("was not started here"));

    let callback = world.callback(&[], "grant").await;
    let other = world.site.user("other@harbor.example").await;
    world.site.join(TEAM, &other, Role::Owner).await;
    let mut elsewhere = world.site.signed_in(&other).await;
    elsewhere.get(&callback).await;
    assert!(
        flash(&elsewhere).contains("started in another browser"),
        "{}",
        flash(&elsewhere)
    );
    assert!(world.integrations().await.is_empty());
    let nobody = world.site.anonymous().get(&callback).await;
    assert!(nobody.location().contains("/sign-in"), "{nobody:?}");

    world.owner.get(&callback).await;
    assert_eq!(
        world.integrations().await.len(),
        1,
        "the right session still connects"
    );
    world.owner.get(&callback).await;
    assert!(
        flash(&world.owner).contains("has been used already"),
        "{}",
        flash(&world.owner)
    );
    assert_eq!(world.integrations().await.len(), 1);
}

#[tokio::test]
async fn a2_coming_back_too_late_or_without_the_right_connects_nothing() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;
    let callback = world.callback(&[], "grant").await;
    world
        .site
        .clock
        .advance(std::time::Duration::from_secs(601));
    world.owner.get(&callback).await;
    assert!(
        flash(&world.owner).contains("more than ten minutes"),
        "{}",
        flash(&world.owner)
    );

    let developer = world.site.user("dev@harbor.example").await;
    world.site.join(TEAM, &developer, Role::Developer).await;
    let mut browser = world.site.signed_in(&developer).await;
    assert_eq!(
        browser
            .post(&format!("{PAGE}/bitbucket/connect"), &[])
            .await
            .status,
        403
    );
    assert!(world.integrations().await.is_empty());
}

#[tokio::test]
async fn a2_a_code_that_was_used_is_named() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;
    let first = world.callback(&[], "grant").await;
    let second = world.callback(&[], "grant").await;
    let code_of = |path: &str| {
        path.split("code=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .expect("a code")
            .to_owned()
    };
    world.owner.get(&first).await;
    assert_eq!(world.integrations().await.len(), 1);
    let replayed = second.replace(&code_of(&second), &code_of(&first));
    world.owner.get(&replayed).await;
    assert!(
        flash(&world.owner).contains("expired or was already used"),
        "{}",
        flash(&world.owner)
    );
}

#[tokio::test]
async fn a11_a_wrong_secret_is_named_at_the_callback() {
    let mut world = World::new().await;
    let key = world
        .set_up_consumer(&["account", "email", "pullrequest", "webhook"])
        .await;
    world.enter_consumer(&key, "not-the-secret").await;
    world.consent(&[], "grant").await;
    let said = flash(&world.owner);
    assert!(
        said.contains("Not connected") && said.contains("secret is wrong"),
        "{said}"
    );
    assert!(world.integrations().await.is_empty());
}

#[tokio::test]
async fn connecting_again_keeps_id_and_key() {
    let mut world = World::new().await;
    let before = world.connect_cloud().await;
    let old = credentials::of_integration(&world.app().db, before.id)
        .await
        .expect("reads")
        .expect("is there");
    world.consent(&[("deploy_keys", "on")], "grant").await;
    let all = world.integrations().await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].id, &all[0].key.public),
        (before.id, &before.key.public)
    );
    assert!(all[0].features.contains(&"deploy_keys".to_owned()));
    let new = credentials::of_integration(&world.app().db, before.id)
        .await
        .expect("reads")
        .expect("is there");
    assert_ne!(new.id, old.id);
}

#[tokio::test]
async fn a7_the_other_account_is_left_alone_and_its_pages_answer_404() {
    let mut world = World::new().await;
    let integration = world.connect_cloud().await;
    let mut other = world.site.owner_of("other").await;
    assert_eq!(other.get(PAGE).await.status, 404);
    let page = other.get("/other/settings/integrations").await;
    assert!(page.text.contains("Not connected") && !page.text.contains("Mara"));
    for act in [
        "check",
        "disconnect",
        "clone-via",
        "register-key",
        "trust-host-key",
    ] {
        let fields = [("via", "https"), ("fingerprint", "x")];
        let answer = other
            .post(
                &format!("/other/settings/integrations/{}/{act}", integration.id),
                &fields,
            )
            .await;
        assert_eq!(answer.status, 404, "{act}");
    }
    assert_eq!(
        world.integrations().await[0].state,
        IntegrationState::Connected
    );
}

#[tokio::test]
async fn a16_the_key_is_added_for_the_person_only_where_they_chose_it() {
    let mut world = World::new().await;
    world
        .set_up_consumer(&["account:write", "email", "pullrequest", "webhook"])
        .await;
    world.consent(&[], "grant").await;
    assert!(
        world
            .sim
            .cloud()
            .user_ssh_keys("mara")
            .expect("mara")
            .is_empty()
    );
    world.consent(&[("register_user_key", "on")], "grant").await;
    assert!(
        flash(&world.owner).contains("was added to your account"),
        "{}",
        flash(&world.owner)
    );
    let keys = world.sim.cloud().user_ssh_keys("mara").expect("mara");
    assert_eq!(keys.len(), 1);
    assert!(world.integrations().await[0].key.posted_id.is_some());
    world.background().await;
    assert!(world.page().await.contains("Bitbucket accepts this key"));
}
