//! Git over SSH with the real `git` and `ssh`, through the whole simulator: the keys are those registered over REST.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use http::Method;
use russh::keys::ssh_key::LineEnding;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Simulator, SimulatorOptions, ssh::HostKey, state::Permission};

const REPOSITORY_KEYS: &str = "/rest/keys/1.0/projects/FIN/repos/ledger/ssh";

/// A simulator, and a place with a private key and a known_hosts file.
struct Place {
    simulator: Simulator,
    directory: TempDir,
    key: HostKey,
}

impl Place {
    async fn start() -> Self {
        let simulator = Simulator::start(SimulatorOptions::default())
            .await
            .expect("free ports");
        let dc = simulator.datacenter();
        dc.add_user("mara", "Mara Reyes", "mara@example.com", "tide-pool")
            .expect("a new name");
        dc.add_project("FIN", "Finance").expect("a new key");
        dc.add_member("FIN", "mara", Permission::Admin)
            .expect("both are there");
        dc.add_repository("FIN", "ledger", true)
            .expect("a new slug");
        dc.commit(
            "FIN/ledger",
            "main",
            &[("README.md", "# Ledger\n")],
            "Begin",
            "mara",
        )
        .await
        .expect("a commit");
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Any Ed25519 pair will do as a client's key.
        let key = HostKey::random();
        let private = key
            .private()
            .to_openssh(LineEnding::LF)
            .expect("a well formed key");
        let file = directory.path().join("key");
        std::fs::write(&file, private.as_bytes()).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("our file");
        let place = Self {
            simulator,
            directory,
            key,
        };
        place.trust_host_key();
        place
    }

    fn trust_host_key(&self) {
        let (host, port) = self.simulator.datacenter_ssh();
        let line = self
            .simulator
            .datacenter()
            .ssh_host_key()
            .known_hosts_line(&host, port);
        std::fs::write(self.directory.path().join("known_hosts"), line + "\n").expect("a file");
    }

    async fn rest(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let request = client.request(method, format!("{}{path}", self.simulator.datacenter_url()));
        let request = request
            .basic_auth("mara", Some("tide-pool"))
            .header("X-Atlassian-Token", "no-check");
        let answer = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = answer.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The SSH link as REST shows it.
    async fn link(&self) -> String {
        let (_, shown) = self
            .rest(Method::GET, "/rest/api/1.0/projects/FIN/repos/ledger", None)
            .await;
        let links = shown["links"]["clone"].as_array().expect("links");
        let ssh = links
            .iter()
            .find(|link| link["name"] == "ssh")
            .expect("an SSH link");
        ssh["href"].as_str().expect("a text").to_owned()
    }

    async fn git(&self, directory: &Path, arguments: &[&str]) -> (bool, String) {
        let at = |name: &str| self.directory.path().join(name).display().to_string();
        let ssh = format!(
            "ssh -F /dev/null -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} -i {}",
            at("known_hosts"),
            at("key")
        );
        let output = tokio::process::Command::new("git")
            .args(["-c", "user.name=Mara", "-c", "user.email=mara@example.com"])
            .args(arguments)
            .current_dir(directory)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_SSH_COMMAND", ssh)
            .output()
            .await
            .expect("git is installed");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    async fn lists(&self) -> bool {
        let link = self.link().await;
        self.git(self.directory.path(), &["ls-remote", "-q", &link])
            .await
            .0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_key_opens_its_repository_as_far_as_it_was_granted() {
    let place = Place::start().await;
    assert!(!place.lists().await, "nobody knows the key");
    let wanted =
        json!({ "key": { "text": place.key.openssh(), "label": "ci" }, "permission": "REPO_READ" });
    let (status, made) = place
        .rest(Method::POST, REPOSITORY_KEYS, Some(wanted))
        .await;
    assert_eq!(status, 201, "{made}");
    let link = place.link().await;
    let (done, said) = place
        .git(place.directory.path(), &["clone", "-q", &link, "copy"])
        .await;
    assert!(done, "{said}");
    let copy = place.directory.path().join("copy");
    std::fs::write(copy.join("new.txt"), "new\n").expect("a file");
    place.git(&copy, &["add", "new.txt"]).await;
    place.git(&copy, &["commit", "-q", "-m", "New"]).await;
    let (done, _) = place
        .git(&copy, &["push", "-q", "origin", "HEAD:main"])
        .await;
    assert!(!done, "a reading key takes no push");
    let one = format!("{REPOSITORY_KEYS}/{}", made["key"]["id"]);
    place
        .rest(Method::PUT, &format!("{one}/permission/REPO_WRITE"), None)
        .await;
    let dc = place.simulator.datacenter();
    dc.add_webhook(
        "FIN/ledger",
        "http://127.0.0.1:9/",
        None,
        &["repo:refs_changed"],
    )
    .expect("a repository");
    let (done, said) = place
        .git(&copy, &["push", "-q", "origin", "HEAD:main"])
        .await;
    assert!(done, "{said}");
    dc.settled().await;
    assert_eq!(
        dc.deliveries("FIN/ledger").expect("a repository").len(),
        1,
        "the push was announced"
    );
    place.rest(Method::DELETE, &one, None).await;
    assert!(!place.lists().await, "the key was revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_key_is_its_user_and_a_changed_host_key_is_noticed() {
    let place = Place::start().await;
    let (status, _) = place
        .rest(
            Method::POST,
            "/rest/ssh/1.0/keys",
            Some(json!({ "text": place.key.openssh() })),
        )
        .await;
    assert_eq!(status, 201);
    assert!(place.lists().await);
    place.simulator.datacenter().change_ssh_host_key();
    assert!(!place.lists().await, "the known host key is another");
    place.trust_host_key();
    assert!(place.lists().await);
    let (_, settings) = place
        .rest(Method::GET, "/rest/ssh/1.0/settings", None)
        .await;
    let fingerprint = place.simulator.datacenter().ssh_host_key().fingerprint();
    assert_eq!(
        format!(
            "SHA256:{}",
            settings["fingerprint"]["value"].as_str().expect("a text")
        ),
        fingerprint
    );
}
