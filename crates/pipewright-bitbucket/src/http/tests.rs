//! The way out against servers that misbehave: limits, redirects, and every way a connection can fail.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::*;
use crate::testing::{ScriptedServer, http, json, options, with_headers};

fn get(url: Url) -> Request {
    Request::new(Method::GET, url, "testing")
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer t"))
}

fn failure(result: Result<Answer, ApiError>) -> NetworkFailure {
    match result {
        Err(ApiError::Network { failure, .. }) => failure,
        other => panic!("expected a network failure: {other:?}"),
    }
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only() {
    let elsewhere = ScriptedServer::start(|_| json(200, "{}")).await;
    let target = elsewhere.url.clone();
    let server = ScriptedServer::start(move |request| match request.split(' ').nth(1) {
        Some("/here") => with_headers(302, "location: /there", ""),
        Some("/away") => with_headers(
            302,
            &format!("location: {target}login?os_destination=secret"),
            "",
        ),
        Some("/round" | "/round?again") => with_headers(302, "location: /round?again", ""),
        _ => json(200, "{\"ok\":true}"),
    })
    .await;
    let url = |path: &str| server.url.join(path).expect("an address");
    assert_eq!(
        http()
            .send(get(url("/here")))
            .await
            .expect("an answer")
            .body,
        b"{\"ok\":true}"
    );
    let away = http().send(get(url("/away"))).await;
    let to = elsewhere.url.join("login").expect("an address").to_string();
    assert_eq!(
        away.expect_err("no credential leaves its host"),
        ApiError::Redirected {
            doing: "testing".to_owned(),
            to
        }
    );
    assert!(
        elsewhere.requests().is_empty(),
        "the other host hears nothing"
    );
    assert!(matches!(
        http().send(get(url("/round"))).await,
        Err(ApiError::NotBitbucket { .. })
    ));
    let post = Request::new(Method::POST, url("/here"), "testing");
    assert!(
        matches!(http().send(post).await, Err(ApiError::Redirected { .. })),
        "what writes is not repeated elsewhere"
    );
}

#[tokio::test]
async fn a_long_answer_is_cut_off_and_says_its_limit() {
    let server = ScriptedServer::start(|_| json(200, &"x".repeat(100_000))).await;
    let expected = |limit| ApiError::TooLarge {
        doing: "testing".to_owned(),
        limit,
    };
    assert_eq!(
        http()
            .send(get(server.url.clone()))
            .await
            .expect_err("too long"),
        expected(64 * 1024)
    );
    assert_eq!(
        http()
            .send(get(server.url.clone()).at_most(10))
            .await
            .expect_err("too long"),
        expected(10)
    );
    assert_eq!(
        http()
            .send(get(server.url.clone()).at_most(100_000))
            .await
            .expect("fits")
            .body
            .len(),
        100_000
    );
}

#[tokio::test]
async fn cookies_are_not_kept_and_we_say_who_we_are() {
    let server = ScriptedServer::start(|_| {
        with_headers(
            200,
            "content-type: application/json\r\nset-cookie: session=1",
            "{}",
        )
    })
    .await;
    let http = http();
    for _ in 0..2 {
        http.send(get(server.url.clone())).await.expect("an answer");
    }
    let second = server.requests().remove(1).to_ascii_lowercase();
    assert!(!second.contains("cookie"));
    assert!(second.contains("user-agent: pipewright/"));
}

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"))
        .parse()
        .expect("an address");
    let http = Http::new(HttpOptions {
        request_timeout: Duration::from_millis(50),
        ..options()
    })
    .expect("a client");
    let error = http.send(get(url)).await.expect_err("nobody answers");
    assert!(matches!(error, ApiError::Timeout { .. }) && error.is_retryable());
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let closed: Url = format!("http://{}", listener.local_addr().expect("an address"))
        .parse()
        .expect("an address");
    drop(listener);
    assert_eq!(
        failure(http().send(get(closed)).await),
        NetworkFailure::Refused
    );
    // The name is reserved for never existing (RFC 6761).
    let unknown = "http://bitbucket.invalid".parse().expect("an address");
    assert_eq!(
        failure(http().send(get(unknown)).await),
        NetworkFailure::UnknownHost
    );
}

/// A TLS server on loopback that answers one request with `{}`. The keys beside this file are for this test only.
fn tls_server(pem: &str) -> Url {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("an address"))
        .parse()
        .expect("an address");
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a connection");
        let mut connection = rustls::ServerConnection::new(Arc::new(config)).expect("a connection");
        let mut stream = rustls::Stream::new(&mut connection, &mut socket);
        // A client that refuses the certificate hangs up during the handshake.
        let mut buffer = [0; 4096];
        if stream.read(&mut buffer).is_ok() {
            let _ = stream.write_all(json(200, "{}").as_bytes());
        }
    });
    url
}

const AUTHORITY: &str = include_str!("tls/authority.pem");

#[rstest]
#[case::right(include_str!("tls/right.pem"), AUTHORITY, None)]
#[case::unknown_authority(include_str!("tls/right.pem"), "", Some(TlsFailure::UnknownIssuer))]
#[case::wrong_name(include_str!("tls/other.pem"), AUTHORITY, Some(TlsFailure::WrongName))]
#[case::expired(include_str!("tls/expired.pem"), AUTHORITY, Some(TlsFailure::Expired))]
#[tokio::test]
async fn a9_each_fault_of_a_certificate_is_named(
    #[case] server: &str,
    #[case] trusted: &str,
    #[case] expected: Option<TlsFailure>,
) {
    let http = Http::new(HttpOptions {
        extra_ca_pem: trusted.as_bytes().to_vec(),
        ..options()
    })
    .expect("a client");
    let result = http.send(get(tls_server(server))).await;
    match expected {
        None => assert_eq!(
            result
                .expect("a private authority that we were given is trusted")
                .body,
            b"{}"
        ),
        Some(fault) => assert_eq!(failure(result), NetworkFailure::Tls(fault)),
    }
}

#[tokio::test]
async fn a9_a_port_without_tls_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("an address"))
        .parse()
        .expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut hello = [0; 4096];
        let read = stream
            .read(&mut hello)
            .await
            .expect("the client speaks first");
        assert_ne!(read, 0);
        stream
            .write_all(with_headers(400, "content-type: text/html", "what?").as_bytes())
            .await
            .expect("written");
    });
    assert_eq!(
        failure(http().send(get(url)).await),
        NetworkFailure::Tls(TlsFailure::NotTls)
    );
}

#[test]
fn certificates_that_are_none_are_refused_at_set_up() {
    for pem in [
        "not a certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let result = Http::new(HttpOptions {
            extra_ca_pem: pem.as_bytes().to_vec(),
            ..options()
        });
        assert!(result.is_err(), "{pem}");
    }
}
