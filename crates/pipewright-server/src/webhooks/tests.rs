//! What is told of a webhook on an old Bitbucket.

use pipewright_simulator::Version;
use pipewright_store::webhooks::{self, WebhookState};

use super::register::{check, register};
use crate::testing::{TestOptions, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn events_that_an_old_server_does_not_know_are_told() {
    let server = TestServer::with(TestOptions {
        works: false,
        runner_slots: 0,
        ..TestOptions::default()
    })
    .await;
    server
        .simulator
        .datacenter()
        .set_version(Version::new(6, 10, 0));
    let webhook = webhooks::of_repository(&server.app.db, server.repository_id())
        .await
        .expect("reads")
        .expect("the webhook");
    let repaired = register(&server.app, &webhook).await.expect("registers");
    assert_eq!(repaired.state, WebhookState::Present);
    let told = repaired.message.expect("a sentence");
    assert!(
        told.contains("pr:from_ref_updated") && told.contains("is not built automatically"),
        "{told}"
    );
    let webhook = webhooks::of_repository(&server.app.db, server.repository_id())
        .await
        .expect("reads")
        .expect("the webhook");
    assert_eq!(
        webhook.message.as_deref(),
        Some(told.as_str()),
        "the application's page shows it"
    );
    let checked = check(&server.app, &webhook).await.expect("looks");
    assert_eq!(
        (checked.state, checked.message),
        (WebhookState::Present, Some(told))
    );
}
