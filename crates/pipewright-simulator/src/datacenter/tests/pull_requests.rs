//! Pull requests over REST.

use http::Method;
use serde_json::{Value, json};

use super::lab::{As, JONAS, Lab, MARA, ledger};
use crate::{actions::NewPullRequest, state::Permission};

const REPOSITORY: &str = "FIN/ledger";

async fn open(lab: &Lab, source: &str, file: &str) -> u64 {
    lab.dc
        .commit(REPOSITORY, source, &[(file, "change\n")], "Change", "mara")
        .await
        .expect("a commit");
    let new = NewPullRequest {
        repository: REPOSITORY,
        title: "Change it",
        source,
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    lab.dc.open_pull_request(new).await.expect("a pull request")
}

#[tokio::test]
async fn pull_requests_are_listed_by_state_direction_and_ref() {
    let lab = Lab::start().await;
    let number = open(&lab, "feature/x", "x.txt").await;
    let list = async |query: &str| {
        let page = lab
            .get(JONAS, &ledger(&format!("/pull-requests{query}")))
            .await
            .expect(200);
        page["values"]
            .as_array()
            .expect("a page")
            .iter()
            .filter_map(|row| row["id"].as_u64())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, [number]);
    assert_eq!(list("?at=refs/heads/main").await, [number]);
    assert_eq!(
        list("?direction=OUTGOING&at=refs/heads/feature/x").await,
        [number]
    );
    assert!(list("?at=refs/heads/other").await.is_empty());
    assert!(list("?state=MERGED").await.is_empty());
    assert!(list("?draft=true").await.is_empty());
    lab.dc
        .decline_pull_request(REPOSITORY, number, "mara")
        .await
        .expect("open");
    assert!(list("").await.is_empty());
    assert_eq!(list("?state=ALL&filterText=CHANGE").await, [number]);
}

#[tokio::test]
async fn a_pull_request_shows_its_ends_and_its_changes() {
    let lab = Lab::start().await;
    let number = open(&lab, "feature/x", "x.txt").await;
    lab.dc
        .commit(
            REPOSITORY,
            "main",
            &[("main.txt", "later\n")],
            "Later",
            "mara",
        )
        .await
        .expect("a commit");
    let shown = lab
        .get(JONAS, &ledger(&format!("/pull-requests/{number}")))
        .await
        .expect(200);
    assert_eq!(
        (&shown["fromRef"]["id"], &shown["fromRef"]["type"]),
        (&json!("refs/heads/feature/x"), &json!("BRANCH"))
    );
    assert_eq!(
        (&shown["state"], &shown["open"], &shown["draft"]),
        (&json!("OPEN"), &json!(true), &json!(false))
    );
    let changes = lab
        .get(JONAS, &ledger(&format!("/pull-requests/{number}/changes")))
        .await
        .expect(200);
    assert_eq!(
        changes["size"], 1,
        "only what the source changed since the common base"
    );
    assert_eq!(changes["values"][0]["path"]["toString"], "x.txt");
    assert_eq!(changes["nextPageStart"], Value::Null);
    lab.get(JONAS, &ledger("/pull-requests/99"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_merge_is_optimistic_and_needs_a_person() {
    let lab = Lab::start().await;
    let number = open(&lab, "feature/x", "x.txt").await;
    let merge = |version: u64| ledger(&format!("/pull-requests/{number}/merge?version={version}"));
    let check = ledger(&format!("/pull-requests/{number}/merge"));
    assert_eq!(lab.get(JONAS, &check).await.expect(200)["canMerge"], true);
    lab.ask(JONAS, Method::POST, &merge(0), None)
        .await
        .expect(401);
    let stale = lab
        .ask(MARA, Method::POST, &merge(7), None)
        .await
        .expect(409);
    assert_eq!(
        (
            &stale["errors"][0]["currentVersion"],
            &stale["errors"][0]["expectedVersion"]
        ),
        (&json!(0), &json!(7))
    );
    assert_eq!(stale["errors"][0]["pullRequest"]["id"], json!(number));
    let token = lab
        .dc
        .create_repository_token(REPOSITORY, "ci", Permission::Write)
        .expect("a repository");
    lab.ask(As::Bearer(&token), Method::POST, &merge(0), None)
        .await
        .expect(403);
    let merged = lab
        .ask(MARA, Method::POST, &merge(0), None)
        .await
        .expect(200);
    let head = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    assert_eq!(
        (&merged["state"], &merged["properties"]["mergeCommit"]["id"]),
        (&json!("MERGED"), &json!(head))
    );
    lab.get(JONAS, &check).await.expect(409);
    let again = merged["version"].as_u64().expect("a version");
    lab.ask(MARA, Method::POST, &merge(again), None)
        .await
        .expect(409);
}

#[tokio::test]
async fn a_conflict_is_told_and_not_merged() {
    let lab = Lab::start().await;
    let number = open(&lab, "feature/x", "README.md").await;
    lab.dc
        .commit(
            REPOSITORY,
            "main",
            &[("README.md", "other\n")],
            "Other",
            "mara",
        )
        .await
        .expect("a commit");
    let check = lab
        .get(JONAS, &ledger(&format!("/pull-requests/{number}/merge")))
        .await
        .expect(200);
    assert_eq!(
        (&check["canMerge"], &check["outcome"]),
        (&json!(false), &json!("CONFLICTED"))
    );
    let merge = ledger(&format!("/pull-requests/{number}/merge?version=0"));
    lab.ask(MARA, Method::POST, &merge, None).await.expect(409);
    lab.ask(
        MARA,
        Method::POST,
        &ledger(&format!("/pull-requests/{number}/decline?version=0")),
        None,
    )
    .await
    .expect(200);
}

#[tokio::test]
async fn a_pull_request_may_come_from_a_fork_or_a_tag() {
    let lab = Lab::start().await;
    lab.dc.add_personal_project("jonas").expect("a user");
    lab.dc
        .fork(REPOSITORY, "~jonas", "ledger", "jonas")
        .await
        .expect("a fork");
    lab.dc
        .commit(
            "~jonas/ledger",
            "fix",
            &[("fix.txt", "1\n")],
            "Fix",
            "jonas",
        )
        .await
        .expect("a commit");
    let new = NewPullRequest {
        repository: REPOSITORY,
        title: "Fix",
        source: "fix",
        source_repository: Some("~jonas/ledger"),
        destination: "main",
        author: "jonas",
    };
    let number = lab.dc.open_pull_request(new).await.expect("a pull request");
    let shown = lab
        .get(MARA, &ledger(&format!("/pull-requests/{number}")))
        .await
        .expect(200);
    assert_ne!(
        shown["fromRef"]["repository"]["id"],
        shown["toRef"]["repository"]["id"]
    );
    assert_eq!(shown["fromRef"]["repository"]["origin"]["slug"], "ledger");
    let changes = lab
        .get(MARA, &ledger(&format!("/pull-requests/{number}/changes")))
        .await
        .expect(200);
    assert_eq!(changes["values"][0]["path"]["toString"], "fix.txt");
    lab.dc
        .create_tag(REPOSITORY, "v1", "main", Some("One"), "mara")
        .await
        .expect("a tag");
    let tagged = lab
        .dc
        .open_pull_request_from_tag(REPOSITORY, "From a tag", "v1", "main", "mara")
        .await
        .expect("a pull request");
    let shown = lab
        .get(MARA, &ledger(&format!("/pull-requests/{tagged}")))
        .await
        .expect(200);
    assert_eq!(
        (&shown["fromRef"]["id"], &shown["fromRef"]["type"]),
        (&json!("refs/tags/v1"), &json!("TAG"))
    );
}
