//! B7, B8, B11: the drawn pipeline as a person sees it: groups, states, reasons; **Run** and **Rerun** by keyboard.

use pipewright::story::{EMAIL, PASSWORD};
use pipewright_core::build::{BuildOutcome, BuildState};
use thirtyfour::Key;

use crate::browser::Browser;
use crate::team::House;

/// Everything that a pipeline can hold. The last check passes when it is tried again.
const EVERYTHING: &str = r#"
pipelines:
  default:
    - step: {name: Lint, script: [echo fine]}
    - parallel:
        fail-fast: true
        steps:
          - step: {name: Unit tests, script: [echo 61 passed]}
          - step: {name: Contract tests, script: [echo 1 failed, exit 4], on-fail: {strategy: ignore}}
          - step: {name: Integration tests with a name that does not fit one line, script: [echo fine]}
    - stage:
        name: Staging
        steps:
          - step: {name: Prepare, script: [echo prepared]}
          - step: {name: Smoke test, script: [echo it answers]}
    - step: {name: Docs, script: [echo docs], condition: {state: 'BITBUCKET_BRANCH == "release"'}}
    - step: {name: Deploy to production, trigger: manual, script: [echo deployed]}
    - parallel:
        - step: {name: Announce, script: [echo announced]}
        - step:
            name: Verify
            script:
              - test "$BITBUCKET_STEP_RUN_NUMBER" -ge 2
    - step: {name: Archive, script: [echo archived]}
    - final: {name: Tidy up, script: [echo tidy]}
"#;

async fn sign_in(browser: &Browser, house: &House) {
    browser
        .goes_to(&format!("{}/sign-in", house.team.url))
        .await;
    browser.fills("E-mail address", EMAIL).await;
    browser.fills("Password", PASSWORD).await;
    browser.clicks("Sign in").await;
    browser.sees("Applications").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_a_pipeline_is_drawn_and_moved_by_keyboard() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(EVERYTHING).await;
    house
        .build(1, |build| build.state == BuildState::Paused)
        .await;
    sign_in(&browser, &house).await;
    let page = house.team.page("/applications/subject/builds/1");

    // Paused: it says for which step, and what it is.
    browser.resizes(1280, 1300).await;
    browser.goes_to(&page).await;
    browser
        .sees("Waits for a person to start Deploy to production.")
        .await;
    for words in [
        "Parallel",
        "fail-fast: the first failure stops the others",
        "Staging",
        "Always last",
        "Failed, ignored",
        "Exit status 4.",
        "Skipped",
        "is false.",
    ] {
        browser.sees(words).await;
    }
    assert_eq!(browser.count(".group.parallel").await, 2);
    assert_eq!(browser.count(".group.stage .step").await, 2);
    assert_eq!(browser.count(".step.s-manual").await, 1);
    assert_eq!(browser.count(".step.s-skipped").await, 1);
    browser.picture("pipeline-paused-light").await;
    browser.chooses_theme("Dark").await;
    browser.goes_to(&page).await;
    browser.sees("Waits for a person").await;
    browser.picture("pipeline-paused-dark").await;
    browser.resizes(500, 2600).await;
    browser.picture("pipeline-paused-phone").await;
    browser.chooses_theme("Light").await;
    browser.resizes(1280, 1300).await;

    // Run, at the step, by keyboard. The drawing goes on by itself, and where it was scrolled to stays.
    browser.goes_to(&page).await;
    browser
        .evaluates("document.querySelector('.step.s-manual .act button').focus(); return null")
        .await;
    browser.presses(Key::Enter).await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Failed)
        })
        .await;
    browser.sees("Not run").await;
    browser.sees("Verify failed.").await;
    assert_eq!(browser.count(".step.s-failed").await, 1);
    assert_eq!(browser.count(".step.s-not-run").await, 1);
    assert_eq!(
        browser.count(".final .i-passed").await,
        1,
        "the final step ran all the same"
    );
    browser.picture("pipeline-failed-light").await;
    browser.chooses_theme("Dark").await;
    browser.goes_to(&page).await;
    browser.sees("Not run").await;
    browser.picture("pipeline-failed-dark").await;
    browser.resizes(500, 2600).await;
    browser.picture("pipeline-failed-phone").await;
    browser.chooses_theme("Light").await;
    browser.resizes(1280, 1300).await;

    // What can be run again is said before it is done.
    browser.goes_to(&page).await;
    browser.clicks("Rerun…").await;
    browser
        .sees("What failed, and what waited for it: 3 steps run again")
        .await;
    browser.picture("pipeline-rerun-menu").await;
    browser.goes_to(&page).await;
    assert!(
        browser.is_absent("Rerun from Archive").await,
        "nothing begins after a step that failed"
    );
    browser.presses_on("Rerun from Verify", Key::Enter).await;
    browser.sees("Rerun: 3 steps run again").await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    browser.sees("attempt 2").await;
    browser.picture("pipeline-passed").await;

    for (tab, name) in [
        ("timeline", "build-timeline"),
        ("pipeline-file", "build-pipeline-file"),
    ] {
        browser.goes_to(&format!("{page}/{tab}")).await;
        browser.picture(name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_the_drawing_keeps_focus_and_place_while_it_draws_itself_anew() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let steps: String = (2..=12)
        .map(|number| format!("    - step: {{name: Step {number}, script: [echo {number}]}}\n"))
        .collect();
    let house = House::with_application(&format!(
        "pipelines:\n  default:\n    - step: {{name: Sleeps, script: [sleep 7351]}}\n{steps}"
    ))
    .await;
    house.build(1, |build| build.started_at.is_some()).await;
    sign_in(&browser, &house).await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds/1"))
        .await;
    browser.sees("Sleeps").await;
    // Whoever goes through the steps by keyboard has scrolled to the last one.
    browser
        .evaluates("document.querySelector(\".go[title='Step 12']\").focus(); return null")
        .await;
    let place = "const flow = document.querySelector('.flow'); return [document.activeElement.title, flow.scrollLeft]";
    let before = browser.evaluates(place).await;
    assert!(
        before[0] == "Step 12" && before[1].as_f64().is_some_and(|left| left > 500.0),
        "{before}"
    );
    let took = browser.text_of_css(".step small").await;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
    let drawn = async {
        while browser.text_of_css(".step small").await == took {
            looks.tick().await;
        }
    };
    tokio::time::timeout(crate::team::PATIENCE, drawn)
        .await
        .expect("the time goes on");
    assert_eq!(browser.evaluates(place).await, before);
    browser.clicks("Stop").await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Stopped)
        })
        .await;
}
