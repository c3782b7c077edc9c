//! Steps that exclude one another: concurrency groups and deployments, across builds and through a kill.

use pipewright_server::testing::TestServer;

/// A pipeline whose steps use one directory that is there only while one of them works.
fn alone(server: &TestServer, properties: &str) -> String {
    let place = server.directory().join("alone");
    format!(
        "pipelines:\n  default:\n    - step: {{name: Deploy, {properties}, script: [\"mkdir {0}; sleep 0.3; rmdir {0}\"]}}\n",
        place.display()
    )
}

/// A pipeline with one step that works until a file is there.
fn until_told(server: &TestServer, properties: &str) -> String {
    let gate = server.directory().join("gate");
    format!(
        "pipelines:\n  default:\n    - step: {{name: Deploy, {properties}, script: [\"until [ -e {} ]; do sleep 0.02; done\"]}}\n",
        gate.display()
    )
}

fn open_gate(server: &TestServer) {
    std::fs::write(server.directory().join("gate"), "").expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_group_runs_at_a_time_and_the_next_begins_by_itself() {
    let mut server = TestServer::start().await;
    server
        .push(
            "one",
            &until_told(&server, "concurrency-group: deploy-main"),
        )
        .await;
    server.expect_build(1, "running").await;
    server
        .until("the first attempt to run", async || {
            server
                .build(1)
                .await
                .filter(|build| build.started_at.is_some())
        })
        .await;
    server
        .push("two", &alone(&server, "concurrency-group: deploy-main"))
        .await;
    let second = server.expect_build(2, "running").await;
    server
        .push("three", &alone(&server, "concurrency-group: deploy-main"))
        .await;
    server.expect_build(3, "running").await;
    // Others are not kept waiting.
    server.push_script("four", &["true"]).await;
    server.expect_build(4, "passed").await;
    assert_eq!(server.step_states(&second).await, ["queued"]);
    let why = server.why_it_waits(2).await.expect("a sentence");
    assert_eq!(
        why,
        "Waits for #1, which holds the concurrency group deploy-main."
    );
    // The server dies with the attempt under way; what it had is given back with it.
    server.kill().await;
    open_gate(&server);
    server.restart().await;
    for number in 1..=3 {
        server.expect_build(number, "passed").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_name_may_hold_variables() {
    let server = TestServer::start().await;
    server
        .push(
            "one",
            &until_told(&server, "concurrency-group: deploy-$BITBUCKET_BRANCH"),
        )
        .await;
    server
        .until("the first attempt to run", async || {
            server
                .build(1)
                .await
                .filter(|build| build.started_at.is_some())
        })
        .await;
    server
        .push(
            "two",
            &alone(&server, "concurrency-group: deploy-$BITBUCKET_BRANCH"),
        )
        .await;
    server.expect_build(2, "passed").await;
    server
        .push(
            "one",
            &alone(&server, "concurrency-group: deploy-$BITBUCKET_BRANCH"),
        )
        .await;
    server.expect_build(3, "running").await;
    assert_eq!(
        server.why_it_waits(3).await.expect("a sentence"),
        "Waits for #1, which holds the concurrency group deploy-one."
    );
    open_gate(&server);
    server.expect_build(3, "passed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_has_its_environment_until_its_last_step_ended() {
    let server = TestServer::start().await;
    let (held, gate) = (
        server.directory().join("held"),
        server.directory().join("gate"),
    );
    let stage = format!(
        "pipelines:\n  default:\n    - stage:\n        deployment: production\n        steps:\n          - step: {{name: Begin, script: [\"touch {0}\"]}}\n          - step: {{name: End, script: [\"echo to $BITBUCKET_DEPLOYMENT_ENVIRONMENT; until [ -e {1} ]; do sleep 0.02; done; rm {0}\"]}}\n    - step: {{name: After, script: [\"true\"]}}\n",
        held.display(),
        gate.display()
    );
    server.push("one", &stage).await;
    server
        .until("the stage's second step", async || {
            let build = server.build(1).await?;
            (server.step_states(&build).await == ["passed", "running", "waiting"]).then_some(())
        })
        .await;
    let other = format!(
        "pipelines:\n  default:\n    - step: {{deployment: Production, script: [\"test ! -e {}\"]}}\n",
        held.display()
    );
    server.push("two", &other).await;
    server.expect_build(2, "running").await;
    assert_eq!(
        server.why_it_waits(2).await.expect("a sentence"),
        "Waits for #1, which deploys to production."
    );
    open_gate(&server);
    let first = server.expect_build(1, "passed").await;
    server.expect_build(2, "passed").await;
    // A stage that ended badly gives it back too.
    let failing = "pipelines:\n  default:\n    - stage:\n        deployment: production\n        steps:\n          - step: {script: [exit 1]}\n          - step: {script: [\"true\"]}\n";
    server.push("one", failing).await;
    server.expect_build(3, "failed").await;
    server
        .push("two", &alone(&server, "deployment: PRODUCTION"))
        .await;
    server.expect_build(4, "passed").await;
    // And so does one that runs once more.
    server
        .rerun_failed(server.build(3).await.expect("a build").id)
        .await;
    server.expect_build(3, "failed").await;
    server
        .push("two", &alone(&server, "deployment: production"))
        .await;
    server.expect_build(5, "passed").await;
    assert_eq!(
        server.step_states(&first).await,
        ["passed", "passed", "passed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_steps_of_one_group_run_one_after_another() {
    let server = TestServer::start().await;
    let place = server.directory().join("alone");
    let step = format!(
        "step: {{concurrency-group: g, script: [\"mkdir {0}; sleep 0.2; rmdir {0}\"]}}",
        place.display()
    );
    server.push("main", &format!("pipelines:\n  default:\n    - parallel:\n        - {step}\n        - {step}\n        - {step}\n")).await;
    server.expect_build(1, "passed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_step_can_be_stopped_and_a_stopped_one_gives_way() {
    let server = TestServer::start().await;
    server
        .push("one", &until_told(&server, "deployment: test"))
        .await;
    server
        .until("the first attempt to run", async || {
            server
                .build(1)
                .await
                .filter(|build| build.started_at.is_some())
        })
        .await;
    server
        .push("two", &alone(&server, "deployment: test"))
        .await;
    server
        .push("three", &alone(&server, "deployment: test"))
        .await;
    server.expect_build(3, "running").await;
    let second = server.expect_build(2, "running").await;
    server.stop(second.id).await;
    server.expect_build(2, "stopped").await;
    server
        .stop(server.build(1).await.expect("a build").id)
        .await;
    server.expect_build(1, "stopped").await;
    server.expect_build(3, "passed").await;
}
