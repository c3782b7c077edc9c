//! Connections that say nothing keep nobody out.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::served::{PATIENCE, Serve, simulator};

/// Files that the server may open, and far more connections than that.
const FILES: u32 = 128;
const CONNECTIONS: usize = 300;

const PIPELINE: &str =
    "pipelines:\n  default:\n    - step:\n        script:\n          - echo hello\n";

#[tokio::test(flavor = "multi_thread")]
async fn s5_idle_and_half_sent_connections_do_not_silence_the_server() {
    let simulator = simulator(PIPELINE).await;
    let data = tempfile::tempdir().expect("a directory");
    let mut serve = Serve::on(&simulator, data.path());
    serve.files = Some(FILES);
    let served = serve.start();
    let mut strangers = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let mut stranger = TcpStream::connect(&serve.listen).await.expect("connects");
        if number % 2 == 0 {
            stranger
                .write_all(b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                .await
                .expect("sends half a head");
        }
        strangers.push(stranger);
        if number % 50 == 0 {
            assert_eq!(served.get("/health/live").await.0, 200, "after {number}");
        }
    }
    assert_eq!(served.get("/health/live").await.0, 200);
    assert!(served.get("/sign-in").await.1.contains("Sign in"));
    // The newest of them was not thrown out for others, and is closed when its time is over.
    let mut last = strangers.pop().expect("the last");
    let read = tokio::time::timeout(PATIENCE, last.read(&mut [0; 100])).await;
    assert!(
        matches!(read, Ok(Ok(0) | Err(_))),
        "a wait on a stranger has no end: {read:?}"
    );
    simulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_connection_that_is_used_is_kept() {
    let simulator = simulator(PIPELINE).await;
    let data = tempfile::tempdir().expect("a directory");
    let serve = Serve::on(&simulator, data.path());
    let served = serve.start();
    let mut kept = TcpStream::connect(&serve.listen).await.expect("connects");
    for _ in 0..3 {
        kept.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .expect("asks");
        let mut answer = Vec::new();
        while !answer.ends_with(b"alive\n") {
            let read = tokio::time::timeout(Duration::from_secs(30), kept.read_buf(&mut answer));
            assert_ne!(read.await.expect("answers").expect("reads"), 0);
        }
    }
    drop(served);
    simulator.shutdown().await;
}
