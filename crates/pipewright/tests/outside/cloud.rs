//! A1–A6, A11, A18, B2 on Bitbucket Cloud: from an empty installation to builds that pass and fail, by the words on the page.

use std::time::Duration;

use pipewright::story::{EMAIL, PASSWORD};
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};

use crate::browser::Browser;
use crate::git::Clone;
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(30);

const SCOPES: &[&str] = &[
    "account",
    "account:write",
    "email",
    "pullrequest",
    "webhook",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_team_connects_cloud_and_sees_a_build_pass_and_fail() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    let server = Server::start(&simulator);

    // First run: the one-time link makes the administrator.
    browser
        .goes_to(
            server
                .setup_link
                .as_deref()
                .expect("a first run prints the link"),
        )
        .await;
    for (label, value) in [
        ("Your name", "Mara Lindqvist"),
        ("E-mail address", EMAIL),
        ("Password", PASSWORD),
        ("Team", "Harbor"),
    ] {
        browser.fills(label, value).await;
    }
    browser.clicks("Set up").await;

    // Before the OAuth consumer is set up, Connect Bitbucket leads there.
    browser.clicks("Settings").await;
    browser.clicks("Integrations").await;
    browser.clicks("Connect Bitbucket").await;
    browser.sees("Callback URL").await;
    let callback = format!("{}/oauth/bitbucket/callback", server.url);
    browser.sees(&callback).await;
    let (key, secret) = simulator
        .cloud()
        .add_oauth_consumer("harbor", "Pipewright", &callback, SCOPES)
        .expect("a consumer");
    browser.fills("Key", &key).await;
    browser.fills("Secret", &secret).await;
    browser.clicks("Save").await;
    browser.sees("The OAuth consumer is stored").await;

    // Gear → Integrations → Connect Bitbucket opens the authorization page in a new tab; the old one stays.
    browser.clicks("Settings").await;
    browser.clicks("Integrations").await;
    browser.picture("integrations-before").await;
    browser.clicks("Connect Bitbucket").await;
    let old = browser.switches_to_new_tab().await;
    browser.sees("Log in to continue").await;
    browser.fills("User name or e-mail", "mara").await;
    browser.fills("Password", SAMPLE_PASSWORD).await;
    browser.clicks("Log in").await;
    browser.sees("is requesting access to your account").await;
    let consent = browser.text().await;
    assert!(
        !consent.contains("Account: Write"),
        "the default asks for no account:write: {consent}"
    );
    browser.clicks("Grant access").await;
    browser.find_words("Copy SSH key").await;
    browser.closes_tab_and_returns_to(old).await;
    // The old tab has learnt of it by itself.
    browser.find_words("Copy SSH key").await;

    // The key is not known there yet, then it is.
    browser
        .goes_to(&format!("{}/harbor/settings/integrations", server.url))
        .await;
    let public_key = browser.text_of_css(".keybox span").await;
    assert!(public_key.starts_with("ssh-ed25519 "), "{public_key}");
    browser.find_words("Copy SSH key").await;
    browser.clicks("Check now").await;
    browser.sees("not added yet").await;
    simulator
        .cloud()
        .add_user_ssh_key("mara", &public_key, "Pipewright")
        .expect("Bitbucket takes the key");
    browser.clicks("Check now").await;
    browser.sees("Bitbucket accepts this key").await;
    browser.picture("integrations-connected").await;

    // The wizard: search, look, review, create.
    browser.clicks("Applications").await;
    browser.clicks("New Application").await;
    browser.reloads_until("harbor / checkout-api").await;
    browser.sees("harbor-labs").await;
    browser.picture("new-application").await;
    browser.clicks("harbor / checkout-api").await;
    browser.reloads_until("Review").await;
    browser.picture("new-application-settings").await;
    browser.clicks("Review").await;
    browser.picture("new-application-review").await;
    browser.clicks("Create").await;

    // A push with real git over SSH: the build shows with commit, author and message, and passes.
    let (_, ssh_port) = simulator.cloud_ssh();
    let clone = Clone::of(
        &format!("ssh://git@127.0.0.1:{ssh_port}/harbor/checkout-api.git"),
        |key| {
            simulator
                .cloud()
                .add_user_ssh_key("ivo", key, "laptop")
                .expect("Bitbucket takes the developer's key");
        },
    );
    wait_for_webhook(&simulator).await;
    let good = clone.push(&[("CHANGES.md", "Twice checked.\n")], "Check prices twice");
    browser
        .goes_to(&format!("{}/harbor/builds", server.url))
        .await;
    browser.reloads_until("Check prices twice").await;
    browser.clicks("Check prices twice").await;
    browser.sees(&good[..7]).await;
    browser.sees("Ivo Tanaka").await;
    browser.sees("Passed").await;
    browser.picture("build-passed").await;
    assert_eq!(final_state(&simulator, &good).await, "SUCCESSFUL");

    // And one that fails.
    let bad = clone.push(&[("prices.txt", "1\n")], "Lower the prices");
    browser
        .goes_to(&format!("{}/harbor/builds", server.url))
        .await;
    browser.reloads_until("Lower the prices").await;
    browser.clicks("Lower the prices").await;
    browser.sees("Failed").await;
    browser.sees("expected 1838, got 1").await;
    browser.picture("build-failed").await;
    assert_eq!(final_state(&simulator, &bad).await, "FAILED");
    for (page, name) in [
        ("applications", "applications"),
        ("builds", "builds"),
        ("deliveries", "deliveries"),
        ("applications/checkout-api", "application"),
        ("settings/members", "members"),
    ] {
        browser
            .goes_to(&format!("{}/harbor/{page}", server.url))
            .await;
        browser.picture(name).await;
    }
    drop(server);
    simulator.shutdown().await;
}

/// The state Bitbucket shows at last; there must have been exactly one final state, after "in progress".
async fn final_state(simulator: &Simulator, commit: &str) -> String {
    let finals = ["SUCCESSFUL", "FAILED", "STOPPED"];
    let write = simulator
        .cloud()
        .wait_for_status("harbor/checkout-api", commit, None, &finals, PATIENCE)
        .await
        .expect("a final status");
    let states: Vec<String> = simulator
        .cloud()
        .statuses("harbor/checkout-api", commit)
        .expect("statuses")
        .into_iter()
        .map(|write| write.state)
        .collect();
    assert_eq!(
        states.iter().filter(|state| *state != "INPROGRESS").count(),
        1,
        "{states:?}"
    );
    assert_eq!(states[0], "INPROGRESS");
    write.state
}

/// Waits until the application's webhook is at Bitbucket.
async fn wait_for_webhook(simulator: &Simulator) {
    let found = simulator
        .cloud()
        .wait_until(PATIENCE, |tables| {
            tables.webhooks.values().next().map(|_| ())
        })
        .await;
    assert!(found.is_some(), "the webhook was not made");
}
