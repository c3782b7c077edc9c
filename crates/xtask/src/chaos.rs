//! `cargo xtask chaos`: builds the server and gives it bad luck. What is done stands in `pipewright-bench`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Args;

/// Arguments of `cargo xtask chaos`.
#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Passed on: --rounds N, --seed N, --server PROGRAM.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

impl Chaos {
    /// Builds, as the tests do, and strikes.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<ExitCode> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = [
            "build",
            "--quiet",
            "--workspace",
            "--all-features",
            "--all-targets",
        ];
        let built = Command::new(cargo)
            .args(build)
            .current_dir(root)
            .status()
            .context("cargo cannot be started")?;
        ensure!(built.success(), "cargo build ended with {built}");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let program = target.join("debug/pipewright-bench");
        let struck = Command::new(&program)
            .arg("chaos")
            .args(&self.more)
            .current_dir(root)
            .status()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(if struck.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
