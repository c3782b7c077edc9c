//! The commands, one file each. Data goes to standard output, talk to standard error.

mod administer;
mod backup;
mod checkout;
mod completions;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod files;
mod imports;
mod key;
mod manual;
mod migrate;
mod open_files;
mod output;
mod plan;
mod run;
mod serve;
mod shown;
mod stop;
mod validate;
mod which;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Gathered, Shorthand, check, gather};

/// What `--help` says of how it is used.
const EXAMPLES: &str = "\
Examples:
  pipewright serve --data-dir /var/lib/pipewright --set server.public_url=https://ci.example.com
  pipewright validate && pipewright run      in a checkout, before you push
  pipewright config                          every setting, its value and where it comes from";

/// What `serve --help` says of how it is used.
const SERVE_EXAMPLES: &str = "\
Examples:
  pipewright serve                                             on 127.0.0.1:8080, data in ./pipewright-data
  pipewright serve --listen 0.0.0.0:8080 --data-dir /var/lib/pipewright
  pipewright serve --config /etc/pipewright.toml --set log.format=json
  PIPEWRIGHT_SERVER_PUBLIC_URL=https://ci.example.com pipewright serve";

/// An open, self-hosted CI/CD server for teams on Bitbucket.
#[derive(Debug, Parser)]
#[command(name = "pipewright", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Work as if started in this directory.
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// When there are colours.
    #[arg(long, value_enum, value_name = "WHEN", global = true, default_value_t = clap::ColorChoice::Auto)]
    color: clap::ColorChoice,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// True of commands whose files are an installation's and not a person's.
    pub(crate) fn is_private(&self) -> bool {
        match self.command {
            Command::Demo { .. }
            | Command::Serve(_)
            | Command::User(_)
            | Command::Account(_)
            | Command::Config(_)
            | Command::Key(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Migrate(_) => true,
            Command::Validate(_)
            | Command::Plan(_)
            | Command::Run(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }

    /// Does what was said before the command: colours, and where to work.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        crate::config::colours::choose(self.color);
        match &self.directory {
            Some(directory) => std::env::set_current_dir(directory)
                .with_context(|| format!("cannot work in {}", directory.display())),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything on this machine: a simulated Bitbucket, a team, a push, its build.
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Say where the demonstration is: this program was built without it.
    #[cfg(not(feature = "demo"))]
    #[command(hide = true)]
    Demo {
        /// Whatever was asked for.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<std::ffi::OsString>,
    },
    /// Run the server, with an embedded runner and SQLite unless configured otherwise.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
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
    /// Make a backup, or look whether one can be relied on.
    #[command(subcommand, after_help = backup::EXAMPLES)]
    Backup(backup::Backup),
    /// Put a backup into an empty data directory; the server must be stopped.
    #[command(after_help = backup::RESTORE_EXAMPLES)]
    Restore(backup::Restore),
    /// Bring the database to this version's schema, or say what that would do; the server must be stopped.
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::Migrate),
    /// Print what your shell needs to complete commands and options.
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Completions),
    /// Print the manual page, or write one for each command.
    #[command(after_help = manual::EXAMPLES)]
    Man(manual::Man),
}

/// Arguments of `pipewright serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Listen on this address and port; the same as --set server.listen=ADDR.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    configuration: Configuration,
}

impl Serve {
    /// Reads and checks every layer.
    fn load(&self) -> anyhow::Result<Config> {
        let listen = self.listen.clone().map(|value| Shorthand {
            flag: "--listen",
            key: "server.listen",
            value,
        });
        let gathered = self.configuration.gather(listen)?;
        Ok(check(&gathered)?)
    }
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
    /// Keep everything in this directory; the same as --set data.directory=DIR.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
}

impl Configuration {
    /// Reads and checks every layer.
    fn load(&self) -> anyhow::Result<Config> {
        Ok(check(&self.gather(None)?)?)
    }

    fn gather(&self, more: Option<Shorthand>) -> anyhow::Result<Gathered> {
        let default = PathBuf::from("pipewright.toml");
        let file = self
            .config
            .clone()
            .or_else(|| default.exists().then_some(default));
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let data_dir = self.data_dir.clone().map(|value| Shorthand {
            flag: "--data-dir",
            key: "data.directory",
            value,
        });
        let shorthands = data_dir.into_iter().chain(more).collect();
        Ok(gather(file.as_deref(), variables, &self.set, shorthands)?)
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run(),
        #[cfg(not(feature = "demo"))]
        Command::Demo { rest: _ } => anyhow::bail!(
            "this program was built without the demonstration; in a checkout of Pipewright: cargo run --locked -- demo"
        ),
        Command::Serve(serve) => serve::run(serve.load()?),
        Command::Validate(validate) => validate.run(),
        Command::Plan(plan) => plan.run(),
        Command::Run(run) => run.run(),
        Command::User(user) => user.run(),
        Command::Account(account) => account.run(),
        Command::Config(configuration) => config::run(&configuration),
        Command::Key(key) => key.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
