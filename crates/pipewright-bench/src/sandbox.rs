//! What the sandbox costs a step: the same step without a clone, in a sandbox and without one, turn by turn on the same machine.

use std::time::Duration;

use pipewright_runner::executor::Isolation;
use pipewright_store::integrations::CloneVia;

use crate::house::{Home, Server};
use crate::place::{Place, Places};
use crate::table::{Row, Times, print, shown};
use crate::world::World;

/// Pairs.
const NUMBER: usize = 200;

/// Pairs before, that nobody counts.
const WARM: usize = 10;

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for place in places.each() {
        measure(place, number.unwrap_or(NUMBER), &mut rows).await?;
    }
    Ok(print(
        "sandbox: a step that does nothing, claimed → finished, in pairs",
        &rows,
        &[],
    )?)
}

async fn measure(place: Place, number: usize, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let world = World::make(CloneVia::Https).await?;
    let mut sides = Vec::new();
    for isolation in [Isolation::None, Isolation::Sandbox] {
        let directory = place.directory()?;
        let home = Home::furnish(directory.path(), &world.remote)
            .await?
            .isolated(isolation);
        let server = home.serve(1).await?;
        server.warm_mirror(&home, &world.head).await?;
        sides.push((directory, home, server));
    }
    let mut times = [Times::default(), Times::default()];
    let mut differences = Vec::new();
    for round in 0..WARM + number {
        let mut pair = [Duration::ZERO; 2];
        // Who is first is not always the same.
        for side in [round % 2, (round + 1) % 2] {
            let (_, home, server) = &sides[side];
            pair[side] = one(home, server, round, &world.head).await?;
        }
        if round >= WARM {
            times[0].add(pair[0]);
            times[1].add(pair[1]);
            differences.push(pair[1].as_secs_f64() - pair[0].as_secs_f64());
        }
    }
    differences.sort_by(f64::total_cmp);
    let median = differences[differences.len() / 2];
    let word = place.word();
    rows.push(Row::new(format!("{word}: none")).times(&times[0]));
    rows.push(Row::new(format!("{word}: sandbox")).times(&times[1]));
    rows.push(
        Row::new(format!("{word}: the median difference"))
            .count(differences.len())
            .rate(median * 1e6, "µs")
            .floor(shown(Duration::from_secs_f64(median.max(0.0))))
            .goal("≤ 15 ms"),
    );
    for (_, _, server) in sides {
        server.stop().await?;
    }
    world.simulator.shutdown().await;
    Ok(())
}

/// From claim to end of one step.
async fn one(home: &Home, server: &Server, round: usize, head: &str) -> anyhow::Result<Duration> {
    server.hook.push(&format!("bare/{round}"), head).await?;
    let (_, attempt) = server.until_passed(home, round + 2).await?;
    match (attempt.claimed_at, attempt.finished_at) {
        (Some(claimed), Some(finished)) => Ok(finished.since(claimed)),
        _ => anyhow::bail!("an attempt that passed was claimed and ended"),
    }
}
