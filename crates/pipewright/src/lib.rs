//! The `pipewright` program as a library, so that its main function is short and tests from outside can walk the same
//! pages as the demonstration.

mod backup;
mod commands;
mod config;
mod key_file;
mod logging;
#[cfg(feature = "demo")]
pub mod story;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use pipewright_runner::keeper;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    // Before everything else: a keeper is started for each step, and needs nothing of what follows.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == keeper::COMMAND)
    {
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        return keeper::keep();
    }
    // One TLS provider for everything; a second installation can only be a bug in this line.
    if rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    let cli = commands::Cli::parse();
    if cli.is_private() {
        // What an installation writes is for its own user: database, logs, mirrors, keys.
        rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    }
    if let Err(error) = cli.prepare() {
        let _ = writeln!(anstream::stderr(), "pipewright: {error:#}");
        return ExitCode::from(WRONG_CONFIGURATION);
    }
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to do where even standard error is closed.
            let _ = writeln!(anstream::stderr(), "pipewright: {error:#}");
            if error.is::<config::Mistakes>() {
                ExitCode::from(WRONG_CONFIGURATION)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The exit code of a wrong command line or configuration, as clap has it.
const WRONG_CONFIGURATION: u8 = 2;
