//! Variables that people set reach the steps they are for, and secured ones never a page, a log or the database in clear.

use pipewright_server::testing::{TestOptions, TestServer};
use pipewright_store::variables::VariableScope;

const TWO_STEPS: &str = "
pipelines:
  default:
    - step:
        name: Test
        script:
          - echo place is $PLACE, token is $TOKEN.
    - step:
        name: Deploy
        environment: Production
        script:
          - echo place is $PLACE, token is $TOKEN.
          - echo again $(echo $TOKEN | base64)
";

#[tokio::test(flavor = "multi_thread")]
async fn the_narrowest_variable_wins_and_secured_ones_are_masked() {
    let server = TestServer::start().await;
    let application = server.application();
    let production = VariableScope::Environment(application, "production".to_owned());
    for (whom, value) in [
        (VariableScope::Account, "account"),
        (production.clone(), "production"),
    ] {
        server.set_variable(whom, "PLACE", value, false).await;
    }
    server
        .set_variable(
            VariableScope::Application(application),
            "PLACE",
            "application",
            false,
        )
        .await;
    server
        .set_variable(production, "TOKEN", "correct-horse-battery", true)
        .await;
    server.push("main", TWO_STEPS).await;
    let build = server.expect_build(1, "passed").await;
    let first = server.log_of_step(&build, 1).await;
    assert!(
        first.contains("place is application, token is ."),
        "{first}"
    );
    let second = server.log_of_step(&build, 2).await;
    assert!(
        second.contains("place is production, token is $TOKEN."),
        "{second}"
    );
    assert!(
        !second.contains("correct-horse") && !second.contains("Y29ycmVjdC1ob3Jz"),
        "masked, encoded too: {second}"
    );
    assert!(
        !server
            .database_bytes()
            .windows(13)
            .any(|window| window == b"correct-horse"),
        "sealed at rest"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_gives_a_run_wins_over_variables_and_templates_are_filled_with_those_that_are_no_secret()
 {
    let server = TestServer::with(TestOptions::default()).await;
    server
        .set_variable(VariableScope::Account, "GREETING", "hello", false)
        .await;
    server
        .set_variable(VariableScope::Account, "HIDDEN", "not-in-a-plan", true)
        .await;
    let pipeline = "
pipelines:
  default:
    - step:
        name: Say ${{ GREETING }} and ${{ HIDDEN }}
        script: [echo $GREETING]
";
    server.push("main", pipeline).await;
    let build = server.expect_build(1, "passed").await;
    let names: Vec<String> = server
        .steps(&build)
        .await
        .into_iter()
        .map(|step| step.name)
        .collect();
    assert_eq!(names, ["Say hello and ${{ HIDDEN }}"]);
    assert!(
        build.diagnostics.to_string().contains("HIDDEN"),
        "the page says that it stays as written: {}",
        build.diagnostics
    );
}
