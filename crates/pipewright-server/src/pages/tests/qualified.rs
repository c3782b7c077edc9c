//! What a build did without is said once above it, and its pipeline is named wherever it is listed.

use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};
use pipewright_core::plan::Unmet;

use super::scene::{APPLICATION, Scene, plan};

#[tokio::test]
async fn an_image_that_is_not_used_is_said_once_above_a_build() {
    let scene = Scene::new().await;
    let mut plan = plan(&[&["Unit tests"]]);
    plan.groups[0].steps[0].unmet = vec![Unmet::Image("rust:1".to_owned())];
    let build = scene.push("main", '7', "Change").await;
    scene.plan_of(build, &plan).await;
    let running = scene.run(build, 0, 1).await;
    let message = "Passed, without its image rust:1.";
    scene
        .finish(running, AttemptOutcome::Passed, Some(message))
        .await;
    scene
        .step(build, 0, StepState::Finished(StepOutcome::Passed))
        .await;
    scene
        .state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Passed),
            None,
        )
        .await;
    let mut owner = scene.owner;
    let head = owner
        .get(&format!("{APPLICATION}/builds/1?part=head"))
        .await
        .text;
    assert_eq!(head.matches("rust:1").count(), 1, "{head}");
    assert!(head.contains("Runs without the image rust:1"), "{head}");
    let whole = owner.get(&format!("{APPLICATION}/builds/1")).await.text;
    assert_eq!(whole.matches("rust:1").count(), 1, "{whole}");
    let timeline = owner.get(&format!("{APPLICATION}/builds/1/timeline")).await;
    assert!(
        timeline.text.contains(message),
        "what the attempt said stands with it: {}",
        timeline.text
    );
    for list in ["/harbor/applications", APPLICATION, "/harbor/builds"] {
        let shown = owner.get(list).await.text;
        assert!(
            shown.contains("<code>branches: main</code>"),
            "{list} names the pipeline: {shown}"
        );
    }
}
