//! Rows of the contract, each driven from outside: A4, A8, A15, A21, B5, B11.

use std::time::Duration;

use pipewright::story::{EMAIL, PASSWORD, Person};
use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::{House, PATIENCE};

const PASSES: &str =
    "pipelines:\n  default:\n    - step:\n        script:\n          - echo fine\n";

/// A4: without the key the build says so, and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a4_without_the_key_the_build_says_that_it_is_not_added() {
    let mut house = House::connected().await;
    house.application(PASSES).await;
    let build = house.build(1, |build| build.state.is_finished()).await;
    assert_eq!(build.state, BuildState::Finished(BuildOutcome::Errored));
    let sentence = build.state_message.expect("a sentence");
    assert!(sentence.contains("SSH key"), "{sentence}");
}

/// A8, A15: disconnecting names what stops and removes what was made at Bitbucket.
#[tokio::test(flavor = "multi_thread")]
async fn a8_disconnecting_names_what_stops_and_removes_the_webhook() {
    let mut house = House::with_application(PASSES).await;
    assert_eq!(
        house
            .simulator
            .cloud()
            .webhooks("harbor/subject")
            .expect("webhooks")
            .len(),
        1
    );
    let person = &mut house.team.person;
    person
        .goes_to(&format!("{}/harbor/settings/integrations", house.team.url))
        .await
        .expect("goes there");
    let question = person.follows("Disconnect…").await.expect("asks").text();
    assert!(
        question.contains("subject"),
        "names the application: {question}"
    );
    person
        .presses("Disconnect", &[])
        .await
        .expect("disconnects");
    let gone = house
        .simulator
        .cloud()
        .wait_until(PATIENCE, |tables| tables.webhooks.is_empty().then_some(()))
        .await;
    assert!(gone.is_some(), "the webhook is removed at Bitbucket");
    let shown = person
        .goes_to(&format!("{}/harbor/settings/integrations", house.team.url))
        .await
        .expect("goes there")
        .text();
    assert!(shown.contains("Not connected"), "{shown}");
}

/// A21, U4: a private application's pages are for members: somebody who is not signed in is asked to sign in, the same for
/// what exists and what does not, and is then brought to the page.
#[tokio::test(flavor = "multi_thread")]
async fn a21_a_stranger_is_asked_to_sign_in_whether_an_application_exists_or_not() {
    let house = House::with_application(PASSES).await;
    let build = house.team.page("/applications/subject/builds/1?step=1");
    for page in [
        build.clone(),
        house.team.page("/applications/none/builds/1"),
        format!("{}/nobody/applications", house.team.url),
        format!("{}/no/such/page", house.team.url),
    ] {
        let asked = Person::opens(&page).await.expect("a page");
        assert_eq!(asked.at().path(), "/sign-in", "{page}");
        assert!(asked.page().form("Sign in").is_some(), "{page}");
    }
    let mut member = Person::opens(&build).await.expect("the sign-in page");
    member
        .presses(
            "Sign in",
            &[("E-mail address", EMAIL), ("Password", PASSWORD)],
        )
        .await
        .expect("signs in");
    assert_eq!(member.at().as_str(), build, "back at the build");
}

/// B5: a forged delivery is refused and builds nothing; the same delivery twice builds once.
#[tokio::test(flavor = "multi_thread")]
async fn b5_forged_deliveries_are_refused_and_repeated_ones_build_once() {
    let house = House::with_application(PASSES).await;
    let cloud = house.simulator.cloud();
    let webhook = cloud
        .webhooks("harbor/subject")
        .expect("webhooks")
        .remove(0);
    let http = reqwest::Client::new();
    let forged = http
        .post(&webhook.url)
        .header("X-Event-Key", "repo:push")
        .header("X-Request-UUID", "forged")
        .header("X-Hub-Signature", format!("sha256={}", "0".repeat(64)))
        .body(r#"{"push":{"changes":[]}}"#);
    assert_eq!(forged.send().await.expect("answers").status(), 401);
    let unsigned = http
        .post(&webhook.url)
        .header("X-Event-Key", "repo:push")
        .body("{}");
    assert_eq!(unsigned.send().await.expect("answers").status(), 401);

    cloud.faults().duplicate_webhooks(1);
    let commit = cloud
        .commit("harbor/subject", "main", &[("a.txt", "a")], "Add a", "ivo")
        .await
        .expect("a push");
    house
        .build(2, |build| {
            build.commit.as_str() == commit && build.state.is_finished()
        })
        .await;
    cloud.settled().await;
    assert_eq!(
        house.builds().await.len(),
        2,
        "the first build, and one of the push that was told twice"
    );
}

/// B5, B6: a push whose webhook was lost is found by comparing refs.
#[tokio::test(flavor = "multi_thread")]
async fn b5_a_push_whose_webhook_was_lost_is_found() {
    let house = House::with_application(PASSES).await;
    let cloud = house.simulator.cloud();
    cloud.faults().lose_webhooks(1);
    let commit = cloud
        .commit(
            "harbor/subject",
            "lost",
            &[("a.txt", "a")],
            "Nobody tells of this",
            "ivo",
        )
        .await
        .expect("a push");
    house
        .build(2, |build| {
            build.commit.as_str() == commit
                && build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
}

/// B11: stop ends every child process, also one that does not mind TERM.
#[tokio::test(flavor = "multi_thread")]
async fn b11_stop_ends_every_child_process() {
    let pipeline = "pipelines:\n  default:\n    - step:\n        name: Sleeps\n        script:\n          - (trap '' TERM; sleep 7331) & sleep 7332\n";
    let mut house = House::with_application(pipeline).await;
    house.build(1, |build| build.started_at.is_some()).await;
    let path = house.team.page("/applications/subject/builds/1");
    wait_for_processes("sleep 733", true).await;
    house
        .team
        .comes_to(&path, |page| page.form("Stop").is_some())
        .await
        .expect("can be stopped");
    house.team.person.presses("Stop", &[]).await.expect("stops");
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Stopped)
        })
        .await;
    wait_for_processes("sleep 733", false).await;
}

/// B11: a log of 100,000 lines opens at once and holds only a window of them in the page.
#[tokio::test(flavor = "multi_thread")]
async fn b11_a_log_of_100_000_lines_stays_smooth() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let pipeline = "pipelines:\n  default:\n    - step:\n        script:\n          - seq 1 100000 | sed 's/^/line number /'\n";
    let house = House::with_application(pipeline).await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds/1"))
        .await;
    browser.sees("line number ").await;
    let lines = browser.count(".logs li").await;
    assert!((1..20_000).contains(&lines), "the page holds {lines} lines");
    browser.picture("build-long-log").await;
}

/// Waits until a process with this command line is there, or none is.
async fn wait_for_processes(words: &str, there: bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let looked = async {
        loop {
            looks.tick().await;
            let found = std::fs::read_dir("/proc")
                .expect("there is /proc")
                .flatten()
                .any(|entry| {
                    let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    String::from_utf8_lossy(&line)
                        .replace('\0', " ")
                        .starts_with(words)
                });
            if found == there {
                return;
            }
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, looked).await.is_ok(),
        "processes “{words}…” there: expected {there}"
    );
}
