//! A team on Cloud, a browser, an API client, git with its keys, and a receiver of webhooks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use pipewright_simulator::state::Permission;
use pipewright_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;

/// Waiting for something that should be there at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A simulator with Mara, who owns the workspace `harbor` with the private repository `api`; Ivo writes in it, Noor is
/// a stranger.
pub(crate) async fn team() -> Simulator {
    team_with(SimulatorOptions::default()).await
}

pub(crate) async fn team_with(options: SimulatorOptions) -> Simulator {
    let sim = Simulator::start(options)
        .await
        .expect("the simulator starts");
    let cloud = sim.cloud();
    for (name, display) in [
        ("mara", "Mara Lindqvist"),
        ("ivo", "Ivo Tanaka"),
        ("noor", "Noor Haddad"),
    ] {
        cloud
            .add_user(name, display, &format!("{name}@harbor.example"), "tide")
            .expect("a new user");
    }
    cloud
        .add_workspace("harbor", "Harbor")
        .expect("a new workspace");
    cloud
        .add_member("harbor", "mara", Permission::Admin)
        .expect("a member");
    cloud
        .add_member("harbor", "ivo", Permission::Write)
        .expect("a member");
    cloud
        .add_repository("harbor", "api", true)
        .expect("a new repository");
    sim
}

pub(crate) const CALLBACK: &str = "http://127.0.0.1:1/callback";
pub(crate) const ALL_SCOPES: [&str; 8] = [
    "account:write",
    "email",
    "pullrequest:write",
    "repository:admin",
    "webhook",
    "project",
    "runner",
    "pipeline",
];

/// A browser without redirects, with one site's cookie.
pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    cookie: Option<String>,
}

/// What the browser shows.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<url::Url>,
    pub(crate) html: String,
}

impl Page {
    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let start = self
            .html
            .find(&marker)
            .unwrap_or_else(|| panic!("no field {name} in {}", self.html))
            + marker.len();
        let end = self.html[start..].find('"').expect("the attribute ends") + start;
        self.html[start..end]
            .replace("&#38;", "&")
            .replace("&amp;", "&")
    }

    /// A parameter of the address the page redirects to.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location.as_ref()?;
        location
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    pub(crate) fn new(sim: &Simulator) -> Self {
        Self {
            client: client(),
            base: sim.cloud_web_url(),
            cookie: None,
        }
    }

    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        self.send(self.client.get(address)).await
    }

    pub(crate) async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(self.client.post(format!("{}{path}", self.base)).form(form))
            .await
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Page {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.expect("the site answers");
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie is text");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let location = response
            .headers()
            .get("location")
            .and_then(|location| location.to_str().ok());
        let base = url::Url::parse(&self.base).expect("an address");
        let location = location.map(|location| base.join(location).expect("an address"));
        Page {
            status: response.status(),
            location,
            html: response.text().await.expect("a page"),
        }
    }

    pub(crate) async fn sign_in(&mut self, user: &str) {
        let page = self
            .submit(
                "/account/signin/",
                &[("username", user), ("password", "tide"), ("next", "/")],
            )
            .await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    }

    /// Goes through the consent page and returns the redirect.
    pub(crate) async fn consent(&mut self, query: &str, decision: &str) -> Page {
        let page = self.open(&format!("/site/oauth2/authorize?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let (request, confirmation) = (page.hidden("request"), page.hidden("confirmation"));
        let form = [
            ("request", request.as_str()),
            ("confirmation", confirmation.as_str()),
            ("decision", decision),
        ];
        self.submit("/site/oauth2/authorize", &form).await
    }
}

/// A client that follows nothing.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// Calls to the API with one credential.
#[derive(Clone)]
pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
    authorization: Option<String>,
}

impl Api {
    pub(crate) fn anonymous(sim: &Simulator) -> Self {
        Self {
            client: client(),
            base: sim.cloud_api_url(),
            authorization: None,
        }
    }

    pub(crate) fn bearer(sim: &Simulator, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..Self::anonymous(sim)
        }
    }

    pub(crate) fn basic(sim: &Simulator, name: &str, secret: &str) -> Self {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{secret}"));
        Self {
            authorization: Some(format!("Basic {pair}")),
            ..Self::anonymous(sim)
        }
    }

    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Response {
        let address = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let mut request = self
            .client
            .request(method.parse().expect("a method"), address);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("the API answers")
    }

    /// The body of an answer that must have this status.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let response = self.raw(method, path, body).await;
        let actual = response.status().as_u16();
        let text = response.text().await.expect("a body");
        assert_eq!(actual, status, "{method} {path}: {text}");
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None, 200).await
    }
}

/// A consumer, its key and secret.
pub(crate) struct Consumer {
    pub(crate) key: String,
    pub(crate) secret: String,
}

pub(crate) fn consumer(sim: &Simulator, scopes: &[&str]) -> Consumer {
    let (key, secret) = sim
        .cloud()
        .add_oauth_consumer("harbor", "Pipewright", CALLBACK, scopes)
        .expect("a consumer");
    Consumer { key, secret }
}

impl Consumer {
    /// Asks the token endpoint; status and body.
    pub(crate) async fn token(&self, sim: &Simulator, form: &[(&str, &str)]) -> (u16, Value) {
        let address = format!("{}/site/oauth2/access_token", sim.cloud_web_url());
        let response = client()
            .post(address)
            .basic_auth(&self.key, Some(&self.secret))
            .form(form)
            .send()
            .await
            .expect("an answer");
        (
            response.status().as_u16(),
            response.json().await.expect("JSON"),
        )
    }

    /// Goes the whole way for a user and returns the token answer.
    pub(crate) async fn connect(&self, sim: &Simulator, user: &str) -> Value {
        let mut browser = Browser::new(sim);
        browser.sign_in(user).await;
        let page = browser
            .consent(
                &format!("client_id={}&response_type=code", self.key),
                "grant",
            )
            .await;
        let code = page.parameter("code").expect("a code");
        let (status, body) = self
            .token(
                sim,
                &[("grant_type", "authorization_code"), ("code", &code)],
            )
            .await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

/// An API client of a user with every scope.
pub(crate) async fn signed_in(sim: &Simulator, user: &str) -> Api {
    let token = consumer(sim, &ALL_SCOPES).connect(sim, user).await;
    Api::bearer(sim, token["access_token"].as_str().expect("a token"))
}

/// A request that a webhook's receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// A receiver of webhooks that answers as told, 200 once the list is used up.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Vec<u16>>>,
    url: String,
}

impl Receiver {
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let mut answers = answers.to_vec();
        answers.reverse();
        let receiver = Self {
            url,
            answers: Arc::new(Mutex::new(answers)),
            ..Self::default()
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn got(&self) -> Vec<Received> {
        self.got.lock().expect("no panics").clone()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    receiver
        .got
        .lock()
        .expect("no panics")
        .push(Received { headers, body });
    let answer = receiver.answers.lock().expect("no panics").pop();
    StatusCode::from_u16(answer.unwrap_or(200)).expect("a status")
}

/// A person's machine: a home with a key, and git.
pub(crate) struct Machine {
    home: tempfile::TempDir,
    host: (String, u16),
}

impl Machine {
    /// With a fresh key, and the simulator's host key known.
    pub(crate) async fn new(sim: &Simulator) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let machine = Self {
            home,
            host: sim.cloud_ssh(),
        };
        machine.trust(sim);
        let key = machine.path("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "test key", "-f"])
            .arg(&key)
            .output()
            .await;
        assert!(made.expect("ssh-keygen runs").status.success());
        machine
    }

    /// Writes the host key of now into known_hosts.
    pub(crate) fn trust(&self, sim: &Simulator) {
        let line = sim
            .cloud()
            .ssh_host_key()
            .known_hosts_line(&self.host.0, self.host.1);
        std::fs::write(self.path("known_hosts"), format!("{line}\n")).expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn public_key(&self) -> String {
        std::fs::read_to_string(self.path("key.pub")).expect("a key")
    }

    fn ssh_options(&self) -> Vec<String> {
        let home = self.home.path().display();
        [
            "-F/dev/null".to_owned(),
            format!("-i{home}/key"),
            "-oIdentitiesOnly=yes".to_owned(),
            "-oIdentityAgent=none".to_owned(),
            "-oBatchMode=yes".to_owned(),
            "-oStrictHostKeyChecking=yes".to_owned(),
            format!("-oUserKnownHostsFile={home}/known_hosts"),
            "-oGlobalKnownHostsFile=/dev/null".to_owned(),
            "-oLogLevel=ERROR".to_owned(),
        ]
        .to_vec()
    }

    /// Runs `ssh` with further options and a command.
    pub(crate) async fn ssh(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("ssh");
        command
            .args(self.ssh_options())
            .args(["-p", &self.host.1.to_string()])
            .args(arguments);
        tokio::time::timeout(SOON, command.output())
            .await
            .expect("ssh ends in time")
            .expect("ssh runs")
    }

    /// Runs `git` in a directory of this machine, over SSH with more options if given.
    pub(crate) async fn git_with(
        &self,
        directory: &Path,
        ssh: &[&str],
        arguments: &[&str],
    ) -> Output {
        let mut options = self.ssh_options();
        options.extend(ssh.iter().map(|option| (*option).to_owned()));
        let mut command = Command::new("git");
        command
            .current_dir(directory)
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_SSH_COMMAND", format!("ssh {}", options.join(" ")))
            .args([
                "-c",
                "user.name=Mara Lindqvist",
                "-c",
                "user.email=mara@harbor.example",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments);
        tokio::time::timeout(SOON, command.output())
            .await
            .expect("git ends in time")
            .expect("git runs")
    }

    pub(crate) async fn git(&self, directory: &Path, arguments: &[&str]) -> Output {
        self.git_with(directory, &[], arguments).await
    }

    /// Runs `git` and expects success; its output without the last line break.
    pub(crate) async fn git_ok(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.git(directory, arguments).await;
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            error_text(&output)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    /// The address of a repository over SSH.
    pub(crate) fn ssh_url(&self, repository: &str) -> String {
        format!("ssh://git@{}:{}/{repository}.git", self.host.0, self.host.1)
    }

    /// Clones over SSH and returns the work tree.
    pub(crate) async fn clone(&self, repository: &str) -> PathBuf {
        self.git_ok(
            self.home.path(),
            &["clone", "--quiet", &self.ssh_url(repository), "work"],
        )
        .await;
        self.path("work")
    }
}

pub(crate) fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory of captures, if it is at hand. Prints a line when it is not.
pub(crate) fn captures() -> Option<PathBuf> {
    use std::io::Write as _;
    let shared = std::env::var_os("PIPEWRIGHT_SHARED")
        .map(|shared| PathBuf::from(shared).join("fixtures/bitbucket-cloud"));
    if shared.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: PIPEWRIGHT_SHARED is not set, so there are no captures to compare with"
        );
    }
    shared
}
