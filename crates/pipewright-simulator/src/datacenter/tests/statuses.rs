//! Build statuses, new and old.

use std::time::Duration;

use serde_json::{Value, json};

use super::lab::{As, JONAS, Lab, MARA, OLGA, ledger};

async fn head(lab: &Lab) -> String {
    lab.dc
        .head("FIN/ledger", "main")
        .await
        .expect("git")
        .expect("a head")
}

fn status(key: &str, state: &str) -> Value {
    json!({
        "key": key, "state": state, "url": "https://ci.example.com/builds/7", "name": "Ledger #7", "parent": "ledger",
        "ref": "refs/heads/main", "buildNumber": "7", "duration": 1500,
        "testResults": { "successful": 3, "failed": 0, "skipped": 1 },
    })
}

#[tokio::test]
async fn a_rich_status_needs_reading_rights_only_and_is_replaced_by_its_key() {
    let lab = Lab::start().await;
    let builds = ledger(&format!("/commits/{}/builds", head(&lab).await));
    lab.post(JONAS, &builds, status("pw/1", "INPROGRESS"))
        .await
        .expect(204);
    lab.clock.advance(Duration::from_mins(1));
    lab.post(JONAS, &builds, status("pw/1", "SUCCESSFUL"))
        .await
        .expect(204);
    let shown = lab
        .get(JONAS, &format!("{builds}?key=pw%2F1"))
        .await
        .expect(200);
    assert_eq!(
        (&shown["state"], &shown["parent"], &shown["buildNumber"]),
        (&json!("SUCCESSFUL"), &json!("ledger"), &json!("7"))
    );
    assert_eq!(
        (&shown["projectKey"], &shown["repositorySlug"]),
        (&json!("FIN"), &json!("ledger"))
    );
    let between =
        shown["updatedDate"].as_i64().expect("ms") - shown["createdDate"].as_i64().expect("ms");
    assert_eq!(between, 60_000);
    let written: Vec<String> = lab
        .dc
        .statuses("FIN/ledger", &head(&lab).await)
        .expect("a repository")
        .into_iter()
        .map(|write| write.state)
        .collect();
    assert_eq!(written, ["INPROGRESS", "SUCCESSFUL"]);
    lab.post(OLGA, &builds, status("x", "FAILED"))
        .await
        .expect(401);
    lab.post(As::Nobody, &builds, status("x", "FAILED"))
        .await
        .expect(401);
    lab.get(JONAS, &format!("{builds}?key=other"))
        .await
        .expect(404);
    lab.get(JONAS, &builds).await.expect(400);
    lab.delete(JONAS, &format!("{builds}?key=pw%2F1"))
        .await
        .expect(401);
    lab.delete(MARA, &format!("{builds}?key=pw%2F1"))
        .await
        .expect(204);
    lab.get(JONAS, &format!("{builds}?key=pw%2F1"))
        .await
        .expect(404);
}

#[tokio::test]
async fn limits_of_a_rich_status_are_checked() {
    let lab = Lab::start().await;
    let builds = ledger(&format!("/commits/{}/builds", head(&lab).await));
    let with = |field: &str, value: Value| {
        let mut status = status("k", "FAILED");
        status[field] = value;
        status
    };
    for (wrong, field) in [
        (with("key", json!("")), "key"),
        (with("key", json!("k".repeat(256))), "key"),
        (with("url", json!("/builds/7")), "url"),
        (
            with(
                "url",
                json!(format!("https://ci.example.com/{}", "x".repeat(450))),
            ),
            "url",
        ),
        (with("state", json!("STOPPED")), "state"),
        (with("name", json!("n".repeat(256))), "name"),
        (with("parent", json!("p".repeat(1025))), "parent"),
        (with("ref", json!("main")), "ref"),
    ] {
        let refused = lab.post(JONAS, &builds, wrong).await.expect(400);
        assert_eq!(refused["errors"][0]["context"], field);
    }
    lab.post(JONAS, &builds, with("key", json!("k".repeat(255))))
        .await
        .expect(204);
    lab.post(JONAS, &builds, with("state", json!("CANCELLED")))
        .await
        .expect(204);
    let elsewhere = ledger(&format!("/commits/{}/builds", "1".repeat(40)));
    lab.post(JONAS, &elsewhere, status("k", "FAILED"))
        .await
        .expect(404);
    let by_name = ledger("/commits/main/builds");
    lab.post(JONAS, &by_name, status("k", "FAILED"))
        .await
        .expect(404);
}

#[tokio::test]
async fn the_old_resource_knows_commits_only() {
    let lab = Lab::start().await;
    let commit = head(&lab).await;
    let path = format!("/rest/build-status/1.0/commits/{commit}");
    let old = json!({ "key": "old", "state": "INPROGRESS", "url": "https://ci.example.com/1" });
    lab.post(OLGA, &path, old.clone()).await.expect(204);
    lab.clock.advance(Duration::from_secs(1));
    lab.post(
        JONAS,
        &ledger(&format!("/commits/{commit}/builds")),
        status("new", "FAILED"),
    )
    .await
    .expect(204);
    let listed = lab.get(OLGA, &path).await.expect(200);
    assert_eq!(
        (&listed["values"][0]["key"], &listed["values"][1]["key"]),
        (&json!("new"), &json!("old"))
    );
    let counted = lab
        .get(
            OLGA,
            &format!("/rest/build-status/1.0/commits/stats/{commit}"),
        )
        .await
        .expect(200);
    assert_eq!(
        (&counted["failed"], &counted["inProgress"]),
        (&json!(1), &json!(1))
    );
    let many = lab
        .post(
            OLGA,
            "/rest/build-status/latest/commits/stats",
            json!([commit]),
        )
        .await
        .expect(200);
    assert_eq!(many[&commit]["failed"], 1);
    lab.post(OLGA, "/rest/build-status/1.0/commits/abc", old)
        .await
        .expect(400);
    lab.get(As::Nobody, &path).await.expect(401);
    let cancelled =
        json!({ "key": "old", "state": "CANCELLED", "url": "https://ci.example.com/1" });
    lab.post(OLGA, &path, cancelled).await.expect(400);
}
