//! Pipelines of other files, and the labels that a step asks of its runner.

use pipewright_server::testing::{TestOptions, TestServer};
use pipewright_simulator::Product;
use pipewright_simulator::state::Permission;
use pipewright_store::builds::{self, Build};
use pipewright_store::repositories::{self, Search};
use rstest::rstest;

const SHARED: &str = "
export: true
definitions:
  pipelines:
    build:
      - step: {name: Shared, script: [echo built $BITBUCKET_REPO_SLUG at $BITBUCKET_COMMIT, cat README]}
";

fn importing(source: &str) -> String {
    format!(
        "definitions: {{imports: {{there: '{source}'}}}}\npipelines: {{default: {{import: build@there}}}}\n"
    )
}

fn messages(build: &Build) -> Vec<String> {
    let problems = build.diagnostics.as_array().cloned().unwrap_or_default();
    problems
        .iter()
        .map(|problem| problem["message"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_of_another_file_is_that_of_the_builds_commit() {
    let server = TestServer::start().await;
    let files = [
        ("bitbucket-pipelines.yml", &*importing("ci/pipelines.yml")),
        ("ci/pipelines.yml", SHARED),
        ("README", "first"),
    ];
    let commit = server.push_files("main", &files, "Import").await;
    let build = server.expect_build(1, "passed").await;
    let log = server.log(&build).await;
    assert!(
        log.contains(&format!("at {commit}")) && log.contains("first"),
        "{log}"
    );
    server
        .push_files(
            "main",
            &[(
                "ci/pipelines.yml",
                &SHARED.replace("cat README", "echo second"),
            )],
            "Change it",
        )
        .await;
    let build = server.expect_build(2, "passed").await;
    assert!(server.log(&build).await.contains("second"));
    server
        .push_files(
            "gone",
            &[("bitbucket-pipelines.yml", &importing("other/pipelines.yml"))],
            "Elsewhere",
        )
        .await;
    let build = server.expect_build(3, "invalid").await;
    let expected = "the pipeline `build` of `other/pipelines.yml` cannot be imported: there is no such file at this commit";
    assert_eq!(messages(&build), [expected]);
}

#[rstest]
#[case(Product::Cloud)]
#[case(Product::Datacenter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_of_another_repository_runs_with_the_importers_files(#[case] product: Product) {
    let server = TestServer::with(TestOptions {
        product,
        ..TestOptions::default()
    })
    .await;
    let files = [
        ("bitbucket-pipelines.yml", SHARED),
        (
            "ci/pipelines.yml",
            "definitions: {pipelines: {build: [{step: {script: [a]}}]}}\n",
        ),
    ];
    let shared = server.another_repository("tools", &files).await;
    let commit = server
        .push_files(
            "main",
            &[
                ("bitbucket-pipelines.yml", &importing("tools:main")),
                ("README", "mine"),
            ],
            "Import",
        )
        .await;
    let build = server.expect_build(1, "passed").await;
    let log = server.log(&build).await;
    let slug = server.repository().rsplit('/').next().expect("a slug");
    assert!(
        log.contains(&format!("built {slug} at {commit}")) && log.contains("mine"),
        "{log}"
    );
    let plan = builds::plan_of(&server.app.db, server.account(), build.id)
        .await
        .expect("reads")
        .expect("a plan");
    let imported = plan.imported.expect("it is from elsewhere");
    assert_eq!(
        (
            imported.file.as_str(),
            imported.commit.map(|commit| commit.to_string())
        ),
        ("tools:main", Some(shared))
    );

    for (number, source, expected) in [
        (2, "nothing:main", "sees no repository \"nothing\""),
        (3, "tools:next", "has no branch or tag \"next\""),
        (
            4,
            "tools:main:other/pipelines.yml",
            "has no file \"other/pipelines.yml\" at main",
        ),
        (
            5,
            "tools:main:ci/pipelines.yml",
            "that file cannot be read or does not share its pipelines",
        ),
    ] {
        server
            .push_files(
                "main",
                &[("bitbucket-pipelines.yml", &importing(source))],
                "Import",
            )
            .await;
        let build = server.expect_build(number, "invalid").await;
        assert!(
            messages(&build)[0].contains(expected),
            "{:?}",
            messages(&build)
        );
    }
}

/// Whoever has a workspace could else take the name of a repository that is gone, and be given this one's variables.
#[tokio::test(flavor = "multi_thread")]
async fn a_slug_never_reaches_another_project_and_an_id_does() {
    let server = TestServer::start().await;
    server
        .bitbucket()
        .add_space("ELSE", "Elsewhere", None)
        .expect("a project");
    server
        .bitbucket()
        .add_member("ELSE", "mara", Permission::Admin)
        .expect("a member");
    server
        .repository_of("ELSE", "tools", &[("bitbucket-pipelines.yml", SHARED)])
        .await;
    server
        .push_files(
            "main",
            &[
                ("bitbucket-pipelines.yml", &importing("tools:main")),
                ("README", "mine"),
            ],
            "Import",
        )
        .await;
    let build = server.expect_build(1, "invalid").await;
    let problem = build.diagnostics.to_string();
    assert!(
        problem.contains("FIN has no repository")
            && problem.contains("ELSE/tools")
            && problem.contains("UUID"),
        "{problem}"
    );
    let search = Search {
        text: "tools".to_owned(),
        owner: None,
        integration: None,
        limit: 9,
        offset: 0,
    };
    let (found, _) = repositories::search(&server.app.db, server.account(), &search)
        .await
        .expect("searches");
    server
        .push_files(
            "main",
            &[(
                "bitbucket-pipelines.yml",
                &importing(&format!("{}:main", found[0].remote_id)),
            )],
            "By its id",
        )
        .await;
    server.expect_build(2, "passed").await;
    server
        .another_repository(
            "tools",
            &[(
                "bitbucket-pipelines.yml",
                &SHARED.replace("cat README", "echo ours"),
            )],
        )
        .await;
    server
        .push_files(
            "main",
            &[("bitbucket-pipelines.yml", &importing("tools:main"))],
            "Our own",
        )
        .await;
    let build = server.expect_build(3, "passed").await;
    assert!(server.log(&build).await.contains("\nours\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_runs_where_the_runner_has_its_labels() {
    let file = "pipelines: {default: [{step: {runs-on: [self.hosted, gpu], script: [echo calculated]}}]}\n";
    let server = TestServer::start().await;
    server.push("main", file).await;
    let build = server.expect_build(1, "errored").await;
    assert_eq!(
        build.state_message.as_deref(),
        Some("Not supported here yet: `runs-on` (line 1): no runner has the label `gpu`.")
    );
    assert_eq!(
        messages(&build),
        ["not supported yet: `runs-on`; no runner has the label `gpu`"]
    );
    assert!(
        build.diagnostics.to_string().contains("runner.labels"),
        "the setting is named"
    );
    let labels = ["self.hosted", "gpu"].map(str::to_owned).to_vec();
    let server = TestServer::with(TestOptions {
        runner_labels: labels,
        ..TestOptions::default()
    })
    .await;
    server.push("main", file).await;
    let build = server.expect_build(1, "passed").await;
    assert!(server.log(&build).await.contains("calculated"));
}
