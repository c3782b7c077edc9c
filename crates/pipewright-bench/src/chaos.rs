//! Bad luck, many times over: the built `pipewright serve` is killed, restarted in order, stopped for a while, left without
//! disk space and its clock set at random moments while pushes arrive, and a table says what came of them. Started by `cargo
//! xtask chaos`.
//!
//! Nothing may be lost, built twice, left without an end or charged to a commit; else the program ends with 1. Full disks need
//! the right to mount a file system, clocks that jump a C compiler; they are left out elsewhere.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use pipewright::story::{ACCOUNT, Team};
use pipewright_simulator::{Simulator, SimulatorOptions};
use pipewright_store::builds::BuildFilter;
use pipewright_store::{Database, Db, DbOptions};

use crate::chaos_clock::Clock;

/// How long anything may take to come to rest once the bad luck is over.
const PATIENCE: Duration = Duration::from_secs(180);

/// The longest life of a server between two strokes, in milliseconds.
const LIFE_MS: u64 = 1500;

/// What the server's clock is set to, in seconds beside the machine's.
const JUMPS: [i64; 5] = [0, 86_400, -3_600, 40, -40];

const REPOSITORY: &str = "harbor/chaos";

const PIPELINE: &str = "pipelines:\n  default:\n    - step:\n        script:\n          - for i in $(seq 1 20); do echo \"line $i\"; sleep 0.02; done\n";

/// Bad luck for the server.
#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// The program; beside this one by default.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Strokes.
    #[arg(long, default_value_t = 100)]
    rounds: u32,
    /// The same seed strikes in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A stroke of bad luck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stroke {
    Kill,
    Restart,
    Pause,
    FullDisk,
    Clock,
}

impl Stroke {
    const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Restart => "orderly restart",
            Self::Pause => "stopped and continued",
            Self::FullDisk => "full disk",
            Self::Clock => "clock jump",
        }
    }
}

/// Numbers that look random, the same for a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// The data directory, on a small file system of its own where this user may mount one.
struct Place {
    directory: tempfile::TempDir,
    logs: tempfile::TempDir,
    is_mounted: bool,
    /// The server's clock, where it can be set.
    clock: Option<Clock>,
}

impl Place {
    fn make() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let is_mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=400m", "tmpfs"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        let logs = tempfile::tempdir()?;
        let clock = Clock::make(logs.path())?;
        Ok(Self {
            directory,
            logs,
            is_mounted,
            clock,
        })
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where the server's log goes: never onto the disk that becomes full.
    fn log(&self) -> PathBuf {
        self.logs.path().join("log")
    }

    /// Fills the disk to its last byte.
    fn fill(&self) -> PathBuf {
        let filler = self.directory.path().join("filler");
        if let Ok(mut file) = std::fs::File::create(&filler) {
            let piece = vec![b'x'; 1 << 20];
            // Until it is full; then the pieces become smaller.
            for bytes in [1 << 20, 4096, 1] {
                while file.write_all(&piece[..bytes]).is_ok() {}
            }
        }
        filler
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount")
                .arg("-l")
                .arg(self.directory.path())
                .status();
        }
    }
}

/// A running server.
struct Server {
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(
        program: &Path,
        simulator: &Simulator,
        place: &Place,
        listen: &str,
    ) -> anyhow::Result<Self> {
        let (ssh_host, ssh_port) = simulator.cloud_ssh();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(place.log())?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .stderr(log)
            .env_remove("PIPEWRIGHT_CONFIG");
        if let Some(clock) = &place.clock {
            clock.show(&mut command);
        }
        for setting in [
            format!("server.listen={listen}"),
            format!("data.directory={}", place.data().display()),
            format!("bitbucket.cloud_web={}", simulator.cloud_web_url()),
            format!("bitbucket.cloud_api={}", simulator.cloud_api_url()),
            format!("bitbucket.cloud_ssh={ssh_host}:{ssh_port}"),
            "comparison.every_seconds=2".to_owned(),
            "server.drain_seconds=0".to_owned(),
        ] {
            command.args(["--set", &setting]);
        }
        Ok(Self {
            child: command.spawn().context("the server does not start")?,
        })
    }

    fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
    }

    async fn ended(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(begun.elapsed() < PATIENCE, "the server does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

/// Strikes, waits until all has come to rest, and prints what came of it; an error where something was lost, doubled, left
/// without an end or charged to a commit.
pub(crate) async fn run(cli: Chaos) -> anyhow::Result<()> {
    let program = match cli.server {
        Some(server) => server,
        None => std::env::current_exe()?.with_file_name("pipewright"),
    };
    let begun = Instant::now();
    let simulator = Simulator::start(SimulatorOptions::default()).await?;
    simulator.sample_team().await?;
    let (space, slug) = REPOSITORY.split_once('/').context("a full name")?;
    simulator.cloud().add_repository(space, slug, true)?;
    push(&simulator, "main", "Begin").await?;
    let place = Place::make()?;
    let listen = free_address()?;
    let start = || Server::start(&program, &simulator, &place, &listen);
    let mut server = start()?;
    connect(&simulator, &place.log()).await?;

    let mut chance = Chance(cli.seed);
    let mut pushed = BTreeMap::new();
    let mut strokes: BTreeMap<Stroke, u32> = BTreeMap::new();
    for round in 0..cli.rounds {
        let branch = format!("round-{round}");
        let commit = push(&simulator, &branch, &format!("Push of round {round}")).await?;
        pushed.insert(commit, branch);
        tokio::time::sleep(Duration::from_millis(chance.below(LIFE_MS))).await;
        // Of 60 strokes some 50 are kills.
        let stroke = match (chance.below(60), &place.clock) {
            (0 | 1, _) if place.is_mounted => Stroke::FullDisk,
            (2 | 3, Some(_)) => Stroke::Clock,
            (4, _) => Stroke::Pause,
            (5..=9, _) => Stroke::Restart,
            _ => Stroke::Kill,
        };
        *strokes.entry(stroke).or_default() += 1;
        match stroke {
            Stroke::Kill => {
                server.child.kill()?;
                server.child.wait()?;
                server = start()?;
            }
            Stroke::Restart => {
                server.signal("TERM");
                server.ended().await?;
                server = start()?;
            }
            Stroke::Pause => {
                server.signal("STOP");
                tokio::time::sleep(Duration::from_millis(500 + chance.below(2000))).await;
                server.signal("CONT");
            }
            Stroke::FullDisk => {
                let filler = place.fill();
                tokio::time::sleep(Duration::from_millis(500 + chance.below(1500))).await;
                std::fs::remove_file(filler)?;
            }
            Stroke::Clock => {
                // Forward by a day at most, and back again: from wherever it stands.
                let seconds = JUMPS[chance.below(JUMPS.len() as u64) as usize];
                if let Some(clock) = &place.clock {
                    clock.set(seconds)?;
                }
            }
        }
        if server.child.try_wait()?.is_some() {
            // It may end where it cannot work; somebody starts it again.
            server = start()?;
        }
    }
    let found = judge(&simulator, &place.data(), &pushed).await?;
    drop(server);
    let mut out = std::io::stdout().lock();
    let seconds = begun.elapsed().as_secs();
    writeln!(
        out,
        "chaos: {} rounds, seed {}, {seconds} s",
        cli.rounds, cli.seed
    )?;
    for (stroke, count) in &strokes {
        writeln!(out, "  {:<24}{count:>6}", stroke.word())?;
    }
    writeln!(out, "  {:<24}{:>6}", "pushes", pushed.len())?;
    let mut bad = 0;
    for (what, branches) in [
        ("lost", &found.lost),
        ("double", &found.double),
        ("stuck", &found.stuck),
        ("charged", &found.charged),
    ] {
        bad += branches.len();
        writeln!(
            out,
            "  {what:<24}{:>6}  {}",
            branches.len(),
            branches.join(" ")
        )?;
    }
    if bad > 0 {
        let log = std::fs::read_to_string(place.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        writeln!(
            out,
            "{}",
            lines[lines.len().saturating_sub(60)..].join("\n")
        )?;
    }
    drop(out);
    simulator.shutdown().await;
    ensure!(bad == 0, "what the table says must not be");
    Ok(())
}

async fn push(simulator: &Simulator, branch: &str, message: &str) -> anyhow::Result<String> {
    let files = [
        ("bitbucket-pipelines.yml", PIPELINE),
        ("branch.txt", branch),
    ];
    Ok(simulator
        .cloud()
        .commit(REPOSITORY, branch, &files, message, "ivo")
        .await?)
}

/// Connects a team, as a person would, by the link that the server prints.
async fn connect(simulator: &Simulator, log: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let link = loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if let Some(link) = text.lines().find(|line| line.contains("/setup/")) {
            break link.trim().to_owned();
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "the server prints no link: {text}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut team = Team::set_up(&link).await?;
    team.introduce(simulator).await?;
    team.connect_cloud().await?;
    team.add_key_to_cloud(simulator).await?;
    team.make_application(REPOSITORY).await?;
    simulator
        .cloud()
        .wait_until(PATIENCE, |tables| {
            tables.webhooks.values().next().map(|_| ())
        })
        .await
        .context("the webhook is made")
}

/// What went wrong, by commits.
#[derive(Default)]
struct Found {
    lost: Vec<String>,
    double: Vec<String>,
    stuck: Vec<String>,
    charged: Vec<String>,
}

async fn judge(
    simulator: &Simulator,
    data: &Path,
    pushed: &BTreeMap<String, String>,
) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let begun = Instant::now();
    for (commit, branch) in pushed {
        let left = PATIENCE
            .saturating_sub(begun.elapsed())
            .max(Duration::from_secs(1));
        let told = simulator
            .cloud()
            .wait_for_status(
                REPOSITORY,
                commit,
                None,
                &["SUCCESSFUL", "FAILED", "STOPPED"],
                left,
            )
            .await;
        match told {
            None => found.stuck.push(branch.clone()),
            Some(told) if told.state != "SUCCESSFUL" => found.charged.push(branch.clone()),
            Some(_) => {}
        }
    }
    let db = Db::open(&DbOptions {
        database: Database::Sqlite(data.join("pipewright.db")),
        connections: 1,
    })
    .await?;
    let account = pipewright_store::accounts::by_slug(&db, ACCOUNT)
        .await?
        .context("the account")?;
    let builds =
        pipewright_store::builds::list(&db, account.id, &BuildFilter::default(), 100_000).await?;
    for (commit, branch) in pushed {
        let count = builds
            .iter()
            .filter(|build| build.commit.as_str() == commit)
            .count();
        match count {
            0 => found.lost.push(branch.clone()),
            1 => {}
            _ => found.double.push(branch.clone()),
        }
    }
    db.close().await;
    Ok(found)
}

/// An address that nobody listens at, below those that the system gives to outgoing connections.
fn free_address() -> anyhow::Result<String> {
    (0..2000)
        .map(|number| {
            format!(
                "127.0.0.1:{}",
                20_000 + (std::process::id() + number) % 12_000
            )
        })
        .find(|address| std::net::TcpListener::bind(address).is_ok())
        .context("no port is free")
}
