//! Checks and figures of this workspace: `cargo xtask tidy`, `cargo xtask corpus`, `cargo xtask bench …`.
//!
//! Nothing here ships. A check says every finding with its file and line and how to mend it, and fails at the end.

mod bench;
mod corpus;
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
    /// Measure the product and print tables: see the crate pipewright-bench.
    Bench(bench::Bench),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Tidy => tidy::run(&workspace()),
        Command::Corpus => corpus::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(bench) => bench.run(&workspace()),
    }
}

/// The workspace's root, from where this crate stands in it.
fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
