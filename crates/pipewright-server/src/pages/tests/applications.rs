//! The list of applications.

use std::time::Duration;

use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};

use super::scene::Scene;

#[tokio::test]
async fn u9_the_time_of_a_build_is_that_of_its_work() {
    let scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Test"], &["Deploy"]]).await;
    for (position, seconds) in [(0, 10), (1, 5)] {
        let running = scene.run(build, position, 1).await;
        scene.site.clock.advance(Duration::from_secs(seconds));
        scene.finish(running, AttemptOutcome::Passed, None).await;
        let passed = StepState::Finished(StepOutcome::Passed);
        scene.step(build, position, passed).await;
        // A person is waited for before it is deployed.
        scene.site.clock.advance(Duration::from_hours(3));
    }
    let passed = BuildState::Finished(BuildOutcome::Passed);
    scene.state(build, BuildState::Running, passed, None).await;
    let mut owner = scene.owner;
    let list = owner.get("/harbor/applications").await.text;
    assert!(
        list.contains("<td class=\"num\">15 s</td>"),
        "the median: {list}"
    );
    assert!(list.contains("#1 passed (15 s)"), "the bar: {list}");
}

#[tokio::test]
async fn a_long_list_of_applications_is_turned() {
    let scene = Scene::new().await;
    for number in 1..=50 {
        scene.another(&format!("service-{number:02}")).await;
    }
    scene.push("main", '7', "Change").await;
    let mut owner = scene.owner;
    let first = owner.get("/harbor/applications").await.text;
    assert!(first.contains("51 applications · 0 builds running · 1 queued"));
    assert!(first.contains(">checkout-api</a>") && first.contains(">service-49</a>"));
    assert!(!first.contains(">service-50</a>") && !first.contains("rel=\"prev\""));
    assert!(first.contains("Page 1 of 2"));
    let next = "href=\"/harbor/applications?page=2\"";
    assert!(first.contains(&format!("rel=\"next\" {next}")));
    let second = owner.get("/harbor/applications?page=2").await.text;
    assert!(second.contains(">service-50</a>") && !second.contains(">service-49</a>"));
    assert!(second.contains("rel=\"prev\" href=\"/harbor/applications\""));
    assert!(
        second.contains("data-live=\"/harbor/applications?page=2\""),
        "the page that is shown is kept fresh"
    );
    assert!(second.contains("51 applications · 0 builds running · 1 queued"));
}
