//! B3, B4 of variables: set through the page by whoever may, given to builds, masked in their logs, shown to nobody.

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::House;

const PIPELINE: &str = "pipelines:\n  default:\n    - step:\n        environment: production\n        script:\n          - echo to $REGION with $DEPLOY_TOKEN\n";

/// The value that must not be seen anywhere.
const TOKEN: &str = "s3cr3t-and-long-enough";

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_secured_variable_reaches_the_script_and_nobodys_eyes() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(PIPELINE).await;
    browser
        .goes_to(&format!("{}/sign-in", house.team.url))
        .await;
    browser
        .fills("E-mail address", pipewright::story::EMAIL)
        .await;
    browser.fills("Password", pipewright::story::PASSWORD).await;
    browser.clicks("Sign in").await;
    browser.sees("Applications").await;

    // Of the account, not secured; then of the application's environment, secured as the form proposes.
    browser
        .goes_to(&house.team.page("/settings/variables"))
        .await;
    browser.fills("Name", "REGION").await;
    browser.fills("Value", "eu-central").await;
    browser
        .field("Secured")
        .await
        .click()
        .await
        .expect("unticks it");
    browser.clicks("Set variable").await;
    browser.sees("REGION is set").await;
    browser.sees("eu-central").await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    browser.clicks("Variables").await;
    browser.sees("From the account").await;
    browser.fills("Name", "DEPLOY_TOKEN").await;
    browser.fills("Environment", "Production").await;
    browser.fills("Value", TOKEN).await;
    browser.clicks("Set variable").await;
    browser.sees("DEPLOY_TOKEN is set").await;
    browser.sees("secured").await;
    assert!(!browser.text().await.contains(TOKEN));
    browser.pictures("variables").await;

    let cloud = house.simulator.cloud();
    let commit = cloud
        .commit(
            "harbor/subject",
            "main",
            &[("a.txt", "a")],
            "Use them",
            "ivo",
        )
        .await
        .expect("a push");
    let passed = BuildState::Finished(BuildOutcome::Passed);
    let build = house
        .build(2, |build| {
            build.commit.as_str() == commit && build.state == passed
        })
        .await;
    browser
        .goes_to(
            &house
                .team
                .page(&format!("/applications/subject/builds/{}", build.number)),
        )
        .await;
    browser.sees("to eu-central with $DEPLOY_TOKEN").await;
    assert!(!browser.text().await.contains(TOKEN));
}
