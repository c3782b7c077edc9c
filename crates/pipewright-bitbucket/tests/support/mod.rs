//! What both suites share: a client that reaches loopback, and Bitbucket's own documents as judges of our requests.

use pipewright_bitbucket::http::{Http, HttpOptions, Proxy};
use pipewright_bitbucket::remote::WebhookRequest;
use pipewright_bitbucket::status::{BuildStatus, StatusKey, StatusState, TestCounts};
use pipewright_bitbucket::webhook::DeliveryHeaders;
use pipewright_core::{CommitHash, RefName, Secret, Timestamp};
use pipewright_simulator::Product;
use pipewright_simulator::openapi::{Document, shared_directory};
use pipewright_simulator::record::{Exchange, Recorder};
use pipewright_simulator::state::Delivery;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// A client that goes straight to loopback, whatever proxies the environment names.
pub(crate) fn http() -> Http {
    Http::new(HttpOptions {
        proxy: Proxy::Direct,
        ..HttpOptions::default()
    })
    .expect("the client is set up")
}

/// Asserts that Bitbucket's own document knows every request that was made, with its query and body.
pub(crate) fn judge_requests(product: Product, recorder: &Recorder) {
    let Some(shared) = shared_directory() else {
        return;
    };
    let document = Document::load(product, &shared).expect("the document");
    let exchanges = recorder.exchanges();
    assert!(!exchanges.is_empty(), "something was recorded");
    let check = |exchange: &Exchange| {
        document
            .check_request(
                &exchange.method,
                &exchange.path,
                exchange.query.as_deref(),
                exchange.request.as_ref(),
            )
            .0
    };
    let findings = exchanges
        .iter()
        .flat_map(check)
        .map(|finding| finding.to_string());
    // The document forgets that this list is paged; captures of real servers show it.
    let is_known = |finding: &String| {
        finding.contains("/webhooks: query `start`") || finding.contains("/webhooks: query `limit`")
    };
    let findings: Vec<String> = findings.filter(|finding| !is_known(finding)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// The webhook that an application wants.
pub(crate) fn webhook(path: &str) -> WebhookRequest {
    WebhookRequest {
        url: format!("http://127.0.0.1:9/hooks/{path}")
            .parse()
            .expect("an address"),
        secret: Secret::new("a secret that nobody guesses"),
        name: "Pipewright".to_owned(),
        pull_requests: true,
        verify_certificate: true,
    }
}

/// A receiver of webhooks on loopback that answers everything with 200; what it got is kept by the simulator.
pub(crate) async fn receiver() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!(
        "http://{}/hooks/abc",
        listener.local_addr().expect("an address")
    )
    .parse()
    .expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
                while !is_whole(&request) {
                    match stream.read(&mut chunk).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => request.extend_from_slice(&chunk[..read]),
                    }
                }
                // A sender that hung up has its own story to tell.
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .await;
            });
        }
    });
    url
}

/// Whether head and body have arrived.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    request.len() >= head.len() + 4 + length.unwrap_or(0)
}

/// The headers of a delivery's first attempt, as our server reads them.
pub(crate) fn headers(delivery: &Delivery) -> DeliveryHeaders {
    let sent = &delivery.attempts.first().expect("it was sent").headers;
    DeliveryHeaders::read(|name| {
        sent.iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    })
}

/// A commit's hash.
pub(crate) fn hash(text: &str) -> CommitHash {
    text.parse().expect("a full id")
}

/// The status of a finished build.
pub(crate) fn status(commit: &str, state: StatusState) -> BuildStatus {
    let main = RefName::branch("main").expect("a name");
    BuildStatus {
        commit: hash(commit),
        key: StatusKey::new("app-1", "Checkout API", "default", Some(&main)),
        state,
        reference: Some(main),
        name: "Checkout API #7".to_owned(),
        description: "2 of 2 steps passed".to_owned(),
        url: "http://127.0.0.1:8080/builds/7"
            .parse()
            .expect("an address"),
        build_number: 7,
        parent: "pipewright/checkout-api/default".to_owned(),
        duration: Some(std::time::Duration::from_secs(83)),
        updated_at: Some(Timestamp::from_seconds(1_795_000_000)),
        tests: Some(TestCounts {
            successful: 5,
            failed: 0,
            skipped: 1,
        }),
    }
}

/// A public key that nobody holds the private half of.
pub(crate) const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqP3Cr632C2dNhhgKVcon4ldUSAeKiku2yP9O9/bDtY pipewright";
