//! Checks and figures of this workspace: `cargo xtask tidy`, `corpus`, `fuzz`, `chaos`, `bench …`.
//!
//! Nothing here ships. A check says every finding with its file and line and how to mend it, and fails at the end.

mod bench;
mod chaos;
mod corpus;
mod fuzz;
#[cfg(test)]
mod messages;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Checks and figures of this workspace")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the rules that the compiler does not: arrows between crates, module docs, file sizes, forbidden calls, links.
    Tidy,
    /// Read, check and plan every real pipeline file of the shared corpus, and print a table.
    Corpus,
    /// Give the pipeline language bytes that nobody would write, for a while.
    Fuzz(fuzz::Fuzz),
    /// Kill, restart, pause and starve the server at random moments, and say what came of it.
    Chaos(chaos::Chaos),
    /// Measure the product and print tables: see the crate pipewright-bench.
    Bench(bench::Bench),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Tidy => tidy::run(&workspace()),
        Command::Corpus => corpus::run().map(|()| ExitCode::SUCCESS),
        Command::Fuzz(fuzz) => fuzz.run(&workspace()),
        Command::Chaos(chaos) => chaos.run(&workspace()),
        Command::Bench(bench) => bench.run(&workspace()),
    }
}

/// The workspace's root, from where this crate stands in it.
fn workspace() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}
