//! `pipewright serve` at rest: what it holds in memory, and how soon after its start it answers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pipewright_git::GitOptions;
use tokio::process::{Child, Command};

use crate::delivery::{NO_COMMIT, Push};
use crate::floor;
use crate::http_client::Connection;
use crate::intake::nowhere;
use crate::memory::{self, Memory, megabytes};
use crate::place::{Place, Places};
use crate::table::{Row, Times, print};

/// Starts.
const NUMBER: usize = 30;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an existing data directory holds.
const DELIVERIES: usize = 20_000;

/// How long deciding them takes at most.
const DECIDE: Duration = Duration::from_secs(20);

/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

pub(crate) async fn run(
    places: Places,
    number: Option<usize>,
    server: Option<PathBuf>,
) -> anyhow::Result<()> {
    let server = match server {
        Some(server) => server,
        None => std::env::current_exe()?.with_file_name("pipewright"),
    };
    ensure!(
        server.is_file(),
        "{} is not there; build it with `cargo build --release -p pipewright`",
        server.display()
    );
    let mut rows = Vec::new();
    for place in places.each() {
        measure(place, &server, number.unwrap_or(NUMBER), &mut rows).await?;
    }
    let note =
        format!("an existing data directory holds {DELIVERIES} deliveries with their decisions");
    Ok(print(
        "idle: `pipewright serve` with its embedded runner",
        &rows,
        &[note],
    )?)
}

async fn measure(
    place: Place,
    server: &Path,
    number: usize,
    rows: &mut Vec<Row>,
) -> anyhow::Result<()> {
    let word = place.word();
    let directory = place.directory()?;
    // The first start makes the data directory.
    let (first, _) = start(server, directory.path(), Duration::ZERO).await?;
    let sample = Push {
        branch: "other/branch",
        from: NO_COMMIT,
        to: &"a".repeat(40),
    }
    .body();
    floor::group_commit(directory.path(), &nowhere()?, 16, DELIVERIES, &sample).await?;
    // The second start decides what was put there.
    start(server, directory.path(), DECIDE).await?;
    let mut times = Times::default();
    for _ in 0..number {
        times.add(start(server, directory.path(), Duration::ZERO).await?.0);
    }
    let (_, at_rest) = start(server, directory.path(), REST).await?;
    let mut new = Times::default();
    new.add(first);
    let mut nothing = Times::default();
    for _ in 0..number {
        nothing.add(help(server).await?);
    }
    let floor = nothing
        .median()
        .map(crate::table::shown)
        .unwrap_or_default();
    rows.push(
        Row::new(format!("{word}: start → first answer"))
            .times(&times)
            .floor(format!("{floor}: --version"))
            .goal("≤ 20 ms"),
    );
    rows.push(Row::new(format!("{word}: the same, new data directory")).times(&new));
    rows.push(
        Row::new(format!("{word}: resident at rest"))
            .count(1)
            .rate(at_rest.resident as f64 / 1e6, "MB")
            .floor(format!(
                "of it {} not the program's own file",
                megabytes(at_rest.anonymous)
            ))
            .goal("≤ 30 MB"),
    );
    Ok(())
}

/// Starts the server, waits for its first answer, lets it rest, reads its memory and stops it.
async fn start(
    server: &Path,
    directory: &Path,
    rest: Duration,
) -> anyhow::Result<(Duration, Memory)> {
    let address = free_address()?;
    let begin = Instant::now();
    let mut child = Command::new(server)
        .arg("serve")
        .args([
            "--set",
            &format!("data.directory={}", directory.display()),
            "--set",
            &format!("server.listen={address}"),
        ])
        .env_clear()
        .env("PATH", GitOptions::default().path)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} cannot be started", server.display()))?;
    let answered = tokio::time::timeout(PATIENCE, first_answer(address)).await;
    let time = begin.elapsed();
    answered.context("the server does not answer")??;
    tokio::time::sleep(rest).await;
    let memory = memory::of(&child.id().context("the server ended")?.to_string())?;
    stop(&mut child).await?;
    Ok((time, memory))
}

async fn first_answer(address: SocketAddr) -> anyhow::Result<()> {
    let request = format!("GET /health HTTP/1.1\r\nhost: {address}\r\n\r\n");
    loop {
        if let Ok(mut connection) = Connection::open(address).await {
            let status = connection.exchange(request.as_bytes()).await?;
            ensure!(status == 200, "the server answers {status}");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}

/// Asks it to end, as `systemctl stop` would.
async fn stop(child: &mut Child) -> anyhow::Result<()> {
    let id = child.id().context("the server ended")?.to_string();
    Command::new("kill").args(["-TERM", &id]).status().await?;
    tokio::time::timeout(PATIENCE, child.wait())
        .await
        .context("the server does not end")??;
    Ok(())
}

/// What starting the program costs before it does anything.
async fn help(server: &Path) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    Command::new(server)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .await?;
    Ok(begin.elapsed())
}

/// An address nobody listens on at this moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
