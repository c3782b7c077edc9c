//! Figures of the product, measured and printed: `cargo xtask bench intake|start|builds|logs|idle|lists|sandbox|containers|all`.
//!
//! Each measures the real server, composed as `pipewright serve` composes it, with a data directory on a memory file
//! system and on disk, and prints a table with the number of samples, median, 99th percentile and, in the same run, the
//! floor: what the machine allows at best. Nothing is asserted about time: a figure says how fast this machine was today.
//! What must hold whatever the machine (nothing lost, nothing refused, nobody cut off) fails the command.

mod builds;
mod chaos;
mod chaos_clock;
mod containers;
mod delivery;
mod floor;
mod house;
mod http_client;
mod idle;
mod intake;
mod lists;
mod logs;
mod memory;
mod place;
mod sandbox;
mod seed;
mod sink;
mod start;
mod table;
mod world;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use pipewright_runner::keeper;

use crate::place::Places;

/// Measures and prints.
#[derive(Debug, Parser)]
#[command(name = "bench", about = "Figures of the product, measured and printed")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Where the data directory lies: memory, disk or both.
    #[arg(long, global = true, default_value = "both")]
    place: Places,
    /// How many samples, in place of each figure's own number.
    #[arg(long, global = true)]
    number: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Deliveries accepted durably.
    Intake,
    /// From a delivery to the first command.
    Start,
    /// Builds drained from a full queue.
    Builds,
    /// One step that prints 200 MB.
    Logs,
    /// The server at rest, and how soon it answers.
    Idle {
        /// The program; beside this one by default.
        #[arg(long)]
        server: Option<PathBuf>,
    },
    /// Pages of an installation that has been used for years.
    Lists,
    /// What the sandbox costs a step.
    Sandbox,
    /// What a step in a container costs, beside `docker run`. Needs an engine.
    Containers(containers::Containers),
    /// No figure: kills, restarts, pauses and full disks at random moments, and what came of them.
    Chaos(chaos::Chaos),
    /// All of them.
    All {
        /// The program for `idle`; beside this one by default.
        #[arg(long)]
        server: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    // As the product's own program: the runner of a figure starts its keepers from this one.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == keeper::COMMAND)
    {
        keeper::keep();
        return Ok(());
    }
    let cli = Cli::parse();
    start::collect_parts();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (places, number) = (cli.place, cli.number);
        match cli.command {
            Command::Intake => intake::run(places, number).await,
            Command::Start => start::run(places, number).await,
            Command::Builds => builds::run(places, number).await,
            Command::Logs => logs::run(places, number).await,
            Command::Idle { server } => idle::run(places, number, server).await,
            Command::Lists => lists::run(places, number).await,
            Command::Sandbox => sandbox::run(places, number).await,
            Command::Containers(containers) => containers::run(containers, number).await,
            Command::Chaos(chaos) => chaos::run(chaos).await,
            Command::All { server } => {
                intake::run(places, number).await?;
                start::run(places, number).await?;
                builds::run(places, number).await?;
                logs::run(places, number).await?;
                lists::run(places, number).await?;
                sandbox::run(places, number).await?;
                idle::run(places, number, server).await
            }
        }
    })
}
