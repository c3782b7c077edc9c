//! Deliveries accepted durably: sixteen connections, each sending its next signed delivery when the last is answered.
//!
//! The whole server works behind it: every delivery is decided meanwhile (its branch is not built). Afterwards every
//! acknowledged delivery is looked for in the database.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pipewright_git::ssh::SshKeyPair;
use pipewright_server::App;
use pipewright_store::PageStart;
use pipewright_store::deliveries::{self, DeliveryFilter, DeliveryLine, DeliveryState};
use pipewright_store::integrations::{CloneVia, HostKey};

use crate::delivery::{Hook, NO_COMMIT, Push};
use crate::floor;
use crate::house::Home;
use crate::http_client::Connection;
use crate::place::{Place, Places};
use crate::seed::{Remote, Seeded};
use crate::table::{Row, Times, per_second, print, thousands};

/// As many as the goal names.
const CONNECTIONS: usize = 16;

/// Deliveries of one measurement.
const NUMBER: usize = 30_000;

/// Deliveries before, that nobody counts.
const WARM: usize = 2_000;

/// How long deciding what was accepted may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    let number = number.unwrap_or(NUMBER);
    let remote = nowhere()?;
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for place in places.each() {
        measure(place, &remote, number, &mut rows, &mut notes).await?;
    }
    Ok(print(
        "intake: signed deliveries accepted durably, 16 connections",
        &rows,
        &notes,
    )?)
}

async fn measure(
    place: Place,
    remote: &Remote,
    number: usize,
    rows: &mut Vec<Row>,
    notes: &mut Vec<String>,
) -> anyhow::Result<()> {
    let sample = Push {
        branch: "other/branch",
        from: NO_COMMIT,
        to: &"a".repeat(40),
    }
    .body();
    let floor_directory = place.directory()?;
    let group_commit =
        floor::group_commit(floor_directory.path(), remote, CONNECTIONS, number, &sample).await?;
    drop(floor_directory);

    let directory = place.directory()?;
    let home = Home::furnish(directory.path(), remote).await?;
    let server = home.serve(0).await?;
    let alone = floor::http_alone(&server.hook).await?;
    send(&server.hook, server.address, WARM, "warm").await?;
    until_decided(&server.app, &home.seeded).await?;
    let http_alone = send(&server.hook, alone, number, "floor").await?;

    let sent = send(&server.hook, server.address, number, "other").await?;
    let decided_before = decided(&server.app, &home.seeded).await?;
    let word = place.word();
    rows.push(
        Row::new(format!("{word}: accepted"))
            .times(&sent.times)
            .rate(per_second(sent.accepted.len(), sent.elapsed), "/s")
            .floor(format!(
                "{} /s stored, {} /s parsed",
                thousands(group_commit),
                thousands(per_second(number, http_alone.elapsed))
            ))
            .goal("≥ 4,000 /s, p99 ≤ 25 ms"),
    );
    let begin = Instant::now();
    let rest = (number + WARM).saturating_sub(decided_before);
    until_decided(&server.app, &home.seeded).await?;
    if rest > 100 {
        rows.push(
            Row::new(format!("{word}: decided afterwards"))
                .count(rest)
                .rate(per_second(rest, begin.elapsed()), "/s"),
        );
    }
    let stored = stored(&server.app, &home.seeded).await?;
    let lost = sent
        .accepted
        .iter()
        .filter(|id| !stored.contains(*id))
        .count();
    notes.push(format!(
        "{word}: {} of {number} acknowledged, {lost} of them lost, {} answered 5xx; bodies of {} bytes; {} decided while they came",
        thousands(sent.accepted.len() as f64),
        sent.refused,
        sample.len(),
        thousands(decided_before.saturating_sub(WARM) as f64),
    ));
    server.stop().await?;
    ensure!(
        lost == 0 && sent.refused == 0,
        "{lost} acknowledged deliveries are lost, {} were answered 5xx",
        sent.refused
    );
    Ok(())
}

/// What came of sending.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) times: Times,
    pub(crate) elapsed: Duration,
    /// Request ids that were answered 2xx.
    pub(crate) accepted: Vec<String>,
    /// How many were answered 5xx.
    pub(crate) refused: usize,
}

/// Sends `number` pushes of as many branches below `prefix`.
async fn send(
    hook: &Hook,
    address: SocketAddr,
    number: usize,
    prefix: &str,
) -> anyhow::Result<Sent> {
    // Bodies and signatures are made beforehand, so that the client costs as little as it can.
    let share = number / CONNECTIONS;
    let requests: Vec<Vec<(Vec<u8>, String)>> = (0..CONNECTIONS)
        .map(|connection| {
            let commit = format!("{:02x}", connection + 1).repeat(20);
            (0..share)
                .map(|index| {
                    hook.request(
                        &Push {
                            branch: &format!("{prefix}/{connection}-{index}"),
                            from: NO_COMMIT,
                            to: &commit,
                        }
                        .body(),
                    )
                })
                .collect()
        })
        .collect();
    let begin = Instant::now();
    let mut workers = Vec::new();
    for requests in requests {
        workers.push(tokio::spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut sent = Sent::default();
            for (request, id) in requests {
                let begin = Instant::now();
                let status = connection.exchange(&request).await?;
                sent.times.add(begin.elapsed());
                match status {
                    200..300 => sent.accepted.push(id),
                    500.. => sent.refused += 1,
                    other => anyhow::bail!("a delivery was answered {other}"),
                }
            }
            Ok(sent)
        }));
    }
    let mut all = Sent::default();
    for worker in workers {
        let sent = worker.await.context("a sender panicked")??;
        all.times.join(sent.times);
        all.accepted.extend(sent.accepted);
        all.refused += sent.refused;
    }
    all.elapsed = begin.elapsed();
    Ok(all)
}

/// Every delivery of the account, page by page.
async fn each(
    app: &App,
    seeded: &Seeded,
    mut see: impl FnMut(&DeliveryLine),
) -> anyhow::Result<()> {
    let mut filter = DeliveryFilter::default();
    loop {
        let page = deliveries::list(&app.db, seeded.account, &filter, 5_000).await?;
        page.iter().for_each(&mut see);
        match page.last() {
            Some(last) => filter.from = PageStart::OlderThan(last.id),
            None => return Ok(()),
        }
    }
}

async fn stored(app: &App, seeded: &Seeded) -> anyhow::Result<HashSet<String>> {
    let mut ids = HashSet::new();
    each(app, seeded, |line| {
        ids.insert(line.request_id.clone());
    })
    .await?;
    Ok(ids)
}

async fn decided(app: &App, seeded: &Seeded) -> anyhow::Result<usize> {
    let mut count = 0;
    each(app, seeded, |line| {
        count += usize::from(line.state == DeliveryState::Decided);
    })
    .await?;
    Ok(count)
}

/// Waits until nothing is left to decide.
pub(crate) async fn until_decided(app: &App, seeded: &Seeded) -> anyhow::Result<()> {
    let wait = async {
        while pipewright_store::refs::undecided_deliveries(&app.db, seeded.repository).await? > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("deciding does not come to an end")?
}

/// A Bitbucket that is never asked: deliveries alone come from it.
pub(crate) fn nowhere() -> anyhow::Result<Remote> {
    Ok(Remote {
        base_url: "http://127.0.0.1:9".to_owned(),
        http_url: "http://127.0.0.1:9/scm/ben/app.git".to_owned(),
        ssh_url: "ssh://git@127.0.0.1:9/ben/app.git".to_owned(),
        ssh_host: "127.0.0.1".to_owned(),
        ssh_port: 9,
        host_key: HostKey {
            fingerprint: "SHA256:none".to_owned(),
            lines: String::new(),
        },
        key: SshKeyPair::generate("")?,
        user: "mara".to_owned(),
        password: "none".to_owned(),
        repository: "1".to_owned(),
        clone_via: CloneVia::Https,
        branches: vec!["main".parse()?],
    })
}
