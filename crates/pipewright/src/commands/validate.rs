//! `pipewright validate [FILE…]`: every problem in pipeline files, with source excerpts.
//!
//! What was found goes to standard output in the form asked for; what could not be read is said on standard error too.
//! The exit codes are promised: see [`EXIT_CODES`].

pub(super) mod files;
mod report;
mod sarif;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pipewright_spec::{Diagnostic, Parsed, parse};

use files::{Named, expand, read};

/// What `--help` says of the exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  every file can run; there may be warnings
  1  a file cannot run
  2  a file cannot be read, or the command line is wrong";

/// Arguments of `pipewright validate`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Validate {
    /// Files to check; a directory stands for every bitbucket-pipelines.yml in it, - for standard input.
    #[arg(default_value = "bitbucket-pipelines.yml", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print what is found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print one JSON object a file, one a line; the same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines of the file.
    Text,
    /// One object a file, one a line.
    Json,
    /// SARIF 2.1.0, which code hosts and editors show beside the code.
    Sarif,
}

/// A file that was looked at.
#[derive(Debug)]
struct Checked {
    /// As given, or found below a directory that was given.
    name: String,
    /// What was found in it, or why it cannot be read.
    found: Result<Found, String>,
}

/// What was found in a file that could be read.
#[derive(Debug)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    /// The text that the places count in.
    source: String,
}

impl Found {
    /// True where nothing keeps the file from running.
    fn runs(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_fatal)
    }
}

impl Checked {
    const fn code(&self) -> u8 {
        match &self.found {
            Err(_) => 2,
            Ok(_) => 0,
        }
    }
}

impl Validate {
    /// Checks every file; one that cannot be read does not hold up the others.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let checked: Vec<Checked> = self.files.iter().flat_map(|path| expand(path)).map(check).collect();
        for (file, problem) in checked.iter().filter_map(|file| Some((file, file.found.as_ref().err()?))) {
            writeln!(anstream::stderr(), "{}: {problem}", file.name)?;
        }
        let mut out = anstream::stdout().lock();
        match if self.json { Format::Json } else { self.format } {
            Format::Text => report::text(&mut out, &checked)?,
            Format::Json => report::json(&mut out, &checked)?,
            Format::Sarif => writeln!(out, "{}", serde_json::to_string_pretty(&sarif::log(&checked))?)?,
        }
        let refused = checked.iter().any(|file| file.found.as_ref().is_ok_and(|found| !found.runs()));
        let worst = checked.iter().map(Checked::code).max().unwrap_or(0);
        Ok(ExitCode::from(worst.max(u8::from(refused))))
    }
}

fn check(named: Named) -> Checked {
    let Named { name, place } = named;
    let found = place.and_then(|place| read(&place)).map(|bytes| {
        let Parsed { diagnostics, source, .. } = parse(&name, &bytes);
        Found { diagnostics, source }
    });
    Checked { name, found }
}
