//! A9, A10, B2 on Bitbucket Data Center: the form by its literal words, each way it fails, and a build that passes.

use std::time::Duration;

use pipewright::story::Team;
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator, SimulatorOptions};

use crate::browser::Browser;
use crate::git::Clone;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_team_connects_its_server_by_mouse_and_form_and_sees_a_build() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    simulator.sample_team().await.expect("the sample team");
    let server = Server::start(&simulator);
    Team::set_up(
        server
            .setup_link
            .as_deref()
            .expect("a first run prints the link"),
    )
    .await
    .expect("sets up");

    browser.goes_to(&server.url).await;
    browser
        .fills("E-mail address", pipewright::story::EMAIL)
        .await;
    browser.fills("Password", pipewright::story::PASSWORD).await;
    browser.clicks("Sign in").await;
    browser.sees("Applications").await;
    browser
        .goes_to(&format!("{}/harbor/applications", server.url))
        .await;

    // Gear → Integrations → Bitbucket Server → the four fields, 22 filled in.
    browser.clicks("Settings").await;
    browser.clicks("Integrations").await;
    browser.clicks("Bitbucket Server").await;
    assert_eq!(
        browser
            .field("SSH Port")
            .await
            .value()
            .await
            .expect("a value")
            .as_deref(),
        Some("22")
    );
    let ssh_port = simulator.datacenter_ssh().1.to_string();
    browser.fills("Host", &simulator.datacenter_url()).await;
    browser.fills("Username", "mara").await;
    browser.fills("Password", "wrong").await;
    browser.fills("SSH Port", &ssh_port).await;
    browser.clicks("Add Credentials").await;
    browser.sees("password").await;
    browser.picture("server-form-refused").await;
    browser.fills("Password", SAMPLE_PASSWORD).await;
    browser.clicks("Add Credentials").await;
    browser.sees("version 9.4").await;

    let public_key = browser.text_of_css(".keybox span").await;
    simulator
        .datacenter()
        .add_user_ssh_key("mara", &public_key, "Pipewright")
        .expect("Bitbucket takes the key");
    browser.clicks("Check now").await;
    browser.sees("Bitbucket accepts this key").await;
    browser.picture("server-connected").await;

    browser.clicks("Applications").await;
    browser.clicks("New Application").await;
    browser.reloads_until("FIN / ledger").await;
    browser.clicks("FIN / ledger").await;
    browser.reloads_until("Review").await;
    browser.clicks("Review").await;
    browser.clicks("Create").await;
    let made = simulator
        .datacenter()
        .wait_until(PATIENCE, |tables| {
            tables.webhooks.values().next().map(|_| ())
        })
        .await;
    assert!(made.is_some(), "the webhook was not made");

    let (_, port) = simulator.datacenter_ssh();
    let clone = Clone::of(
        &format!("ssh://git@127.0.0.1:{port}/fin/ledger.git"),
        |key| {
            simulator
                .datacenter()
                .add_user_ssh_key("ivo", key, "laptop")
                .expect("Bitbucket takes the developer's key");
        },
    );
    let commit = clone.push(
        &[("NOTES.md", "Closed at midnight UTC.\n")],
        "Close books at UTC midnight",
    );
    browser
        .goes_to(&format!("{}/harbor/builds", server.url))
        .await;
    browser.reloads_until("Close books at UTC midnight").await;
    browser.clicks("Close books at UTC midnight").await;
    browser.sees("Passed").await;
    let finals = ["SUCCESSFUL", "FAILED", "CANCELLED"];
    let status = simulator
        .datacenter()
        .wait_for_status("FIN/ledger", &commit, None, &finals, PATIENCE)
        .await
        .expect("a final status");
    assert_eq!(status.state, "SUCCESSFUL");
    drop(server);
    simulator.shutdown().await;
}

const PATIENCE: Duration = Duration::from_secs(30);
