//! From a delivery to the first command: without clone, with clone of one new commit over HTTP, and over SSH.
//!
//! The step itself says when it began (`$EPOCHREALTIME`, which starts no process); everything before is what the server
//! stored. Planning brings a new commit into the mirror, so its fetch stands apart there; the step then finds it.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pipewright_core::Timestamp;
use pipewright_server::App;
use pipewright_store::attempts::Attempt;
use pipewright_store::integrations::CloneVia;
use pipewright_store::logs::read_bytes;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::delivery::{NO_COMMIT, Push};
use crate::floor;
use crate::house::Home;
use crate::http_client::Connection;
use crate::place::{Place, Places};
use crate::table::{Row, Times, print, shown};
use crate::world::World;

/// Builds of one way.
const NUMBER: usize = 200;

/// Builds before, that nobody counts.
const WARM: usize = 10;

/// What the way consists of. `intake` ends when the delivery is answered; `decide` is counted from the same beginning, as
/// it goes on beside the answer.
const PARTS: [&str; 10] = [
    "intake",
    "decide",
    "plan: fetch",
    "plan: rest",
    "claim",
    "hand over",
    "step: fetch",
    "checkout",
    "spawn",
    "first command",
];

/// A way to start.
#[derive(Debug, Clone, Copy)]
struct Way {
    what: &'static str,
    branch: &'static str,
    new_commit: bool,
    via: CloneVia,
    goal: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        what: "no clone",
        branch: "bare",
        new_commit: false,
        via: CloneVia::Https,
        goal: "≤ 20 ms",
    },
    Way {
        what: "new commit, HTTP",
        branch: "clone",
        new_commit: true,
        via: CloneVia::Https,
        goal: "≤ 130 ms",
    },
    Way {
        what: "new commit, SSH",
        branch: "clone",
        new_commit: true,
        via: CloneVia::Ssh,
        goal: "≤ 150 ms",
    },
];

pub(crate) async fn run(places: Places, number: Option<usize>) -> anyhow::Result<()> {
    for way in WAYS {
        let mut rows = Vec::new();
        for place in places.each() {
            measure(place, way, number.unwrap_or(NUMBER), &mut rows).await?;
        }
        print(
            &format!(
                "start, {}: delivery received → the first command runs",
                way.what
            ),
            &rows,
            &[],
        )?;
    }
    Ok(())
}

async fn measure(place: Place, way: Way, number: usize, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let world = World::make(way.via).await?;
    let directory = place.directory()?;
    let home = Home::furnish(directory.path(), &world.remote).await?;
    let server = home.serve(2).await?;
    server.warm_mirror(&home, &world.head).await?;
    let mut connection = Connection::open(server.address).await?;
    let mut whole = Times::default();
    let mut parts = PARTS.map(|name| (name, Times::default()));
    let mut spawn_floor = Times::default();
    let mut commit = (NO_COMMIT.to_owned(), world.head.clone());
    for round in 0..WARM + number {
        let branch = if way.new_commit {
            commit = (
                commit.1,
                world.commit("clone/work", &round.to_string()).await?,
            );
            "clone/work".to_owned()
        } else {
            format!("{}/{round}", way.branch)
        };
        let from = if way.new_commit {
            commit.0.as_str()
        } else {
            NO_COMMIT
        };
        let (request, _) = server.hook.request(
            &Push {
                branch: &branch,
                from,
                to: &commit.1,
            }
            .body(),
        );
        forget_parts();
        let begin = Instant::now();
        let status = connection.exchange(&request).await?;
        let answered = begin.elapsed();
        ensure!(status == 202, "the delivery was answered {status}");
        let (build, attempt) = server.until_passed(&home, round + 2).await?;
        if round < WARM {
            continue;
        }
        spawn_floor.add(floor::spawn_bash()?);
        let begun = begun(&server.app, &attempt)?;
        let timing = |part: &str| {
            attempt
                .timings
                .iter()
                .find(|timing| timing.part == part)
                .map(|timing| Duration::from_micros(timing.micros))
        };
        let planned_at = build.planned_at.context("a build that ran was planned")?;
        let claimed_at = attempt
            .claimed_at
            .context("an attempt that ran was claimed")?;
        let fetched = planning_fetch();
        let planning = planned_at.since(build.created_at);
        let handed_over = build.accepted_at + timing("claim").unwrap_or_default();
        let (fetch, checkout, spawn) = (
            timing("fetch"),
            timing("checkout"),
            timing("spawn").unwrap_or_default(),
        );
        let spawned =
            handed_over + fetch.unwrap_or_default() + checkout.unwrap_or_default() + spawn;
        let values = [
            Some(answered),
            Some(build.created_at.since(build.accepted_at)),
            fetched,
            Some(planning.saturating_sub(fetched.unwrap_or_default())),
            Some(claimed_at.since(planned_at)),
            Some(handed_over.since(claimed_at)),
            fetch,
            checkout,
            Some(spawn),
            Some(begun.since(spawned)),
        ];
        whole.add(begun.since(build.accepted_at));
        for ((_, times), value) in parts.iter_mut().zip(values) {
            if let Some(value) = value {
                times.add(value);
            }
        }
    }
    rows.push(
        Row::new(format!("{}: whole", place.word()))
            .times(&whole)
            .goal(way.goal),
    );
    for (name, times) in parts.iter().filter(|(_, times)| times.len() > 0) {
        let row = Row::new(format!("{}:   {name}", place.word())).times(times);
        rows.push(if *name == "spawn" {
            row.floor(format!("bash -c true {}", median(&spawn_floor)))
        } else {
            row
        });
    }
    server.stop().await?;
    world.simulator.shutdown().await;
    Ok(())
}

fn median(times: &Times) -> String {
    times.median().map(shown).unwrap_or_default()
}

/// When the step says that it began.
fn begun(app: &App, attempt: &Attempt) -> anyhow::Result<Timestamp> {
    let log = String::from_utf8(read_bytes(&app.logs, attempt.id, 0, 64 << 10)?)?;
    let seconds = log
        .lines()
        .find_map(|line| line.strip_prefix("begun ")?.parse::<f64>().ok());
    let seconds = seconds.with_context(|| format!("the step does not say when it began: {log}"))?;
    Ok(Timestamp::from_micros((seconds * 1e6) as i64))
}

/// How long planning's last fetch took, as the server's own log has it.
static FETCHED: OnceLock<Mutex<Option<Duration>>> = OnceLock::new();

fn fetched() -> &'static Mutex<Option<Duration>> {
    FETCHED.get_or_init(Mutex::default)
}

fn forget_parts() {
    *fetched().lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn planning_fetch() -> Option<Duration> {
    *fetched().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens to what the server logs of planning. Call once, before anything is logged.
pub(crate) fn collect_parts() {
    tracing_subscriber::registry()
        .with(
            Parts.with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
                *metadata.level() <= tracing::Level::WARN
                    || metadata.fields().field("fetch_micros").is_some()
            })),
        )
        .init();
}

struct Parts;

impl<S: tracing::Subscriber> Layer<S> for Parts {
    fn on_event(&self, event: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        if let Some(micros) = seen.fetch_micros {
            *fetched().lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Duration::from_micros(micros));
        }
        if *event.metadata().level() <= tracing::Level::WARN {
            // Where something goes wrong the figures are not to be trusted, and this says what it was.
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "{} {}: {}",
                event.metadata().level(),
                event.metadata().target(),
                seen.text
            );
        }
    }
}

#[derive(Default)]
struct Seen {
    fetch_micros: Option<u64>,
    text: String,
}

impl Visit for Seen {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "fetch_micros" {
            self.fetch_micros = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        let _ = write!(self.text, "{}={value:?} ", field.name());
    }
}
