//! What decides whether a step runs: changed files, variables, and a person.

use pipewright_server::testing::{TestOptions, TestServer};
use pipewright_simulator::{NewPullRequest, Product, RefUpdate};
use rstest::rstest;

const PIPELINE: &str = r#"pipelines:
  default:
    - step: {name: Build, script: [echo built]}
    - parallel:
        - step: {name: Docs, script: [echo docs], condition: {changesets: {includePaths: ["docs/**"]}}}
        - step: {name: Code, script: [echo code], condition: {changesets: {excludePaths: ["docs/**"]}}}
    - step: {name: Main only, script: [echo main], condition: {state: 'BITBUCKET_BRANCH == "main"'}}
  pull-requests:
    '**':
      - step: {name: Request docs, script: [echo docs], condition: {changesets: {includePaths: ["docs/**"]}}}
      - step: {name: Request code, script: [echo code], condition: {changesets: {includePaths: ["src/**"]}}}
"#;

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn every_commit_of_a_push_counts(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    let first = server.expect_build(1, "passed").await;
    assert_eq!(
        server.step_states(&first).await,
        ["passed", "skipped", "passed", "passed"]
    );
    let message = server
        .steps(&first)
        .await
        .remove(1)
        .message
        .expect("a sentence");
    assert!(
        message.starts_with("Skipped: condition.changesets: ")
            && message.ends_with(" match docs/**."),
        "{message}"
    );
    // The docs are in the first of two commits: the last one alone would leave them out.
    let two = RefUpdate::branch("main")
        .commit(&[("docs/a.md", "a")], "Docs")
        .commit(&[("src/a.rs", "a")], "Code");
    server
        .bitbucket()
        .push(server.repository(), &[two], "mara")
        .await
        .expect("pushes");
    let second = server.expect_build(2, "passed").await;
    assert_eq!(
        server.step_states(&second).await,
        ["passed", "passed", "passed", "passed"]
    );
    // Elsewhere, and only docs.
    server
        .push_files("docs/guide", &[("docs/b.md", "b")], "More docs")
        .await;
    let third = server.expect_build(3, "passed").await;
    assert_eq!(
        server.step_states(&third).await,
        ["passed", "passed", "skipped", "skipped"]
    );
    let steps = server.steps(&third).await;
    assert_eq!(
        steps[2].message.as_deref(),
        Some("Skipped: condition.changesets: the one changed file matches docs/**.")
    );
    assert_eq!(
        steps[3].message.as_deref(),
        Some("Skipped: condition.state: `BITBUCKET_BRANCH == \"main\"` is false.")
    );
    assert_eq!(steps[3].attempts, 0);
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_changes_what_it_would_bring(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    server.push("main", PIPELINE).await;
    server
        .push_files("feature/x", &[("docs/a.md", "a")], "Docs")
        .await;
    server
        .push_files("feature/x", &[("other", "b")], "Other")
        .await;
    // The destination goes on: what is new there is not the request's, and was never fetched.
    server
        .push_files("main", &[("src/a.rs", "a")], "Code [skip ci]")
        .await;
    server.expect_deliveries(4).await;
    server.expect_build(3, "passed").await;
    let repository = server.repository();
    let request = NewPullRequest {
        repository,
        title: "Docs",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    server
        .bitbucket()
        .open_pull_request(request)
        .await
        .expect("opens");
    let build = server.expect_build(4, "passed").await;
    assert_eq!(
        (build.trigger.as_str(), server.step_states(&build).await),
        ("pull_request", vec!["passed", "skipped"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_finds_the_same_and_a_condition_without_an_answer_says_so() {
    let server = TestServer::start().await;
    let marker = server.directory().join("seen");
    let flaky = format!(
        "test -e '{0}' || {{ touch '{0}'; exit 3; }}",
        marker.display()
    );
    let pipeline = format!(
        r#"pipelines:
  default:
    - step: {{name: Flaky, script: ["{flaky}"]}}
    - stage:
        name: Docs
        condition: {{changesets: {{includePaths: ["docs/**"]}}}}
        steps:
          - step: {{name: Spell, script: [echo spell]}}
          - step: {{name: Publish, script: [echo publish]}}
    - step: {{name: Odd, script: [echo odd], condition: {{state: "BITBUCKET_BRANCH > 1"}}}}
    - step: {{name: After, script: [echo after]}}
"#
    );
    server.push("main", &pipeline).await;
    let build = server.expect_build(1, "failed").await;
    assert_eq!(
        server.step_states(&build).await,
        ["failed", "not_run", "not_run", "not_run", "not_run"]
    );
    assert_eq!(
        server.steps(&build).await[4].message.as_deref(),
        Some("Not run: Flaky failed.")
    );
    server.rerun_failed(build.id).await;
    let build = server.expect_build(1, "errored").await;
    assert_eq!(
        server.step_states(&build).await,
        ["passed", "skipped", "skipped", "errored", "not_run"]
    );
    let messages: Vec<_> = server
        .steps(&build)
        .await
        .into_iter()
        .map(|step| step.message.unwrap_or_default())
        .collect();
    assert_eq!(
        messages[2],
        "Skipped with its stage: condition.changesets: the one changed file does not match docs/**."
    );
    assert!(
        messages[3].starts_with("It is not known whether this runs: condition.state: `BITBUCKET_BRANCH > 1` has no answer"),
        "{messages:?}"
    );
    assert_eq!(messages[4], "Not run: Odd could not be run.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_sees_what_a_step_before_handed_on() {
    let server = TestServer::start().await;
    let pipeline = r#"pipelines:
  default:
    - step: {name: Count, output-variables: [COUNT], script: ["echo COUNT=4 >> $BITBUCKET_PIPELINES_VARIABLES_PATH"]}
    - step: {name: Many, script: [echo many], condition: {state: "COUNT > 3"}}
    - step: {name: Few, script: [echo few], condition: {state: "COUNT <= 3"}}
"#;
    server.push("main", pipeline).await;
    let build = server.expect_build(1, "passed").await;
    assert_eq!(
        server.step_states(&build).await,
        ["passed", "passed", "skipped"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_starts_manual_steps_one_by_one() {
    let server = TestServer::start().await;
    let pipeline = r#"pipelines:
  default:
    - step: {name: Build, script: ["true"]}
    - parallel:
        - step: {name: To Europe, trigger: manual, script: ["true"]}
        - step: {name: To Asia, trigger: manual, script: ["true"]}
    - stage:
        name: Announce
        trigger: manual
        steps:
          - step: {name: Mail, script: ["true"]}
          - step: {name: Chat, script: ["true"]}
"#;
    server.push("main", pipeline).await;
    let build = server.expect_build(1, "paused").await;
    let states = async |expected: &[&str]| {
        server
            .until("the steps", async || {
                (server.step_states(&build).await == expected).then_some(())
            })
            .await;
    };
    states(&["passed", "manual", "manual", "waiting", "waiting"]).await;
    server.run_step(build.id, 2).await.expect("it waits");
    states(&["passed", "manual", "passed", "waiting", "waiting"]).await;
    assert!(
        server.run_step(build.id, 2).await.is_err(),
        "it was started already"
    );
    assert!(
        server.run_step(build.id, 3).await.is_err(),
        "it waits for the other"
    );
    server.run_step(build.id, 1).await.expect("it waits");
    states(&["passed", "passed", "passed", "manual", "waiting"]).await;
    server.run_step(build.id, 3).await.expect("it waits");
    server.expect_build(1, "passed").await;
}
