//! Every operation of the simulated Cloud, judged by Atlassian's own document.

use http::Method;
use serde_json::{Value, json};

use crate::{
    Cloud, NewPullRequest, Product, Simulator, SimulatorOptions,
    openapi::{Document, shared_directory},
    ssh::HostKey,
    state::Permission,
};

const REPOSITORY: &str = "harbor/checkout-api";

/// Asks below `/2.0` with `mara`'s API token.
struct Client {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .basic_auth("mara@example.com", Some(&self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the simulator answers");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a whole body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    #[track_caller]
    fn expect(wanted: u16, path: &str, (status, body): (u16, Value)) -> Value {
        assert_eq!(status, wanted, "{path}: {body}");
        body
    }

    async fn get(&self, wanted: u16, path: &str) -> Value {
        Self::expect(wanted, path, self.ask(Method::GET, path, None).await)
    }

    async fn post(&self, wanted: u16, path: &str, body: Value) -> Value {
        Self::expect(wanted, path, self.ask(Method::POST, path, Some(body)).await)
    }

    async fn put(&self, wanted: u16, path: &str, body: Value) -> Value {
        Self::expect(wanted, path, self.ask(Method::PUT, path, Some(body)).await)
    }

    async fn delete(&self, wanted: u16, path: &str) {
        Self::expect(wanted, path, self.ask(Method::DELETE, path, None).await);
    }
}

/// `/repositories/harbor/checkout-api` and what follows.
fn at(rest: &str) -> String {
    format!("/repositories/{REPOSITORY}{rest}")
}

const SCOPES: &[&str] = &[
    "read:user:bitbucket",
    "read:email:bitbucket",
    "read:workspace:bitbucket",
    "read:repository:bitbucket",
    "write:repository:bitbucket",
    "admin:repository:bitbucket",
    "read:pullrequest:bitbucket",
    "read:webhook:bitbucket",
    "write:webhook:bitbucket",
    "delete:webhook:bitbucket",
    "read:ssh-key:bitbucket",
    "write:ssh-key:bitbucket",
    "delete:ssh-key:bitbucket",
];

async fn furnish(cloud: &Cloud) -> String {
    cloud
        .add_user("mara", "Mara Reyes", "mara@example.com", "tide-pool")
        .expect("a new name");
    cloud.add_workspace("harbor", "Harbor").expect("a new slug");
    cloud
        .add_member("harbor", "mara", Permission::Admin)
        .expect("both are there");
    cloud
        .add_repository("harbor", "checkout-api", true)
        .expect("a new slug");
    cloud
        .add_repository("harbor", "empty", true)
        .expect("a new slug");
    cloud
        .commit(
            REPOSITORY,
            "main",
            &[
                ("README.md", "# Checkout\n"),
                ("src/main.rs", "fn main() {}\n"),
            ],
            "Begin",
            "mara",
        )
        .await
        .expect("a commit");
    cloud
        .create_tag(REPOSITORY, "v1/annotated", "main", Some("One"), "mara")
        .await
        .expect("a tag");
    cloud
        .create_tag(REPOSITORY, "light", "main", None, "mara")
        .await
        .expect("a tag");
    cloud
        .commit(
            REPOSITORY,
            "main",
            &[("README.md", "# Checkout API\n"), ("new.txt", "new\n")],
            "Second",
            "mara",
        )
        .await
        .expect("a commit");
    cloud.add_api_token("mara", SCOPES, None).expect("a user")
}

#[tokio::test]
async fn every_answer_agrees_with_the_document() {
    let Some(shared) = shared_directory() else {
        return;
    };
    let document = Document::load(Product::Cloud, &shared).expect("the document");
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("free ports");
    let token = furnish(simulator.cloud()).await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let client = Client {
        base: simulator.cloud_api_url(),
        token,
        http,
    };
    walk_people(&client).await;
    walk_code(&client, simulator.cloud()).await;
    walk_hooks_and_keys(&client).await;
    walk_statuses_and_pull_requests(&client, simulator.cloud()).await;
    let exchanges = simulator.cloud_record().exchanges();
    assert!(
        exchanges.len() > 50,
        "the walk was short: {}",
        exchanges.len()
    );
    let findings = document.check_exchanges(&exchanges);
    assert!(findings.is_empty(), "\n{findings}");
}

async fn walk_people(client: &Client) {
    let me = client.get(200, "/user").await;
    client.get(200, "/user/emails").await;
    client.get(200, "/user/workspaces?sort=-slug").await;
    client.get(200, "/user/workspaces/harbor/permission").await;
    client
        .get(200, "/user/workspaces/harbor/permissions/repositories")
        .await;
    client.get(200, "/workspaces/harbor").await;
    client.get(404, "/workspaces/none").await;
    client
        .get(
            200,
            &format!("/users/{}", me["uuid"].as_str().expect("a UUID")),
        )
        .await;
    client.get(410, "/repositories").await;
    client.get(410, "/workspaces").await;
    client.get(410, "/user/permissions/repositories").await;
    client.get(200, "/hook_events").await;
    client.get(200, "/hook_events/repository").await;
}

async fn walk_code(client: &Client, cloud: &Cloud) {
    let head = cloud
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    client
        .get(
            200,
            "/repositories/harbor?q=name~%22check%22&sort=-updated_on&pagelen=1&role=member",
        )
        .await;
    client.get(200, &at("")).await;
    client.get(200, "/repositories/harbor/empty").await;
    client.get(404, "/repositories/harbor/none").await;
    for path in [
        "/refs".to_owned(),
        "/refs/branches?q=name~%22ma%22&sort=name".to_owned(),
        "/refs/branches/main".to_owned(),
        "/refs/tags".to_owned(),
        "/refs/tags/v1/annotated".to_owned(),
        "/refs/tags/light".to_owned(),
        "/commits?pagelen=1".to_owned(),
        "/commits/main".to_owned(),
        format!("/commit/{head}"),
        format!("/src/{head}/"),
        format!("/src/{head}/src/?max_depth=2"),
        format!("/src/{head}/README.md?format=meta"),
        format!("/src/{head}/README.md"),
        format!("/diffstat/{head}"),
    ] {
        client.get(200, &at(&path)).await;
    }
    for path in [
        "/refs/branches/none",
        "/refs/tags/none",
        "/commit/0000000000000000000000000000000000000000",
        "/commits/none",
    ] {
        client.get(404, &at(path)).await;
    }
    client.get(404, &at(&format!("/src/{head}/none.txt"))).await;
}

async fn walk_hooks_and_keys(client: &Client) {
    for base in [at("/hooks"), "/workspaces/harbor/hooks".to_owned()] {
        let wanted = json!({
            "description": "pipewright", "url": "https://ci.example.com/hooks/1", "active": true, "events": ["repo:push"],
            "secret": "tide",
        });
        let made = client.post(201, &base, wanted.clone()).await;
        let one = format!(
            "{base}/{}",
            made["uuid"]
                .as_str()
                .expect("a UUID")
                .replace('{', "%7B")
                .replace('}', "%7D")
        );
        client.get(200, &base).await;
        client.get(200, &one).await;
        client.put(200, &one, wanted).await;
        client
            .post(
                400,
                &base,
                json!({ "url": "https://ci.example.com/", "events": ["nonsense"] }),
            )
            .await;
        client.delete(204, &one).await;
        client.get(404, &one).await;
    }
    let (own, deploy) = (HostKey::random().openssh(), HostKey::random().openssh());
    let keys = "/users/%7Bself%7D/ssh-keys".to_owned();
    let me = client.get(200, "/user").await["uuid"]
        .as_str()
        .expect("a UUID")
        .replace('{', "%7B")
        .replace('}', "%7D");
    let keys = keys.replace("%7Bself%7D", &me);
    let made = client
        .post(201, &keys, json!({ "key": own, "label": "desk" }))
        .await;
    let one = format!(
        "{keys}/{}",
        made["uuid"]
            .as_str()
            .expect("a UUID")
            .replace('{', "%7B")
            .replace('}', "%7D")
    );
    client.get(200, &keys).await;
    client.get(200, &one).await;
    client.put(200, &one, json!({ "label": "other" })).await;
    client.post(400, &keys, json!({ "key": "none" })).await;
    client.delete(204, &one).await;
    let made = client
        .post(
            200,
            &at("/deploy-keys"),
            json!({ "key": deploy, "label": "ci" }),
        )
        .await;
    let one = at(&format!("/deploy-keys/{}", made["id"]));
    client.get(200, &at("/deploy-keys")).await;
    client.get(200, &one).await;
    client.delete(204, &one).await;
    client.get(404, &one).await;
}

async fn walk_statuses_and_pull_requests(client: &Client, cloud: &Cloud) {
    let head = cloud
        .head(REPOSITORY, "main")
        .await
        .expect("git")
        .expect("a head");
    let builds = at(&format!("/commit/{head}/statuses/build"));
    let status = json!({
        "key": "pw-1", "state": "INPROGRESS", "url": "https://ci.example.com/1", "name": "Checkout #1", "description": "d",
        "refname": "main",
    });
    client.post(201, &builds, status.clone()).await;
    client
        .post(
            400,
            &builds,
            json!({ "key": "k".repeat(41), "state": "FAILED", "url": "https://ci.example.com/1" }),
        )
        .await;
    client.get(200, &format!("{builds}/pw-1")).await;
    client
        .put(
            200,
            &format!("{builds}/pw-1"),
            json!({ "state": "SUCCESSFUL", "url": "https://ci.example.com/1" }),
        )
        .await;
    client.get(404, &format!("{builds}/none")).await;
    client
        .get(200, &at(&format!("/commit/{head}/statuses")))
        .await;
    cloud
        .commit(
            REPOSITORY,
            "topic",
            &[("topic.txt", "1\n")],
            "Topic",
            "mara",
        )
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
    let number = cloud.open_pull_request(new).await.expect("a pull request");
    client
        .get(200, &at("/pullrequests?state=OPEN&state=MERGED"))
        .await;
    client
        .get(200, &at(&format!("/pullrequests/{number}")))
        .await;
    client
        .get(200, &at(&format!("/pullrequests/{number}/statuses")))
        .await;
    client
        .get(200, &at(&format!("/pullrequests/{number}/diffstat")))
        .await;
    cloud
        .merge_pull_request(REPOSITORY, number, "mara")
        .await
        .expect("no conflict");
    client
        .get(200, &at(&format!("/pullrequests/{number}")))
        .await;
    client.get(404, &at("/pullrequests/99")).await;
}
