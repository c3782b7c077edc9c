//! The commands, one file each. Data goes to standard output, talk to standard error.

mod administer;
mod config;
mod demo;
mod imports;
mod key;
mod open_files;
mod output;
mod plan;
mod run;
mod serve;
mod stop;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, check, gather};

/// An open, self-hosted CI/CD server for teams on Bitbucket.
#[derive(Debug, Parser)]
#[command(name = "pipewright", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// True of commands whose files are an installation's and not a person's.
    pub(crate) fn is_private(&self) -> bool {
        match self.command {
            Command::Demo(_) | Command::Serve(_) | Command::Config(_) | Command::Key(_) => true,
            Command::Validate(_) | Command::Plan(_) | Command::Run(_) => false,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything on this machine: a simulated Bitbucket, a team, a push, its build.
    Demo(demo::Demo),
    /// Run the server, with an embedded runner and SQLite unless configured otherwise.
    Serve(Configuration),
    /// Check pipeline files and explain every problem.
    Validate(validate::Validate),
    /// Show what would run for a branch, tag, pull request or name, and why.
    Plan(plan::PlanCommand),
    /// Run the pipeline of the checkout you stand in, on this machine.
    Run(run::Run),
    /// Look after users: list, invite, disable, reset passwords, make administrators.
    User(administer::UserCommand),
    /// Look after accounts: list, make, rename, give to another owner, delete.
    Account(administer::AccountCommand),
    /// List every setting with its present value and where it comes from.
    Config(Configuration),
    /// Check or change the key that seals stored secrets.
    #[command(subcommand)]
    Key(key::Key),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(crate) struct Configuration {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "PIPEWRIGHT_CONFIG")]
    config: Option<PathBuf>,
    /// Set one setting, for example --set server.listen=0.0.0.0:8080; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Configuration {
    /// Reads and checks every layer.
    fn load(&self) -> anyhow::Result<Config> {
        Ok(check(&self.gather()?)?)
    }

    fn gather(&self) -> anyhow::Result<crate::config::Gathered> {
        let default = PathBuf::from("pipewright.toml");
        let file = self
            .config
            .clone()
            .or_else(|| default.exists().then_some(default));
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(gather(file.as_deref(), variables, &self.set)?)
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Demo(demo) => demo.run(),
        Command::Serve(configuration) => serve::run(&configuration),
        Command::Validate(validate) => validate.run(),
        Command::Plan(plan) => plan.run(),
        Command::Run(run) => run.run(),
        Command::User(user) => user.run(),
        Command::Account(account) => account.run(),
        Command::Config(configuration) => config::run(&configuration),
        Command::Key(key) => key.run(),
    }
}
