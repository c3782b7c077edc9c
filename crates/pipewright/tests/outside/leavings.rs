//! B8: what steps leave, and pipelines of other files, on the pages of the built binary.

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::House;

const FILE: &str = "definitions:
  caches: {words: .words}
  imports: {shared: shared/pipelines.yml}
pipelines:
  default:
    - step:
        name: Make
        caches: [words]
        script:
          - mkdir -p dist .words && echo one > .words/list && echo made > dist/app.txt
          - echo VERSION=7 >> $BITBUCKET_PIPELINES_VARIABLES_PATH
        output-variables: [VERSION]
        artifacts: [\"dist/**\"]
    - step:
        name: Use
        script:
          - echo version $VERSION holds $(cat dist/app.txt)
  branches:
    imported: {import: greet@shared}
";

const SHARED: &str = "export: true
definitions:
  pipelines:
    greet:
      - step:
          name: Greet
          script:
            - echo greetings
";

const PASSED: BuildState = BuildState::Finished(BuildOutcome::Passed);

#[tokio::test(flavor = "multi_thread")]
async fn b8_what_a_step_leaves_reaches_the_next_one_and_is_on_the_page() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(FILE).await;
    house.build(1, |build| build.state == PASSED).await;
    browser.signs_in(&house.team.url).await;
    let page = house.team.page("/applications/subject/builds/1");
    browser.goes_to(&format!("{page}?step=2")).await;
    browser.sees("version 7 holds made").await;
    browser.goes_to(&format!("{page}/artifacts")).await;
    browser.sees("dist/app.txt").await;
    browser.find_words("Download").await;
    browser.pictures("artifacts").await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    browser.sees("words").await;
    browser.clicks("Clear caches").await;
    browser.sees("1 cache cleared").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_a_pipeline_of_another_file_runs_and_its_page_says_where_it_stands() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(FILE).await;
    house.build(1, |build| build.state == PASSED).await;
    let cloud = house.simulator.cloud();
    cloud
        .commit(
            "harbor/subject",
            "imported",
            &[("shared/pipelines.yml", SHARED)],
            "Share",
            "ivo",
        )
        .await
        .expect("a push");
    let build = house.build(2, |build| build.state == PASSED).await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page(&format!(
            "/applications/subject/builds/{}/pipeline-file",
            build.number
        )))
        .await;
    browser.sees("imported from").await;
    browser.sees("shared/pipelines.yml").await;
    browser.pictures("imported").await;
}
