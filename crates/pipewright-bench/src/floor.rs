//! What the machine allows at best, measured in the same run as what is held against it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use pipewright_bitbucket::webhook::verify_signature;
use pipewright_core::Secret;
use pipewright_core::ids::DeliveryId;
use pipewright_server::{Clock, SystemClock};
use pipewright_store::deliveries::{self, NewDelivery, Origin};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::delivery::Hook;
use crate::house::open_database;
use crate::seed::{Remote, seed};

/// Rows a second of this many senders, each waiting for its commit, through one SQLite writer that takes all that wait
/// into one commit.
pub(crate) async fn group_commit(
    directory: &Path,
    remote: &Remote,
    senders: usize,
    number: usize,
    body: &[u8],
) -> anyhow::Result<f64> {
    let db = open_database(directory).await?;
    let seeded = seed(
        &db,
        &pipewright_store::Vault::new(&pipewright_store::VaultKey::generate()),
        remote,
    )
    .await?;
    let (give, mut take) = mpsc::channel::<(NewDelivery, oneshot::Sender<()>)>(senders);
    let writer = {
        let db = db.clone();
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while take.recv_many(&mut batch, senders).await > 0 {
                let mut tx = db.begin().await?;
                for (row, _) in &batch {
                    deliveries::insert(&mut tx, row).await?;
                }
                tx.commit().await?;
                for (_, done) in batch.drain(..) {
                    // Every sender waits for it.
                    let _ = done.send(());
                }
            }
            Ok::<_, pipewright_store::StoreError>(())
        })
    };
    let begin = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..senders {
        let (give, body) = (give.clone(), body.to_vec());
        workers.push(tokio::spawn(async move {
            for _ in 0..number / senders {
                let id = DeliveryId::new();
                let row = NewDelivery {
                    id,
                    account_id: seeded.account,
                    repository_id: seeded.repository,
                    webhook_id: seeded.hook_id.as_uuid(),
                    request_id: id.to_string(),
                    event: None,
                    origin: Origin::Bitbucket,
                    event_key: "repo:refs_changed".to_owned(),
                    attempt_number: 1,
                    headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                    body: body.clone(),
                    received_at: SystemClock.now(),
                };
                let (done, committed) = oneshot::channel();
                give.send((row, done)).await.context("the writer is gone")?;
                committed.await.context("the writer is gone")?;
            }
            anyhow::Ok(())
        }));
    }
    drop(give);
    for worker in workers {
        worker.await??;
    }
    let time = begin.elapsed();
    writer.await??;
    db.close().await;
    Ok((number / senders * senders) as f64 / time.as_secs_f64())
}

/// A server that checks a delivery's signature, parses its body and answers; nothing is stored. It lives as long as the
/// runtime.
pub(crate) async fn http_alone(hook: &Hook) -> anyhow::Result<SocketAddr> {
    async fn take(State(secret): State<Secret>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let signature = headers
            .get("x-hub-signature")
            .and_then(|value| value.to_str().ok());
        let is_json = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
        if is_json && verify_signature(&secret, &body, signature).is_ok() {
            StatusCode::ACCEPTED
        } else {
            StatusCode::BAD_REQUEST
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/hooks/{path}", post(take))
        .with_state(Secret::new(hook.secret.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// The time from starting `bash -c true` to its end.
pub(crate) fn spawn_bash() -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let status = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", "true"])
        .status()
        .context("bash cannot be started")?;
    ensure!(status.success(), "bash ended with {status}");
    Ok(begin.elapsed())
}

/// Bytes a second from a program that prints through a pipe into a file.
pub(crate) fn pipe_to_file(directory: &Path, script: &str) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut child = Command::new("bash")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .context("bash cannot be started")?;
    let mut pipe = child.stdout.take().context("its output is a pipe")?;
    let mut file = File::create(directory.join("floor"))?;
    let (mut buffer, mut total) = (vec![0; 64 << 10], 0_usize);
    loop {
        let count = pipe.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count])?;
        total += count;
    }
    let time = begin.elapsed();
    child.wait()?;
    std::fs::remove_file(directory.join("floor"))?;
    Ok(total as f64 / time.as_secs_f64())
}
