//! A Data Center on a port of its own, a client to ask it, and a receiver for its webhooks.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use axum::{Router, middleware::from_fn_with_state, routing::post};
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{
    clock::SimClock,
    datacenter::{Datacenter, DatacenterOptions},
    installation::{Addresses, Product},
    record::{Recorder, record},
    state::Permission,
};

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum As<'a> {
    Nobody,
    Password(&'a str, &'a str),
    Bearer(&'a str),
}

/// The administrator of project FIN.
pub(super) const MARA: As<'static> = As::Password("mara", "tide-pool");
/// A reader of project FIN.
pub(super) const JONAS: As<'static> = As::Password("jonas", "salt-marsh");
/// A stranger.
pub(super) const OLGA: As<'static> = As::Password("olga", "sand-dune");

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// The message of the first error of an answer that must have this status.
    #[track_caller]
    pub(super) fn refused(self, status: u16) -> String {
        let body = self.expect(status);
        body["errors"][0]["message"]
            .as_str()
            .expect("errors have a message")
            .to_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A running Data Center.
pub(super) struct Lab {
    pub(super) dc: Datacenter,
    pub(super) clock: SimClock,
    pub(super) recorder: Recorder,
    pub(super) base: String,
    client: reqwest::Client,
    _directory: TempDir,
}

impl Lab {
    /// The cast and their places, at the default version below `/bitbucket`.
    pub(super) async fn start() -> Self {
        Self::start_with(DatacenterOptions::default()).await
    }

    pub(super) async fn start_with(options: DatacenterOptions) -> Self {
        let lab = Self::start_empty(options).await;
        let dc = &lab.dc;
        for (name, display, password) in [
            ("mara", "Mara Reyes", "tide-pool"),
            ("jonas", "Jonas Lind", "salt-marsh"),
            ("olga", "Olga Brandt", "sand-dune"),
        ] {
            dc.add_user(name, display, &format!("{name}@example.com"), password)
                .expect("a new name");
        }
        dc.add_project("FIN", "Finance").expect("a new key");
        dc.add_member("FIN", "mara", Permission::Admin)
            .expect("both are there");
        dc.add_member("FIN", "jonas", Permission::Read)
            .expect("both are there");
        dc.add_repository("FIN", "ledger", true)
            .expect("a new slug");
        dc.add_repository("FIN", "handbook", false)
            .expect("a new slug");
        dc.commit(
            "FIN/ledger",
            "main",
            &[("README.md", "# Ledger\n"), ("src/lib.rs", "//! Ledger.\n")],
            "Begin",
            "mara",
        )
        .await
        .expect("a first commit");
        lab
    }

    pub(super) async fn start_empty(options: DatacenterOptions) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let clock =
            SimClock::manual(Timestamp::from_second(1_795_000_000).expect("a date in range"));
        let dc = Datacenter::new(
            &options,
            clock.clone(),
            directory.path().to_owned(),
            TaskTracker::new(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let base = format!("http://{address}{}", options.context_path);
        dc.installation().set_addresses(Addresses {
            web_url: base.clone(),
            api_url: base.clone(),
            ssh_host: "127.0.0.1".to_owned(),
            ssh_port: 7999,
        });
        let recorder = Recorder::new(Product::Datacenter);
        let router = dc
            .router()
            .layer(from_fn_with_state(recorder.clone(), record));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        Self {
            dc,
            clock,
            recorder,
            base,
            client,
            _directory: directory,
        }
    }

    /// Asks below the context path.
    pub(super) async fn ask(
        &self,
        who: As<'_>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = request
            .header("X-Atlassian-Token", "no-check")
            .header("Accept", "application/json");
        if let Some(body) = body {
            request = request.json(&body);
        }
        Self::send(who, request).await
    }

    /// Sends a request that a test has made itself.
    pub(super) async fn send(who: As<'_>, request: reqwest::RequestBuilder) -> Answer {
        let request = match who {
            As::Nobody => request,
            As::Password(name, password) => request.basic_auth(name, Some(password)),
            As::Bearer(token) => request.bearer_auth(token),
        };
        let answer = request.send().await.expect("the simulator answers");
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.text().await.expect("a whole body"),
        }
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(super) async fn get(&self, who: As<'_>, path: &str) -> Answer {
        self.ask(who, Method::GET, path, None).await
    }

    pub(super) async fn post(&self, who: As<'_>, path: &str, body: Value) -> Answer {
        self.ask(who, Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, who: As<'_>, path: &str, body: Value) -> Answer {
        self.ask(who, Method::PUT, path, Some(body)).await
    }

    pub(super) async fn delete(&self, who: As<'_>, path: &str) -> Answer {
        self.ask(who, Method::DELETE, path, None).await
    }
}

/// `/rest/api/1.0/projects/FIN/repos/ledger` and what follows.
pub(super) fn ledger(rest: &str) -> String {
    format!("/rest/api/1.0/projects/FIN/repos/ledger{rest}")
}

/// A webhook receiver that answers what it is told to.
pub(super) struct Receiver {
    pub(super) url: String,
    status: Arc<AtomicU16>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let told = Arc::clone(&status);
        let answer = move || {
            let status = told.load(Ordering::SeqCst);
            async move { StatusCode::from_u16(status).expect("a valid status") }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("a bound port");
        let router = Router::new().route("/hook", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/hook"),
            status,
        }
    }

    pub(super) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

/// The directory of documents and captures, or a line that the test is skipped.
pub(super) fn shared() -> Option<std::path::PathBuf> {
    crate::openapi::shared_directory()
}

/// Reads one capture.
pub(super) fn capture(shared: &Path, name: &str) -> Value {
    let path = shared.join("fixtures/bitbucket-datacenter").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
