//! B13: the page that says why something ran or did not: for what was built, for what was not, for what nobody told of.

use pipewright::story::{EMAIL, PASSWORD};
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_simulator::NewPullRequest;

use crate::browser::Browser;
use crate::team::House;

const FILE: &str = "\
pipelines:
  default:
    - step: {name: Unit tests, script: [echo fine]}
  branches:
    main:
      - step: {name: Package, script: [echo packed]}
      - step: {name: Deploy, trigger: manual, script: [echo deployed]}
    'release/*':
      - step: {name: Release, script: [echo released]}
";

#[tokio::test(flavor = "multi_thread")]
async fn b13_the_page_says_why_a_change_ran_or_did_not() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let mut house = House::with_application(FILE).await;
    house
        .build(1, |build| build.state == BuildState::Paused)
        .await;
    // Only main and release branches are built from now on.
    let application = house.team.page("/applications/subject");
    let person = &mut house.team.person;
    person.goes_to(&application).await.expect("the application");
    person
        .presses("Save", &[("Branches", "main\nrelease/*")])
        .await
        .expect("saves");
    let cloud = house.simulator.cloud();
    cloud
        .commit(
            "harbor/subject",
            "feature/x",
            &[("a", "a")],
            "Try something",
            "ivo",
        )
        .await
        .expect("a push");
    let release = cloud
        .commit(
            "harbor/subject",
            "release/1",
            &[("b", "b")],
            "Release one",
            "ivo",
        )
        .await
        .expect("a push");
    house
        .build(2, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    cloud
        .commit(
            "harbor/subject",
            "main",
            &[("c", "c")],
            "Typo [skip ci]",
            "ivo",
        )
        .await
        .expect("a push");
    let request = NewPullRequest {
        repository: "harbor/subject",
        title: "Try something for everybody",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "ivo",
    };
    let number = cloud
        .open_pull_request(request)
        .await
        .expect("a pull request");
    house.build(3, |build| build.state.is_finished()).await;
    cloud.settled().await;

    browser.resizes(1280, 1300).await;
    browser
        .goes_to(&format!("{}/sign-in", house.team.url))
        .await;
    browser.fills("E-mail address", EMAIL).await;
    browser.fills("Password", PASSWORD).await;
    browser.clicks("Sign in").await;
    browser.sees("Applications").await;
    browser.goes_to(&application).await;
    browser.clicks("Why did this run, or not?").await;
    let number = format!("#{number}");
    let questions: [(&str, &[&str]); 7] = [
        (
            "",
            &[
                "Webhook",
                "present",
                "Comparison of refs",
                "Release one",
                "a push",
            ],
        ),
        (
            "main",
            &[
                "It runs branches: main of the file",
                "Deploy waits until a person starts it.",
                "[skip ci]",
                "Not default",
            ],
        ),
        (
            "feature/x",
            &[
                "subject builds main, release/*, not feature/x.",
                "What to do:",
                "A push to it now would not be built",
            ],
        ),
        (
            &release[..9],
            &[
                "Built as #2",
                "release/* under branches matches the branch release/1",
                "Passed",
            ],
        ),
        (
            &number,
            &[
                "Bitbucket reported a new pull request",
                "Built as #3",
                "Nothing of the file runs",
                "Skipped",
            ],
        ),
        (
            "nobody-knows",
            &[
                "Nothing is known about nobody-knows",
                "No branch or tag nobody-knows existed",
            ],
        ),
        ("a..b", &["That cannot be a branch"]),
    ];
    for (about, expected) in questions {
        if !about.is_empty() {
            browser
                .fills("Branch, tag, pull request number or commit", about)
                .await;
            browser.clicks("Ask").await;
        }
        for words in expected {
            browser.sees(words).await;
        }
        browser
            .picture(&format!("why-{}", about.replace(['/', '.', '#'], "-")))
            .await;
    }
    browser
        .goes_to(&house.team.page("/applications/subject/why?about=main"))
        .await;
    browser.resizes(500, 1600).await;
    browser.picture("why-phone").await;
}
