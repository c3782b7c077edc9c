//! `cargo xtask bench …`: builds what is measured for release, and starts it.
//!
//! The measurements themselves are `pipewright-bench` and an example of `pipewright-spec`, so that the checks of this crate
//! do not wait for the whole product to be built.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// Deliveries accepted durably.
    Intake,
    /// From a delivery to the first command.
    Start,
    /// Builds drained from a full queue.
    Builds,
    /// One step that prints 200 MB.
    Logs,
    /// The server at rest, and how soon it answers.
    Idle,
    /// Pages of an installation that has been used for years.
    Lists,
    /// What the sandbox costs a step.
    Sandbox,
    /// Reading, checking and planning pipeline files.
    Spec,
    /// All of them.
    All,
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    figure: Figure,
    /// Passed on: --place memory|disk|both, --number N.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

impl Bench {
    /// Builds and measures.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<ExitCode> {
        if matches!(self.figure, Figure::Idle | Figure::All) {
            cargo(
                root,
                &["build", "--release", "--quiet", "--package", "pipewright"],
                &[],
            )?;
        }
        if self.figure != Figure::Spec {
            let word = self
                .figure
                .to_possible_value()
                .context("every figure has a word")?;
            let arguments = [
                "run",
                "--release",
                "--quiet",
                "--package",
                "pipewright-bench",
                "--",
                word.get_name(),
            ];
            cargo(
                root,
                &arguments,
                &self.more.iter().map(PathBuf::from).collect::<Vec<_>>(),
            )?;
        }
        if matches!(self.figure, Figure::Spec | Figure::All) {
            cargo(
                root,
                &[
                    "run",
                    "--release",
                    "--quiet",
                    "--package",
                    "pipewright-spec",
                    "--example",
                    "bench",
                    "--",
                ],
                &corpus()?,
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn cargo(root: &Path, arguments: &[&str], more: &[PathBuf]) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .args(more)
        .current_dir(root)
        .status()
        .context("cargo cannot be started")?;
    ensure!(
        status.success(),
        "cargo {} ended with {status}",
        arguments.join(" ")
    );
    Ok(())
}

/// The real pipeline files of the shared corpus, where `PIPEWRIGHT_SHARED` says that there are some.
fn corpus() -> anyhow::Result<Vec<PathBuf>> {
    let Some(shared) = std::env::var_os("PIPEWRIGHT_SHARED") else {
        return Ok(Vec::new());
    };
    let directory = Path::new(&shared).join("fixtures/pipelines-corpus");
    let entries = std::fs::read_dir(&directory)
        .with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    Ok(files)
}
