//! C7: what tests say, from a pushed report to the **Tests** tab, the list and the history of one test, by the built binary.

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::House;

const FILE: &str = "pipelines:
  default:
    - step:
        name: Unit tests
        script:
          - mkdir -p app/target/surefire-reports && cp *.xml app/target/surefire-reports/
          - grep -q '<failure' report.xml && exit 1; true
    - step:
        name: Package
        script: [echo packed]
";

const PASSING: &str = "<testsuite name='com.acme.PriceTest' time='1.2'>
  <testcase classname='com.acme.PriceTest' name='addsTax' time='0.9'/>
  <testcase classname='com.acme.PriceTest' name='roundsHalfUp' time='0.3'/>
</testsuite>";

const FAILING: &str = "<testsuite name='com.acme.PriceTest' time='1.3'>
  <testcase classname='com.acme.PriceTest' name='addsTax' time='0.9'/>
  <testcase classname='com.acme.PriceTest' name='roundsHalfUp' time='0.4'>
    <failure message='expected 119, got 118'>at com.acme.PriceTest.roundsHalfUp(PriceTest.java:31)</failure>
  </testcase>
</testsuite>";

const PASSED: BuildState = BuildState::Finished(BuildOutcome::Passed);
const FAILED: BuildState = BuildState::Finished(BuildOutcome::Failed);

async fn pushes(house: &House, report: &str, broken: &str, message: &str) {
    house
        .simulator
        .cloud()
        .commit(
            "harbor/subject",
            "main",
            &[
                ("bitbucket-pipelines.yml", FILE),
                ("report.xml", report),
                ("broken.xml", broken),
            ],
            message,
            "mara",
        )
        .await
        .expect("a push");
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_a_failing_test_is_on_its_builds_page_with_its_history() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house =
        House::with_application("pipelines:\n  default:\n    - step: {script: [true]}\n").await;
    house.build(1, |build| build.state == PASSED).await;
    pushes(&house, PASSING, PASSING, "Prices").await;
    house.build(2, |build| build.state == PASSED).await;
    pushes(
        &house,
        FAILING,
        "<testsuite>\n<testcase name='x'",
        "Round up",
    )
    .await;
    let build = house.build(3, |build| build.state == FAILED).await;
    let log = house.log_of(&build).await;
    assert!(
        log.contains("Tests: 2 in 1 file, 1 passed, 1 failed"),
        "{log}"
    );
    assert!(
        log.contains(
            "The test report app/target/surefire-reports/broken.xml is not read: it ends in line 2"
        ),
        "{log}"
    );
    browser.signs_in(&house.team.url).await;
    browser.goes_to(&house.team.page("/builds")).await;
    browser.sees("1 of 2 tests failed").await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds/3"))
        .await;
    browser.sees("1 of 2").await;
    browser
        .goes_to(&house.team.page("/applications/subject/builds/3/tests"))
        .await;
    browser.sees("com.acme.PriceTest.roundsHalfUp").await;
    browser.sees("expected 119, got 118").await;
    browser.sees("1 file not read").await;
    browser.pictures("tests").await;
    browser.clicks("History of this test").await;
    browser.sees("Failed in 1 of 2 results").await;
    browser.pictures("test-history").await;
}
