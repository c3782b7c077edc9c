//! Build statuses.

use serde_json::json;

use crate::support::{Receiver, SOON, signed_in, team};

#[tokio::test]
async fn every_write_is_kept_and_the_last_is_shown() {
    let sim = team().await;
    let cloud = sim.cloud();
    let hash = cloud
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let receiver = Receiver::start(&[]).await;
    let events = ["repo:commit_status_created", "repo:commit_status_updated"];
    cloud
        .add_webhook("harbor/api", receiver.url(), None, &events)
        .expect("a webhook");
    let api = signed_in(&sim, "ivo").await;
    let path = format!("/repositories/harbor/api/commit/{hash}/statuses/build");
    let status = |state: &str| {
        Some(
            json!({ "key": "pw-1", "state": state, "url": "http://127.0.0.1:8080/b/1", "name": "Build #1" }),
        )
    };
    let made = api.call("POST", &path, status("INPROGRESS"), 201).await;
    assert_eq!(
        (made["type"].as_str(), made["commit"]["hash"].as_str()),
        (Some("build"), Some(hash.as_str()))
    );
    cloud.settled().await;
    let updated = api
        .call(
            "PUT",
            &format!("{path}/pw-1"),
            Some(json!({ "state": "SUCCESSFUL", "description": "3 steps" })),
            200,
        )
        .await;
    assert_eq!(
        (updated["name"].as_str(), updated["description"].as_str()),
        (Some("Build #1"), Some("3 steps"))
    );
    assert_eq!(
        (&updated["uuid"], &updated["created_on"]),
        (&made["uuid"], &made["created_on"])
    );
    cloud.settled().await;
    api.call("POST", &path, status("FAILED"), 201).await;

    assert_eq!(api.get(&format!("{path}/pw-1")).await["state"], "FAILED");
    let shown = api
        .get(&format!("/repositories/harbor/api/commit/{hash}/statuses"))
        .await;
    assert_eq!(
        (shown["size"].as_u64(), shown["values"][0]["state"].as_str()),
        (Some(1), Some("FAILED"))
    );
    let history: Vec<_> = cloud
        .statuses("harbor/api", &hash)
        .expect("statuses")
        .into_iter()
        .map(|write| write.state)
        .collect();
    assert_eq!(history, ["INPROGRESS", "SUCCESSFUL", "FAILED"]);
    cloud.settled().await;
    let keys: Vec<_> = receiver
        .got()
        .iter()
        .map(|received| received.headers["x-event-key"].clone())
        .collect();
    assert_eq!(
        keys,
        [
            "repo:commit_status_created",
            "repo:commit_status_updated",
            "repo:commit_status_updated"
        ]
    );

    let waited = cloud
        .wait_for_status("harbor/api", &hash, Some("pw-1"), &["FAILED"], SOON)
        .await;
    assert_eq!(waited.expect("it is there").key, "pw-1");
    api.call("GET", &format!("{path}/nothing"), None, 404).await;
    api.call(
        "PUT",
        &format!("{path}/nothing"),
        Some(json!({ "state": "FAILED" })),
        404,
    )
    .await;
}

#[tokio::test]
async fn limits_are_bitbuckets() {
    let sim = team().await;
    let hash = sim
        .cloud()
        .commit("harbor/api", "main", &[("a", "a")], "Begin", "mara")
        .await
        .expect("a commit");
    let api = signed_in(&sim, "mara").await;
    let path = format!("/repositories/harbor/api/commit/{hash}/statuses/build");
    let good = json!({ "key": "k".repeat(40), "state": "STOPPED", "url": format!("http://127.0.0.1/{}", "u".repeat(433)) });
    api.call("POST", &path, Some(good.clone()), 201).await;
    for (field, value) in [
        ("key", json!("k".repeat(48))),
        ("key", json!(null)),
        ("state", json!("CANCELLED")),
        (
            "url",
            json!(format!("http://127.0.0.1/{}", "u".repeat(434))),
        ),
        ("url", json!("http://localhost:8080/")),
        ("url", json!("http://buildserver/1")),
        ("url", json!("/relative")),
        ("description", json!("d".repeat(256))),
        ("name", json!("n".repeat(256))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = api.call("POST", &path, Some(body), 400).await;
        assert!(
            refused["error"]["fields"][field].is_array(),
            "{field}: {refused}"
        );
    }
    let mut long = good.clone();
    long["key"] = json!("k".repeat(48));
    let refused = api.call("POST", &path, Some(long), 400).await;
    assert_eq!(
        refused["error"]["message"],
        "key: Ensure this value has at most 40 characters (it has 48)."
    );
    let nowhere =
        "/repositories/harbor/api/commit/0123456789012345678901234567890123456789/statuses/build";
    api.call("POST", nowhere, Some(good), 404).await;
}
