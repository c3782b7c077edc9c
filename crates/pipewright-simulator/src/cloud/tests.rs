//! Every operation of the simulated Cloud, judged by Atlassian's own document.

use serde_json::{Value, json};

use crate::actions::NewPullRequest;
use crate::installation::Product;
use crate::openapi::{Document, shared_directory};
use crate::simulator::{Simulator, SimulatorOptions};
use crate::ssh::HostKey;

const SCOPES: [&str; 10] = [
    "read:user:bitbucket",
    "read:workspace:bitbucket",
    "read:repository:bitbucket",
    "admin:repository:bitbucket",
    "read:pullrequest:bitbucket",
    "read:webhook:bitbucket",
    "write:webhook:bitbucket",
    "delete:webhook:bitbucket",
    "read:ssh-key:bitbucket",
    "write:ssh-key:bitbucket",
];

/// Calls as Mara, each with the status it must have.
struct Walk {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Walk {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = request.basic_auth("mara@harbor.example", Some(&self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let actual = response.status().as_u16();
        let text = response.text().await.expect("a body");
        assert_eq!(actual, status, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None, 200).await
    }
}

/// Asks for everything once, good and bad, and then judges what was recorded.
#[tokio::test]
async fn every_answer_agrees_with_the_document() {
    let Some(shared) = shared_directory() else {
        return;
    };
    let document = Document::load(Product::Cloud, &shared).expect("the document");
    let sim = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    sim.sample_team().await.expect("a team");
    let token = sim
        .cloud()
        .add_api_token("mara", &SCOPES, None)
        .expect("a token");
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let walk = Walk {
        client,
        base: sim.cloud_api_url(),
        token,
    };
    people(&walk).await;
    code(&sim, &walk).await;
    wiring(&walk).await;
    building(&sim, &walk).await;
    let exchanges = sim.cloud_record().exchanges();
    assert!(
        exchanges.len() > 40,
        "the walk was short: {}",
        exchanges.len()
    );
    let findings = document.check_exchanges(&exchanges);
    assert!(findings.is_empty(), "\n{findings}");
}

async fn people(walk: &Walk) {
    walk.get("/user").await;
    walk.get("/user/emails").await;
    walk.get("/user/workspaces?sort=slug&administrator=true")
        .await;
    walk.get("/user/workspaces/harbor/permission").await;
    walk.get("/user/workspaces/harbor/permissions/repositories")
        .await;
    walk.get("/workspaces/harbor").await;
    walk.ask("GET", "/workspaces/nothing", None, 404).await;
}

async fn code(sim: &Simulator, walk: &Walk) {
    let cloud = sim.cloud();
    let at = "/repositories/harbor/checkout-api";
    cloud
        .create_tag("harbor/checkout-api", "v1", "main", Some("One"), "mara")
        .await
        .expect("a tag");
    cloud
        .create_tag("harbor/checkout-api", "light", "main", None, "mara")
        .await
        .expect("a tag");
    let old = cloud
        .head("harbor/checkout-api", "main")
        .await
        .expect("git")
        .expect("a commit");
    let new = cloud
        .commit(
            "harbor/checkout-api",
            "main",
            &[("src/total.sh", "exit 0\n")],
            "Shorten",
            "ivo",
        )
        .await
        .expect("a commit");
    walk.get("/repositories/harbor?role=member&sort=-updated_on&pagelen=2&q=name%20~%20%22a%22")
        .await;
    walk.ask("GET", "/repositories/harbor/nothing", None, 404)
        .await;
    walk.ask("GET", "/repositories", None, 410).await;
    for rest in [
        String::new(),
        "/refs".to_owned(),
        "/refs/branches?sort=name".to_owned(),
        "/refs/branches/feature%2Fgift-cards".to_owned(),
        "/refs/tags".to_owned(),
        "/refs/tags/v1".to_owned(),
        "/commits?pagelen=2".to_owned(),
        "/commits/main".to_owned(),
        format!("/commit/{new}"),
        format!("/merge-base/{new}..{old}"),
        format!("/src/{new}/"),
        format!("/src/{new}/README.md?format=meta"),
        format!("/diffstat/{new}..{old}"),
        format!("/diffstat/{new}"),
    ] {
        walk.get(&format!("{at}{rest}")).await;
    }
    walk.ask("GET", &format!("{at}/refs/branches/nothing"), None, 404)
        .await;
    walk.ask("GET", &format!("{at}/src/{new}/nothing"), None, 404)
        .await;
}

async fn wiring(walk: &Walk) {
    let at = "/repositories/harbor/checkout-api";
    let escape = |value: &Value| {
        value
            .as_str()
            .expect("an id")
            .replace('{', "%7B")
            .replace('}', "%7D")
    };
    walk.get("/hook_events").await;
    walk.get("/hook_events/repository").await;
    let body = json!({ "description": "d", "url": "https://ci.example.com/h", "active": true, "secret": "s", "events": ["repo:push"] });
    for of in [at, "/workspaces/harbor"] {
        let hook = walk
            .ask("POST", &format!("{of}/hooks"), Some(body.clone()), 201)
            .await;
        walk.get(&format!("{of}/hooks")).await;
        let one = format!("{of}/hooks/{}", escape(&hook["uuid"]));
        walk.get(&one).await;
        walk.ask("PUT", &one, Some(body.clone()), 200).await;
        walk.ask("DELETE", &one, None, 204).await;
        walk.ask("GET", &one, None, 404).await;
    }
    let user = escape(&walk.get("/user").await["uuid"]);
    let key = json!({ "key": HostKey::random().openssh(), "label": "user" });
    let key = walk
        .ask("POST", &format!("/users/{user}/ssh-keys"), Some(key), 201)
        .await;
    walk.get(&format!("/users/{user}/ssh-keys")).await;
    walk.get(&format!("/users/{user}/ssh-keys/{}", escape(&key["uuid"])))
        .await;
    let key = json!({ "key": HostKey::random().openssh(), "label": "deploy" });
    let key = walk
        .ask("POST", &format!("{at}/deploy-keys"), Some(key), 200)
        .await;
    walk.get(&format!("{at}/deploy-keys")).await;
    walk.get(&format!("{at}/deploy-keys/{}", key["id"])).await;
}

async fn building(sim: &Simulator, walk: &Walk) {
    let at = "/repositories/harbor/checkout-api";
    let cloud = sim.cloud();
    let tip = cloud
        .commit(
            "harbor/checkout-api",
            "feature/gift-cards",
            &[("cards.txt", "10\n")],
            "Cards",
            "ivo",
        )
        .await
        .expect("a commit");
    let status = json!({ "key": "pw-1", "state": "INPROGRESS", "url": "https://ci.example.com/1", "name": "Build #1" });
    let path = format!("{at}/commit/{tip}/statuses");
    walk.ask("POST", &format!("{path}/build"), Some(status.clone()), 201)
        .await;
    walk.ask("PUT", &format!("{path}/build/pw-1"), Some(status), 200)
        .await;
    walk.get(&format!("{path}/build/pw-1")).await;
    walk.get(&path).await;
    let new = NewPullRequest {
        repository: "harbor/checkout-api",
        title: "Gift cards",
        source: "feature/gift-cards",
        source_repository: None,
        destination: "main",
        author: "ivo",
    };
    let number = cloud.open_pull_request(new).await.expect("a pull request");
    cloud
        .approve_pull_request("harbor/checkout-api", number, "mara", true)
        .await
        .expect("an approval");
    walk.get(&format!("{at}/pullrequests?state=OPEN")).await;
    walk.get(&format!("{at}/pullrequests/{number}")).await;
    walk.get(&format!("{at}/pullrequests/{number}/statuses"))
        .await;
    cloud
        .merge_pull_request("harbor/checkout-api", number, "mara")
        .await
        .expect("a merge");
    walk.get(&format!("{at}/pullrequests/{number}")).await;
}
