//! One step that prints 200 MB: how fast it is stored, what that holds in memory, and whether a follower of the page's
//! live log is kept to the end.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pipewright_store::attempts::{self, Attempt};
use pipewright_store::integrations::CloneVia;

use crate::floor;
use crate::house::{Home, Server};
use crate::http_client::Connection;
use crate::memory::{self, megabytes};
use crate::place::{Place, Places};
use crate::seed::ACCOUNT;
use crate::table::{Row, print, thousands};
use crate::world::{LOG_BYTES, World};

/// Steps that print, one after another.
const NUMBER: usize = 5;

/// How long one may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The floor's script prints what the step prints.
const SCRIPT: &str = "yes 'a line of output as programs print it, about eighty characters long, more or less' | head -c 200000000";

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for place in places.each() {
        measure(place, number.unwrap_or(NUMBER), &mut rows, &mut notes).await?;
    }
    Ok(print(
        "logs: one step that prints 200 MB, with a follower of its live log",
        &rows,
        &notes,
    )?)
}

async fn measure(
    place: Place,
    number: usize,
    rows: &mut Vec<Row>,
    notes: &mut Vec<String>,
) -> anyhow::Result<()> {
    let word = place.word();
    let world = World::make(CloneVia::Https).await?;
    let directory = place.directory()?;
    let home = Home::furnish(directory.path(), &world.remote).await?;
    let server = home.serve(2).await?;
    // A first build warms everything up that an idle server has behind it.
    server.warm_mirror(&home, &world.head).await?;
    server.hook.push("bare/warm", &world.head).await?;
    server.until_passed(&home, 2).await?;
    let idle = memory::of("self")?;
    memory::forget_peak()?;
    let (mut rates, mut floors, mut events) = (Vec::new(), Vec::new(), 0);
    for round in 0..number {
        server
            .hook
            .push(&format!("log/{round}"), &world.head)
            .await?;
        let attempt = claimed(&server, &home, round + 3).await?;
        let follower = tokio::spawn(follow(server.address, home.seeded.session.clone(), attempt));
        let (_, attempt) = server.until_passed(&home, round + 3).await?;
        let (begin, end) = attempt
            .started_at
            .zip(attempt.finished_at)
            .context("it ran")?;
        rates.push(attempt.log_bytes as f64 / end.since(begin).as_secs_f64() / 1e6);
        ensure!(
            attempt.log_bytes >= LOG_BYTES as i64,
            "the log holds {} bytes only",
            attempt.log_bytes
        );
        let seen = tokio::time::timeout(PATIENCE, follower)
            .await
            .context("the follower is not told the end")???;
        ensure!(
            seen.ended && seen.last_line + 1 >= attempt.log_lines as u64,
            "the follower was cut off at line {} of {}",
            seen.last_line,
            attempt.log_lines
        );
        events += seen.events;
    }
    let peak = memory::of("self")?.peak;
    for _ in 0..number {
        let path = directory.path().to_owned();
        floors.push(
            tokio::task::spawn_blocking(move || floor::pipe_to_file(&path, SCRIPT)).await?? / 1e6,
        );
    }
    rows.push(
        Row::new(format!("{word}: stored"))
            .count(number)
            .rate(middle(&mut rates), "MB/s")
            .floor(format!(
                "{} MB/s: pipe to file",
                thousands(middle(&mut floors))
            ))
            .goal("≥ 150 MB/s"),
    );
    rows.push(
        Row::new(format!("{word}: memory above idle, at its peak"))
            .count(number)
            .rate((peak.saturating_sub(idle.resident)) as f64 / 1e6, "MB")
            .goal("≤ 50 MB"),
    );
    notes.push(format!(
        "{word}: {} resident before (simulator and clients included); every follower was there at the end, {} events each",
        megabytes(idle.resident),
        events / number.max(1)
    ));
    server.stop().await?;
    world.simulator.shutdown().await;
    Ok(())
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The attempt of the build of this number, once it is claimed.
async fn claimed(server: &Server, home: &Home, number: usize) -> anyhow::Result<Attempt> {
    let build = server
        .until(home, number, |build| build.started_at.is_some())
        .await?;
    attempts::of_build(&server.app.db, build.id)
        .await?
        .pop()
        .context("a build that began has an attempt")
}

/// What a follower saw.
#[derive(Debug, Default)]
struct Followed {
    events: usize,
    last_line: u64,
    ended: bool,
}

/// Follows the live log of an attempt as a page does, and reads it to its end.
async fn follow(
    address: std::net::SocketAddr,
    session: String,
    attempt: Attempt,
) -> anyhow::Result<Followed> {
    let mut connection = Connection::open(address).await?;
    let request = format!(
        "GET /{ACCOUNT}/logs/{}/live HTTP/1.1\r\nhost: {address}\r\ncookie: pipewright_session={session}\r\naccept: text/event-stream\r\n\r\n",
        attempt.id
    );
    let status = connection.begin(request.as_bytes()).await?;
    ensure!(status == 200, "the follower was answered {status}");
    let mut seen = Followed::default();
    let mut line = Vec::new();
    let begin = Instant::now();
    while !seen.ended {
        ensure!(begin.elapsed() < PATIENCE, "the live log does not end");
        let Some(bytes) = connection.next().await? else {
            return Ok(seen);
        };
        for byte in bytes {
            if byte != b'\n' {
                // Data lines are long, and not looked into.
                if line.len() < 64 {
                    line.push(byte);
                }
                continue;
            }
            seen.events += usize::from(line.starts_with(b"event: lines"));
            seen.ended |= line.starts_with(b"event: end");
            if let Some(id) = line
                .strip_prefix(b"id: ")
                .and_then(|id| std::str::from_utf8(id).ok()?.trim().parse().ok())
            {
                seen.last_line = id;
            }
            line.clear();
        }
    }
    Ok(seen)
}
