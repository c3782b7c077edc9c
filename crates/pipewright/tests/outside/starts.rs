//! C3: builds that no push starts, driven from outside.

use pipewright_core::build::{BuildOutcome, BuildState};

use crate::browser::Browser;
use crate::team::House;

const FILE: &str = "pipelines:
  default:
    - step:
        script:
          - echo pushed
  custom:
    release:
      - variables:
          - name: ENV
            default: dev
            description: Where it goes
            allowed-values: [dev, prod]
          - name: NOTE
      - step:
          script:
            - echo \"to $ENV $NOTE $EXTRA\"
";

/// C3: a custom pipeline is started by hand with its variables, from what is known here.
#[tokio::test(flavor = "multi_thread")]
async fn c3_a_custom_pipeline_is_run_with_its_variables() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(FILE).await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    // Whatever is offered is known here: Bitbucket is not asked for the page.
    house.simulator.cloud().faults().unreachable(true);
    browser.clicks("Run…").await;
    browser.sees("What a push of this branch runs").await;
    browser.clicks("release1 step, 2 variables").await;
    browser.chooses("ENV", "prod").await;
    browser.fills("NOTE", "with care").await;
    browser.fills("Other variables", "EXTRA=and speed").await;
    browser.pictures("run").await;
    house.simulator.cloud().faults().unreachable(false);
    browser.clicks("Run").await;
    browser.sees("to prod with care and speed").await;
    let build = house
        .build(2, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    assert_eq!(build.pipeline.as_deref(), Some("custom: release"));
    browser.clicks("Timeline").await;
    browser.sees("NOTE = with care").await;
    browser.picture("run-timeline").await;
}

/// C3: a schedule is made in the editor, which shows the next five times of what is typed.
#[tokio::test(flavor = "multi_thread")]
async fn c3_a_schedule_shows_its_next_times_and_is_run_now() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(FILE).await;
    house
        .build(1, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    browser.clicks("Schedules").await;
    browser.clicks("New schedule").await;
    browser.chooses("Pipeline", "release").await;
    browser.clicks("Choose").await;
    browser.sees("Where it goes").await;
    browser.fills("Time zone", "Europe/Berlin").await;
    browser.fills("Cron expression", "15 7 * * SUN").await;
    // Live, as one types: five Sundays.
    browser.sees("At 07:15, on Sunday.").await;
    assert_eq!(browser.count("#times li").await, 5);
    assert!(
        browser.text_of_css("#times li").await.starts_with("Sun "),
        "as the zone's clocks show it"
    );
    browser.fills("Cron expression", "15 24 * * SUN").await;
    browser
        .sees("The hour “24” (characters 4 to 5) is out of range")
        .await;
    browser.pictures("schedule-mistake").await;
    browser.clicks("Nightly").await;
    browser.sees("At 02:30.").await;
    browser.pictures("schedule-new").await;
    browser.clicks("Save").await;
    browser.sees("The schedule is saved.").await;
    browser.sees("none yet").await;
    browser.picture("schedules").await;
    browser.clicks("Run now").await;
    browser.sees("to dev").await;
    house
        .build(2, |build| {
            build.state == BuildState::Finished(BuildOutcome::Passed)
        })
        .await;
    browser
        .goes_to(&house.team.page("/applications/subject/schedules"))
        .await;
    browser.sees("#2").await;
    browser.pictures("schedules-after").await;
}
