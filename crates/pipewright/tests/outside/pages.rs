//! Pages that no other row looks at, each reached as people reach it: welcome, invitation, disconnection, and the list of
//! builds with every state in it.

use pipewright::story::{EMAIL, PASSWORD, Person};
use pipewright_core::build::BuildState;

use crate::browser::Browser;
use crate::server::Server;
use crate::team::House;

const FILE: &str = "\
pipelines:
  branches:
    main:
      - step: {name: Unit tests, script: [echo fine]}
    fails:
      - step: {name: Unit tests, script: [exit 1]}
    waits:
      - step: {name: Deploy, trigger: manual, script: [echo deployed]}
    sleeps:
      - step: {name: Long tests, script: [sleep 7341]}
    sleeps-too:
      - step: {name: Long tests, script: [sleep 7341]}
    sleeps-three:
      - step: {name: Long tests, script: [sleep 7341]}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_builds_shows_every_state_and_seldom_seen_pages_are_whole() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let mut house = House::with_application(FILE).await;
    house.build(1, |build| build.state.is_finished()).await;
    let cloud = house.simulator.cloud();
    let invalid = [(
        "bitbucket-pipelines.yml",
        "pipelines:\n  default:\n    - stepp: {script: [make]}\n",
    )];
    cloud
        .commit(
            "harbor/subject",
            "invalid",
            &invalid,
            "Break the file by a letter too many",
            "ivo",
        )
        .await
        .expect("a push");
    house.build(2, |build| build.state.is_finished()).await;
    for (number, branch) in (3..).zip(["fails", "waits", "nothing-for-this-branch"]) {
        cloud
            .commit(
                "harbor/subject",
                branch,
                &[("a", branch)],
                &format!("Change of {branch}"),
                "ivo",
            )
            .await
            .expect("a push");
        house
            .build(number, |build| {
                build.state.is_finished() || build.state == BuildState::Paused
            })
            .await;
    }
    for branch in ["sleeps", "sleeps-too", "sleeps-three"] {
        cloud
            .commit(
                "harbor/subject",
                branch,
                &[("a", branch)],
                &format!("Change of {branch}"),
                "ivo",
            )
            .await
            .expect("a push");
    }
    house.build(6, |build| build.started_at.is_some()).await;
    house
        .build(8, |build| build.state == BuildState::Running)
        .await;
    let six = house.team.page("/applications/subject/builds/6");
    house
        .team
        .comes_to(&six, |page| page.form("Stop").is_some())
        .await
        .expect("can be stopped");
    house.team.person.presses("Stop", &[]).await.expect("stops");
    house.build(6, |build| build.state.is_finished()).await;

    browser.resizes(1280, 1100).await;
    browser
        .goes_to(&format!("{}/sign-in", house.team.url))
        .await;
    browser.fills("E-mail address", EMAIL).await;
    browser.fills("Password", PASSWORD).await;
    browser.clicks("Sign in").await;
    browser.sees("Applications").await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds"))
        .await;
    for state in [
        "Passed",
        "Failed",
        "Invalid file",
        "Skipped",
        "Waiting for a person",
        "Stopped",
    ] {
        browser.sees(state).await;
    }
    browser.picture("builds-many-states").await;
    browser.chooses_theme("Dark").await;
    browser.goes_to(&house.team.page("/builds")).await;
    browser.picture("builds-many-states-dark").await;
    browser.resizes(500, 1500).await;
    browser.picture("builds-many-states-phone").await;
    browser.chooses_theme("Light").await;
    browser.resizes(1280, 1100).await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds/2"))
        .await;
    browser
        .sees("The pipeline file cannot be run as it is.")
        .await;
    browser.picture("build-invalid").await;
    browser
        .goes_to(
            &house
                .team
                .page("/applications/subject/builds/2/pipeline-file"),
        )
        .await;
    browser.picture("build-invalid-file").await;
    browser
        .goes_to(
            &house
                .team
                .page("/applications/subject/builds?branch=nobody"),
        )
        .await;
    browser.clicks("Why did nothing run?").await;
    browser.sees("Why did this run, or not?").await;

    // Disconnecting asks first, and says what is left to do.
    browser
        .goes_to(&house.team.page("/settings/integrations"))
        .await;
    browser.picture("integrations-connected-whole").await;
    browser.clicks("Disconnect…").await;
    browser.sees("What stops").await;
    browser.picture("disconnect").await;
    browser.clicks("Disconnect").await;
    browser.sees("is disconnected").await;
    browser.picture("disconnected").await;

    // An invitation is a link; whoever opens it becomes a user.
    browser.goes_to(&house.team.page("/settings/members")).await;
    browser.fills("E-mail address", "noa@harbor.example").await;
    browser.clicks("Make an invitation").await;
    let link = browser.text_of_css("#invitation-link").await;
    browser.picture("members-invited").await;
    let mut guest = Person::opens(&link).await.expect("the invitation");
    assert!(
        guest.page().text().contains("invites"),
        "{}",
        guest.page().text()
    );
    let other = Browser::open().await.expect("another browser");
    other.goes_to(&link).await;
    other.picture("join-new").await;
    browser.goes_to(&link).await;
    browser.picture("join-somebody-else").await;
    guest
        .presses(
            "Join Harbor",
            &[("Your name", "Noa Berg"), ("Password", PASSWORD)],
        )
        .await
        .expect("joins");

    // A server that nobody has set up says what to do.
    let fresh = Server::start(&house.simulator);
    other.goes_to(&fresh.url).await;
    other.sees("Welcome to Pipewright").await;
    other.picture("welcome").await;
    other
        .goes_to(
            fresh
                .setup_link
                .as_deref()
                .expect("a first run prints the link"),
        )
        .await;
    other.picture("setup").await;
}
