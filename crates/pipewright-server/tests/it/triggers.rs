//! `triggers`: the file's own rules start custom pipelines beside what a push runs.

use std::collections::BTreeSet;

use pipewright_server::testing::TestServer;
use pipewright_simulator::NewPullRequest;

/// Rules for pushes of feature branches and for new pull requests, and nothing that a push itself runs.
const RULES: &str = r#"
triggers:
  repository-push:
    - condition: 'glob(BITBUCKET_BRANCH, "feature/*")'
      pipelines: [lint, docs]
    - condition: 'BITBUCKET_BRANCH > 1'
      pipelines: [docs]
  pullrequest-created:
    - condition: 'BITBUCKET_PR_DESTINATION_BRANCH == "main"'
      pipelines: [lint]
pipelines:
  custom:
    lint:
      - step: {script: ["echo lint $BITBUCKET_BRANCH"]}
    docs:
      - step: {script: ["echo docs"]}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_that_is_true_starts_its_pipelines_once_each_with_a_status_of_its_own() {
    let mut server = TestServer::start().await;
    server
        .push(
            "main",
            "pipelines:\n  default:\n    - step: {script: [\"true\"]}\n",
        )
        .await;
    server.expect_build(1, "passed").await;
    let commit = server.push("feature/x", RULES).await;
    let found = server.expect_build(2, "skipped").await;
    let sentence = found.state_message.clone().expect("a sentence");
    assert!(
        sentence.contains("#3 (lint), #4 (docs)"),
        "a push that only rules answer is no failure: {sentence}"
    );
    assert!(
        found.diagnostics.to_string().contains("has no answer"),
        "the rule without an answer is said: {}",
        found.diagnostics
    );
    let lint = server.expect_build(3, "passed").await;
    server.expect_build(4, "passed").await;
    assert_eq!(
        (
            lint.pipeline.as_deref(),
            lint.detail.rule.clone().map(|rule| rule.found_by)
        ),
        (Some("custom: lint"), Some(2))
    );
    assert!(server.log(&lint).await.contains("lint feature/x"));
    server.expect_status(&commit, "SUCCESSFUL").await;
    assert_eq!(
        passed_keys(&server, &commit, 2).await.len(),
        2,
        "no status overwrites another"
    );
    assert_eq!(
        server.reasons(2).await,
        ["built", "built", "trigger_rule", "trigger_rule"]
    );

    // The pull request has rules of its own, and its lint a status beside that of the push.
    let request = NewPullRequest {
        repository: server.repository(),
        title: "X",
        source: "feature/x",
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    server
        .bitbucket()
        .clone()
        .open_pull_request(request)
        .await
        .expect("opens");
    server.expect_build(5, "skipped").await;
    let lint = server.expect_build(6, "passed").await;
    assert_eq!(
        (lint.trigger.as_str(), lint.pipeline.as_deref()),
        ("pull_request", Some("custom: lint"))
    );
    assert_eq!(passed_keys(&server, &commit, 3).await.len(), 3);

    // Told again, and looked at again after a restart: nothing is built twice.
    let delivery = server.expect_deliveries(3).await[1].0.id;
    server.redeliver(delivery).await;
    server.expect_deliveries(4).await;
    server.restart().await;
    assert_eq!(server.builds().await.len(), 6);
}

/// The keys of the statuses of a commit that passed, once there are so many.
async fn passed_keys(server: &TestServer, commit: &str, count: usize) -> BTreeSet<String> {
    server
        .until("the statuses", async || {
            let writes = server
                .bitbucket()
                .statuses(server.repository(), commit)
                .expect("the repository");
            let passed: BTreeSet<String> = writes
                .into_iter()
                .filter(|write| write.state == "SUCCESSFUL")
                .map(|write| write.key)
                .collect();
            (passed.len() >= count).then_some(passed)
        })
        .await
}
