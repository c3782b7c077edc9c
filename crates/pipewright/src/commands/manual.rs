//! `pipewright man`: the manual pages, made from what `--help` knows.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use super::Cli;
use super::output::print;

/// What `--help` says of how it is used.
pub(super) const EXAMPLES: &str = "\
Examples:
  pipewright man | man -l -
  pipewright man --to /usr/local/share/man/man1";

/// Arguments of `pipewright man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page for each command into this directory, which is made where it is not there.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl Man {
    /// Prints or writes them.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        if let Some(directory) = &self.to {
            let wrong = || format!("{} cannot be written to", directory.display());
            std::fs::create_dir_all(directory).with_context(wrong)?;
            clap_mangen::generate_to(Cli::command(), directory).with_context(wrong)?;
        } else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&page)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
