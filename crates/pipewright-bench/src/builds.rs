//! One-step builds drained from a full queue, two at a time: without clone, and with a checkout from a warm mirror.
//!
//! The queue is filled by deliveries to a server without a runner, which decides and plans them; then a server with two
//! slots is started on the same data directory, and the clock runs from its start to the end of the last build.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pipewright_core::build::{BuildOutcome, BuildState};
use pipewright_server::App;
use pipewright_store::builds::{self, Build, BuildFilter};
use pipewright_store::integrations::CloneVia;
use pipewright_store::{attempts, statuses};

use crate::delivery::{NO_COMMIT, Push};
use crate::floor;
use crate::house::Home;
use crate::http_client::Connection;
use crate::intake::until_decided;
use crate::place::{Place, Places};
use crate::seed::Seeded;
use crate::table::{Row, Times, per_second, print, shown, thousands};
use crate::world::World;

/// Builds without clone in one measurement; with checkout half as many.
const NUMBER: usize = 1_000;

/// The runner's slots.
const SLOTS: usize = 2;

/// How long everything may take.
const PATIENCE: Duration = Duration::from_mins(20);

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    let number = number.unwrap_or(NUMBER);
    let ways = [
        ("no clone", "bare", number, "≥ 3,000 /min"),
        (
            "checkout, warm mirror",
            "clone",
            number.div_ceil(2),
            "≥ 1,000 /min",
        ),
    ];
    for (what, prefix, number, goal) in ways {
        let mut rows = Vec::new();
        for place in places.each() {
            measure(place, prefix, number, goal, &mut rows).await?;
        }
        print(
            &format!("builds, {what}: one-step builds drained from a full queue, two at a time"),
            &rows,
            &[],
        )?;
    }
    Ok(())
}

async fn measure(
    place: Place,
    prefix: &str,
    number: usize,
    goal: &str,
    rows: &mut Vec<Row>,
) -> anyhow::Result<()> {
    let word = place.word();
    let world = World::make(CloneVia::Https).await?;
    let directory = place.directory()?;
    let home = Home::furnish(directory.path(), &world.remote).await?;
    let server = home.serve(0).await?;
    server.warm_mirror(&home, &world.head).await?;
    let begin = Instant::now();
    let mut connection = Connection::open(server.address).await?;
    for index in 0..number {
        let (request, _) = server.hook.request(
            &Push {
                branch: &format!("{prefix}/{index}"),
                from: NO_COMMIT,
                to: &world.head,
            }
            .body(),
        );
        let status = connection.exchange(&request).await?;
        ensure!(status == 202, "a delivery was answered {status}");
    }
    until_decided(&server.app, &home.seeded).await?;
    until_none(&server.app, &home.seeded, number, |state| {
        state == BuildState::Queued
    })
    .await?;
    rows.push(
        Row::new(format!("{word}: accepted, decided and planned"))
            .count(number)
            .rate(per_second(number, begin.elapsed()) * 60.0, "/min"),
    );
    server.stop().await?;

    let begin = Instant::now();
    let server = home.serve(SLOTS).await?;
    until_none(&server.app, &home.seeded, number, |state| {
        !state.is_finished()
    })
    .await?;
    let time = begin.elapsed();
    let untold = until_told(&server.app).await?;
    ensure!(
        world.sink.taken() >= 2 * number,
        "Bitbucket was told {} statuses of {number} builds",
        world.sink.taken()
    );
    let ran = ran_for(&server.app, &home.seeded, number).await?;
    let mut spawn = Times::default();
    for _ in 0..20 {
        spawn.add(floor::spawn_bash()?);
    }
    let floor = spawn.median().unwrap_or_default();
    rows.push(
        Row::new(format!("{word}: drained (times: claimed → finished)"))
            .times(&ran)
            .rate(per_second(number, time) * 60.0, "/min")
            .floor(format!(
                "{} /min: bash -c true, two at a time, {}",
                thousands(60.0 * SLOTS as f64 / floor.as_secs_f64()),
                shown(floor)
            ))
            .goal(goal),
    );
    rows.push(
        Row::new(format!("{word}: last status told after the last build"))
            .count(2 * number)
            .rate(untold.as_secs_f64() * 1e3, "ms"),
    );
    server.stop().await?;
    world.simulator.shutdown().await;
    Ok(())
}

/// Waits until Bitbucket was told everything; how long that took.
async fn until_told(app: &App) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let wait = async {
        while !statuses::integrations_to_tell(&app.db, app.clock.now(), 1)
            .await?
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(begin.elapsed())
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("Bitbucket is not told everything")?
}

/// Waits until this many builds are there, beside the first that warmed the mirror, and none is in an unwanted state.
async fn until_none(
    app: &App,
    seeded: &Seeded,
    number: usize,
    unwanted: impl Fn(BuildState) -> bool,
) -> anyhow::Result<()> {
    let wait = async {
        loop {
            // The youngest end last or nearly so: the whole list is only read once they have.
            let newest = builds::list(&app.db, seeded.account, &BuildFilter::default(), 3).await?;
            if newest
                .first()
                .is_some_and(|build| build.number == number as i64 + 1)
                && newest.iter().all(|build| !unwanted(build.state))
                && all(app, seeded, number)
                    .await?
                    .iter()
                    .all(|build| !unwanted(build.state))
            {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .context("the builds do not come to an end")?
}

/// The builds that are measured.
async fn all(app: &App, seeded: &Seeded, number: usize) -> anyhow::Result<Vec<Build>> {
    Ok(builds::list(
        &app.db,
        seeded.account,
        &BuildFilter::default(),
        number as i64,
    )
    .await?)
}

/// From claim to end of each build, all of which must have passed.
async fn ran_for(app: &App, seeded: &Seeded, number: usize) -> anyhow::Result<Times> {
    let mut times = Times::default();
    for build in all(app, seeded, number).await? {
        ensure!(
            build.state == BuildState::Finished(BuildOutcome::Passed),
            "#{} is {}: {:?}",
            build.number,
            build.state.as_str(),
            build.state_message
        );
        for attempt in attempts::of_build(&app.db, build.id).await? {
            if let (Some(claimed), Some(finished)) = (attempt.claimed_at, attempt.finished_at) {
                times.add(finished.since(claimed));
            }
        }
    }
    Ok(times)
}
