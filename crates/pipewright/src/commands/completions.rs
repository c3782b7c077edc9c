//! `pipewright completions`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use super::output::print;

/// What `--help` says of how it is used.
pub(super) const EXAMPLES: &str = "\
Examples:
  pipewright completions bash > ~/.local/share/bash-completion/completions/pipewright
  pipewright completions zsh > ~/.zfunc/_pipewright
  pipewright completions fish > ~/.config/fish/completions/pipewright.fish";

/// Arguments of `pipewright completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints them.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        // Made whole first: the generator knows no way to fail.
        let mut script = Vec::new();
        let mut command = Cli::command();
        clap_complete::generate(self.shell, &mut command, "pipewright", &mut script);
        print(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
