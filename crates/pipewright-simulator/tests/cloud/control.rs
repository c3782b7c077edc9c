//! The control API, as a test in another process would use it.

use pipewright_simulator::Simulator;
use serde_json::{Value, json};

use crate::support::{Receiver, client, team};

async fn say(sim: &Simulator, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = client().request(
        method.parse().expect("a method"),
        format!("{}{path}", sim.control_url()),
    );
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

#[tokio::test]
async fn everything_can_be_said_over_http() {
    let sim = team().await;
    let receiver = Receiver::start(&[]).await;
    let of = "/cloud/repositories/harbor/api";
    let calls = [
        (
            "POST",
            "/cloud/users".to_owned(),
            json!({ "name": "kim", "display": "Kim", "email": "kim@x.example", "password": "p" }),
        ),
        (
            "POST",
            "/cloud/spaces".to_owned(),
            json!({ "key": "kim", "name": "Kim", "personal_of": "kim" }),
        ),
        (
            "POST",
            "/cloud/members".to_owned(),
            json!({ "space": "harbor", "user": "kim", "permission": "write" }),
        ),
        (
            "POST",
            "/cloud/repositories".to_owned(),
            json!({ "space": "harbor", "slug": "more", "private": true }),
        ),
        (
            "POST",
            format!("{of}/webhooks"),
            json!({ "url": receiver.url(), "events": ["repo:push"] }),
        ),
        (
            "POST",
            "/cloud/faults".to_owned(),
            json!({ "fault": "slow", "milliseconds": 0 }),
        ),
        (
            "POST",
            "/cloud/faults".to_owned(),
            json!({ "fault": "answer", "status": 500, "requests": 1, "path_prefix": "/x" }),
        ),
        (
            "POST",
            "/cloud/faults".to_owned(),
            json!({ "fault": "lose-webhooks", "count": 0 }),
        ),
        (
            "PUT",
            "/cloud/settings".to_owned(),
            json!({ "refuse_private_hook_urls": true }),
        ),
        ("PUT", "/cloud/token-generation".to_owned(), json!("older")),
        ("PUT", "/datacenter/version".to_owned(), json!("10.2.6")),
    ];
    for (method, path, body) in calls {
        let (status, answer) = say(&sim, method, &path, Some(body)).await;
        assert_eq!(status, 204, "{method} {path}: {answer}");
    }
    let commit =
        json!({ "branch": "main", "files": { "a": "a" }, "message": "Begin", "author": "kim" });
    let (_, commit) = say(&sim, "POST", &format!("{of}/commits"), Some(commit)).await;
    let hash = commit["hash"].as_str().expect("a hash").to_owned();
    let updates = json!({ "by": "kim", "updates": [
        { "branch": "feature/x", "commits": [{ "files": { "b": "b" }, "message": "B" }] },
        { "tag": "v1", "annotated": { "hash": hash, "message": "One" } },
    ] });
    let (status, pushed) = say(&sim, "POST", &format!("{of}/push"), Some(updates)).await;
    assert_eq!(
        (status, pushed["hashes"].as_array().map(Vec::len)),
        (200, Some(2)),
        "{pushed}"
    );
    let request =
        json!({ "title": "X", "source": "feature/x", "destination": "main", "author": "kim" });
    let (_, request) = say(&sim, "POST", &format!("{of}/pull-requests"), Some(request)).await;
    let path = format!("{of}/pull-requests/{}/merge", request["number"]);
    assert_eq!(
        say(&sim, "POST", &path, Some(json!({ "by": "mara" })))
            .await
            .0,
        204
    );
    assert_eq!(
        say(&sim, "GET", &format!("{of}/pull-requests"), None)
            .await
            .1[0]["state"],
        "MERGED"
    );
    say(&sim, "POST", "/cloud/settled", None).await;
    let (_, deliveries) = say(&sim, "GET", &format!("{of}/deliveries"), None).await;
    assert_eq!(deliveries.as_array().map(Vec::len), Some(3));
    assert_eq!(
        (
            &deliveries[0]["state"],
            &deliveries[0]["attempts"][0]["status"]
        ),
        (&json!("done"), &json!(200))
    );
    let (_, head) = say(&sim, "GET", &format!("{of}/head?revision=v1"), None).await;
    assert_eq!(head["hash"], hash);

    let (_, consumer) = say(
        &sim,
        "POST",
        "/cloud/consumers",
        Some(json!({ "workspace": "harbor", "name": "n", "callback_url": "http://x.example/", "scopes": ["account"] })),
    )
    .await;
    assert_eq!(
        consumer["key"].as_str().map(str::len),
        Some(18),
        "of the older generation"
    );
    assert_eq!(sim.datacenter().version().to_string(), "10.2.6");
    let (_, before) = say(&sim, "GET", "/cloud/ssh-host-key", None).await;
    let (_, after) = say(&sim, "POST", "/cloud/ssh-host-key", None).await;
    assert_ne!(before["fingerprint"], after["fingerprint"]);
    assert_eq!(say(&sim, "DELETE", "/cloud/faults", None).await.0, 204);
    let (_, addresses) = say(&sim, "GET", "/", None).await;
    assert_eq!(addresses["cloud"]["api_url"], sim.cloud_api_url());
}

#[tokio::test]
async fn mistakes_are_answered_with_a_sentence() {
    let sim = team().await;
    let (status, body) = say(
        &sim,
        "POST",
        "/cloud/members",
        Some(json!({ "space": "harbor", "user": "x", "permission": "read" })),
    )
    .await;
    assert_eq!(
        (status, body["error"].as_str()),
        (400, Some("there is no user \"x\"; add it with add_user"))
    );
    let (status, _) = say(&sim, "POST", "/gitlab/settled", None).await;
    assert_eq!(status, 404);
    let before: Value = say(&sim, "GET", "/clock", None).await.1;
    let after: Value = say(
        &sim,
        "POST",
        "/clock/advance",
        Some(json!({ "seconds": 86_400 })),
    )
    .await
    .1;
    assert_ne!(
        before["now"].as_str().map(|now| &now[..10]),
        after["now"].as_str().map(|now| &now[..10])
    );
}
