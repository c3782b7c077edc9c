//! Every operation of the simulated Data Center, judged by Atlassian's own document.

use http::Method;
use serde_json::json;

use super::lab::{As, JONAS, Lab, MARA, Receiver, ledger, shared};
use crate::{
    actions::NewPullRequest, datacenter::TokenLevel, installation::Product, openapi::Document,
    ssh::HostKey, state::Permission,
};

const REPOSITORY: &str = "FIN/ledger";

/// Asks for everything once, good and bad, and then judges what was recorded.
#[tokio::test]
async fn every_answer_agrees_with_the_document() {
    let Some(shared) = shared() else { return };
    let document = Document::load(Product::Datacenter, &shared).expect("the document");
    let lab = Lab::start().await;
    walk_instance(&lab).await;
    walk_code(&lab).await;
    walk_keys_and_tokens(&lab).await;
    walk_webhooks(&lab).await;
    walk_statuses(&lab).await;
    walk_pull_requests(&lab).await;
    let exchanges = lab.recorder.exchanges();
    assert!(
        exchanges.len() > 80,
        "the walk was short: {}",
        exchanges.len()
    );
    let findings = document.check_exchanges(&exchanges);
    assert!(findings.is_empty(), "\n{findings}");
}

async fn walk_instance(lab: &Lab) {
    lab.dc.add_personal_project("mara").expect("a user");
    lab.get(As::Nobody, "/rest/api/1.0/application-properties")
        .await
        .expect(200);
    lab.get(MARA, "/rest/capabilities").await.expect(200);
    lab.get(MARA, "/rest/api/latest/build/capabilities")
        .await
        .expect(200);
    lab.get(MARA, "/rest/webhooks/latest/capabilities")
        .await
        .expect(200);
    lab.get(MARA, "/rest/api/latest/admin/rate-limit/settings")
        .await
        .expect(200);
    lab.get(MARA, "/rest/ssh/latest/settings").await.expect(200);
    lab.get(MARA, "/rest/api/1.0/users?filter=ma")
        .await
        .expect(200);
    lab.get(MARA, "/rest/api/1.0/users/mara").await.expect(200);
    lab.get(MARA, "/rest/api/1.0/users/nobody")
        .await
        .expect(404);
    lab.get(As::Password("mara", "wrong"), "/rest/api/1.0/users/mara")
        .await
        .expect(401);
    lab.get(
        MARA,
        "/rest/api/1.0/projects?name=fin&permission=PROJECT_READ&limit=1",
    )
    .await
    .expect(200);
    lab.get(MARA, "/rest/api/1.0/projects/FIN")
        .await
        .expect(200);
    lab.get(MARA, "/rest/api/1.0/projects/~mara")
        .await
        .expect(200);
    lab.get(MARA, "/rest/api/1.0/projects/none")
        .await
        .expect(404);
    lab.get(MARA, "/rest/api/1.0/projects/FIN/repos")
        .await
        .expect(200);
    lab.get(MARA, "/rest/api/1.0/repos?name=l&projectkey=FIN&permission=REPO_ADMIN&archived=ALL&start=0&limit=5").await.expect(200);
    lab.get(MARA, "/rest/api/1.0/repos?permission=REPO_FLY")
        .await
        .expect(400);
    lab.get(As::Nobody, &ledger("")).await.expect(401);
    lab.get(MARA, &ledger("")).await.expect(200);
    lab.get(MARA, "/rest/api/1.0/projects/FIN/repos/none")
        .await
        .expect(404);
    lab.dc.require_captcha("jonas").expect("a user");
    lab.get(JONAS, &ledger("")).await.expect(403);
    lab.dc.clear_captcha("jonas").expect("a user");
}

async fn walk_code(lab: &Lab) {
    lab.dc
        .create_tag(REPOSITORY, "v1/annotated", "main", Some("One"), "mara")
        .await
        .expect("a tag");
    lab.dc
        .create_tag(REPOSITORY, "light", "main", None, "mara")
        .await
        .expect("a tag");
    let first = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let head = lab
        .dc
        .commit(
            REPOSITORY,
            "main",
            &[("a/b.txt", "1\n"), ("README.md", "x\n")],
            "Two",
            "mara",
        )
        .await
        .expect("a commit");
    for path in [
        "/default-branch".to_owned(),
        "/branches?filterText=m&orderBy=MODIFICATION&limit=1".to_owned(),
        "/tags?filterText=l&orderBy=ALPHABETICAL".to_owned(),
        "/tags/v1/annotated".to_owned(),
        "/tags/light".to_owned(),
        format!("/commits?until=main&since={first}&limit=1"),
        format!("/commits/{head}"),
        format!("/commits/{head}/changes"),
        format!("/changes?until={head}&since={first}"),
        format!("/compare/changes?from={head}&to={first}"),
        "/raw/a/b.txt?at=refs/heads/main".to_owned(),
        "/browse".to_owned(),
        "/browse/a?at=main".to_owned(),
        "/browse/a/b.txt?type=true".to_owned(),
        "/browse/a/b.txt?size=true".to_owned(),
        "/files?at=main".to_owned(),
        "/files/a".to_owned(),
    ] {
        let answer = lab.get(MARA, &ledger(&path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    for path in [
        "/tags/none",
        "/commits/none",
        "/commits?until=none",
        "/raw/none",
        "/browse/none",
        "/changes?until=none",
    ] {
        lab.get(MARA, &ledger(path)).await.expect(404);
    }
}

async fn walk_keys_and_tokens(lab: &Lab) {
    let (users, access) = (HostKey::random().openssh(), HostKey::random().openssh());
    let made = lab
        .post(
            MARA,
            "/rest/ssh/1.0/keys",
            json!({ "text": users, "label": "desk", "expiryDays": 30 }),
        )
        .await
        .expect(201);
    lab.post(MARA, "/rest/ssh/1.0/keys", json!({ "text": users }))
        .await
        .expect(409);
    lab.post(MARA, "/rest/ssh/1.0/keys", json!({ "text": "none" }))
        .await
        .expect(400);
    lab.get(MARA, "/rest/ssh/1.0/keys").await.expect(200);
    lab.get(MARA, &format!("/rest/ssh/1.0/keys/{}", made["id"]))
        .await
        .expect(200);
    lab.delete(MARA, &format!("/rest/ssh/1.0/keys/{}", made["id"]))
        .await
        .expect(204);
    for (path, level, other) in [
        (
            "/rest/keys/1.0/projects/FIN/repos/ledger/ssh",
            "REPO_READ",
            "REPO_WRITE",
        ),
        (
            "/rest/keys/1.0/projects/FIN/ssh",
            "PROJECT_READ",
            "PROJECT_WRITE",
        ),
    ] {
        let wanted = json!({ "key": { "text": access, "label": "ci" }, "permission": level });
        let made = lab.post(MARA, path, wanted.clone()).await.expect(201);
        lab.post(JONAS, path, wanted.clone()).await.expect(401);
        lab.post(MARA, path, wanted).await.expect(409);
        lab.get(MARA, &format!("{path}?filter=c")).await.expect(200);
        let one = format!("{path}/{}", made["key"]["id"]);
        lab.get(MARA, &one).await.expect(200);
        lab.ask(
            MARA,
            Method::PUT,
            &format!("{one}/permission/{other}"),
            None,
        )
        .await
        .expect(200);
        lab.delete(MARA, &one).await.expect(204);
        lab.get(MARA, &one).await.expect(404);
    }
    for (path, levels) in [
        (
            "/rest/access-tokens/latest/users/mara",
            json!(["REPO_ADMIN", "PROJECT_READ"]),
        ),
        (
            "/rest/access-tokens/latest/projects/FIN",
            json!(["PROJECT_READ"]),
        ),
        (
            "/rest/access-tokens/latest/projects/FIN/repos/ledger",
            json!(["REPO_READ"]),
        ),
    ] {
        let made = lab
            .put(
                MARA,
                path,
                json!({ "name": "ci", "permissions": levels, "expiryDays": 7 }),
            )
            .await
            .expect(200);
        lab.put(MARA, path, json!({ "name": "ci" }))
            .await
            .expect(400);
        lab.get(MARA, path).await.expect(200);
        lab.delete(
            MARA,
            &format!("{path}/{}", made["id"].as_str().expect("a string")),
        )
        .await
        .expect(204);
    }
}

async fn walk_webhooks(lab: &Lab) {
    let receiver = Receiver::start().await;
    for path in [
        ledger("/webhooks"),
        "/rest/api/1.0/projects/FIN/webhooks".to_owned(),
    ] {
        let wanted = json!({
            "name": "pipewright", "url": receiver.url, "events": ["repo:refs_changed", "pr:opened"], "active": true,
            "configuration": { "secret": "tide" }, "sslVerificationRequired": true,
        });
        let made = lab.post(MARA, &path, wanted.clone()).await.expect(201);
        lab.post(
            MARA,
            &path,
            json!({ "name": "x", "url": receiver.url, "events": ["x"] }),
        )
        .await
        .expect(400);
        lab.get(MARA, &path).await.expect(200);
        let one = format!("{path}/{}", made["id"]);
        lab.get(MARA, &one).await.expect(200);
        lab.put(MARA, &one, wanted).await.expect(200);
        if path.contains("/repos/") {
            lab.get(MARA, &format!("{one}/latest")).await.expect(204);
            lab.dc
                .commit(REPOSITORY, "main", &[("n.txt", "1")], "One", "mara")
                .await
                .expect("a commit");
            lab.dc.settled().await;
            lab.get(MARA, &format!("{one}/latest")).await.expect(200);
            lab.get(MARA, &format!("{one}/statistics?event=repo:refs_changed"))
                .await
                .expect(200);
            lab.get(MARA, &format!("{one}/statistics/summary"))
                .await
                .expect(200);
            lab.get(MARA, &format!("{path}/search?scopeType=repository"))
                .await
                .expect(200);
            lab.ask(
                MARA,
                Method::POST,
                &format!("{path}/test?url={}", receiver.url),
                None,
            )
            .await
            .expect(200);
        }
        lab.delete(MARA, &one).await.expect(204);
        lab.delete(MARA, &one).await.expect(404);
    }
}

async fn walk_statuses(lab: &Lab) {
    let head = lab
        .dc
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let builds = ledger(&format!("/commits/{head}/builds"));
    let status = json!({
        "key": "k", "state": "CANCELLED", "url": "https://ci.example.com/1", "name": "n", "description": "d",
        "buildNumber": "1", "parent": "p", "ref": "refs/heads/main", "duration": 5, "lastUpdated": 1_795_000_000_000_i64,
        "testResults": { "successful": 1, "failed": 0, "skipped": 0 },
    });
    lab.post(JONAS, &builds, status).await.expect(204);
    lab.post(
        JONAS,
        &builds,
        json!({ "key": "k", "state": "FAILED", "url": "" }),
    )
    .await
    .expect(400);
    lab.get(JONAS, &format!("{builds}?key=k")).await.expect(200);
    lab.get(JONAS, &format!("{builds}?key=none"))
        .await
        .expect(404);
    lab.delete(MARA, &format!("{builds}?key=k"))
        .await
        .expect(204);
    let old = format!("/rest/build-status/1.0/commits/{head}");
    lab.post(
        JONAS,
        &old,
        json!({ "key": "k", "state": "FAILED", "url": "https://ci.example.com/1" }),
    )
    .await
    .expect(204);
    lab.get(JONAS, &old).await.expect(200);
    lab.get(
        JONAS,
        &format!("/rest/build-status/1.0/commits/stats/{head}"),
    )
    .await
    .expect(200);
    lab.post(JONAS, "/rest/build-status/1.0/commits/stats", json!([head]))
        .await
        .expect(200);
}

async fn walk_pull_requests(lab: &Lab) {
    lab.dc
        .commit(REPOSITORY, "topic", &[("t.txt", "1\n")], "Topic", "mara")
        .await
        .expect("a commit");
    let new = NewPullRequest {
        repository: REPOSITORY,
        title: "Topic",
        source: "topic",
        source_repository: None,
        destination: "main",
        author: "mara",
    };
    let number = lab.dc.open_pull_request(new).await.expect("a pull request");
    let one = ledger(&format!("/pull-requests/{number}"));
    lab.get(MARA, &ledger("/pull-requests?state=ALL&direction=INCOMING&at=refs/heads/main&order=OLDEST&draft=false")).await.expect(200);
    lab.get(MARA, &one).await.expect(200);
    lab.get(MARA, &format!("{one}/changes")).await.expect(200);
    lab.get(MARA, &format!("{one}/merge")).await.expect(200);
    lab.ask(MARA, Method::POST, &format!("{one}/merge?version=9"), None)
        .await
        .expect(409);
    lab.ask(MARA, Method::POST, &format!("{one}/merge?version=0"), None)
        .await
        .expect(200);
    lab.get(MARA, &format!("{one}/merge")).await.expect(409);
    lab.get(MARA, &ledger("/pull-requests/99"))
        .await
        .expect(404);
    let levels = [TokenLevel::Project(Permission::Read)];
    lab.dc
        .create_project_token("FIN", "ci", &levels)
        .expect("a project");
}

/// The judge must be able to say no.
#[tokio::test]
async fn what_a_document_does_not_know_is_found() {
    let Some(shared) = shared() else { return };
    let document = Document::load(Product::Datacenter, &shared).expect("the document");
    let lab = Lab::start().await;
    lab.get(MARA, &ledger("/branches?filter=x"))
        .await
        .expect(200);
    lab.get(MARA, &ledger("/wizards")).await.expect(404);
    let misspelt = json!({ "name": "n", "url": "https://ci.example.com/", "events": ["pr:opened"], "sslVerification": false });
    lab.post(MARA, &ledger("/webhooks"), misspelt)
        .await
        .expect(201);
    let exchanges = lab.recorder.exchanges();
    let findings = document.check_requests(&exchanges);
    assert_eq!(
        findings,
        document.check_exchanges(&exchanges),
        "the answers were as documented"
    );
    let found: Vec<String> = findings
        .0
        .iter()
        .map(|finding| format!("{} {}", finding.place, finding.text))
        .collect();
    assert_eq!(
        found,
        [
            "query `filter` is not a parameter of the document",
            "path is not known to the document",
            "/sslVerification is a property that the document does not name",
        ]
    );
}
