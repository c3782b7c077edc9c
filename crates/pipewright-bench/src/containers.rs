//! What a step in a container costs, beside `docker run` of the same command in the same image, turn by turn.
//!
//! A step's container begins while its repository is fetched, so what a person waits for is from the word to the known end.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use pipewright_core::build::AttemptOutcome;
use pipewright_core::plan::StepPlan;
use pipewright_runner::executor::{
    Control, EngineExecutor, EngineOptions, Executor as _, StepDirectories, StepLimits, StepRun,
    begin, find_socket, run_scripts,
};
use pipewright_runner::log::{LogWriter, Masker, QUEUE_CHUNKS};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};

use crate::table::{Row, Times, print, shown};

/// Pairs.
const NUMBER: usize = 30;

/// Pairs before, that nobody counts.
const WARM: usize = 3;

/// Which engine, which image.
#[derive(Debug, Args)]
pub(crate) struct Containers {
    /// The engine's socket; one of this machine by default.
    #[arg(long)]
    socket: Option<PathBuf>,
    /// An image that the engine has, with a shell.
    #[arg(long)]
    image: String,
}

/// The times of one step.
struct Step {
    /// Until its container waits for a word.
    begun: Duration,
    /// From the word to the known end.
    ran: Duration,
}

pub(crate) async fn run(containers: Containers, number: Option<usize>) -> anyhow::Result<()> {
    let number = number.unwrap_or(NUMBER);
    let socket = containers
        .socket
        .or_else(|| find_socket(None, None))
        .context("no container engine answers; name its socket with --socket")?;
    let owner = format!("bench-{}", std::process::id());
    let executor = EngineExecutor::new(EngineOptions {
        default_image: containers.image.clone(),
        ..EngineOptions::new(socket.clone(), owner)
    });
    let (mut docker, mut begun, mut ran) = (Times::default(), Times::default(), Times::default());
    let mut shares = Vec::new();
    for round in 0..WARM + number {
        let by_docker = docker_run(&socket, &containers.image).await?;
        let step = one(&executor, round).await?;
        if round >= WARM {
            shares.push(step.ran.as_secs_f64() / by_docker.as_secs_f64());
            docker.add(by_docker);
            begun.add(step.begun);
            ran.add(step.ran);
        }
    }
    executor.leave().await;
    shares.sort_by(f64::total_cmp);
    let share = shares[shares.len() / 2];
    Ok(print(
        "containers: a step that does nothing, in pairs with `docker run --rm`",
        &[
            Row::new("docker run --rm").times(&docker),
            Row::new("begun, beside the fetch").times(&begun),
            Row::new("from the word to the known end").times(&ran),
            Row::new("its share of docker run, median of the pairs")
                .count(shares.len())
                .rate(share * 100.0, "%")
                .floor(shown(ran.median().unwrap_or_default()))
                .goal("≤ 5 %"),
        ],
        &[],
    )?)
}

/// `docker run` of a command that does nothing.
async fn docker_run(socket: &std::path::Path, image: &str) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let done = Command::new("docker")
        .arg("-H")
        .arg(format!("unix://{}", socket.display()))
        .args([
            "run",
            "--rm",
            "--user",
            "0",
            "--entrypoint",
            "/bin/sh",
            image,
            "-c",
            ":",
        ])
        .output()
        .await
        .context("the docker command is needed to compare with")?;
    anyhow::ensure!(done.status.success(), "docker run: {done:?}");
    Ok(start.elapsed())
}

async fn one(executor: &EngineExecutor, round: usize) -> anyhow::Result<Step> {
    let place = tempfile::tempdir()?;
    let directories = StepDirectories::create(&place.path().join("step"))?;
    let plan: StepPlan = serde_json::from_value(serde_json::json!({
        "name": "Step 1",
        "script": [{ "command": ":" }],
        "max_time_minutes": 5,
        "clone": { "enabled": false, "depth": { "commits": 50 } },
        "size": 1,
    }))?;
    let mark = format!("bench-{}-{round}", std::process::id());
    let run = StepRun {
        mark: &mark,
        plan: &plan,
        begun: None,
        directories: &directories,
        environment: &[],
        max_time: Duration::from_mins(5),
        limits: StepLimits::default(),
    };
    let (chunks, mut printed) = mpsc::channel(QUEUE_CHUNKS);
    let mut log = LogWriter::new(chunks, &Masker::new(&[], &[]), 1 << 20);
    let control = watch::Sender::new(Control::Run);
    let mut words = control.subscribe();
    let work = async {
        let start = Instant::now();
        let container = begin(executor, run, &mut log)
            .await
            .map_err(|end| anyhow::anyhow!("{:?}", end.message))?;
        let begun = start.elapsed();
        // As a fetch would, until the porter is there.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        let run = StepRun {
            begun: container.as_ref(),
            ..run
        };
        let end = run_scripts(executor, run, &mut log, &mut words, |_| {}).await;
        let ran = start.elapsed();
        anyhow::ensure!(end.outcome == AttemptOutcome::Passed, "{end:?}");
        log.finish().await;
        drop(log);
        Ok(Step { begun, ran })
    };
    let read = async { while printed.recv().await.is_some() {} };
    let (step, ()) = tokio::join!(work, read);
    executor.end_escaped(&mark).await;
    step
}
