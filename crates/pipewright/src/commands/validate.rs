//! `pipewright validate [FILE…]`: every problem in pipeline files, with source excerpts.
//!
//! What was found goes to standard output in the form asked for; what could not be read is said on standard error too.
//! The exit codes are promised: see [`EXIT_CODES`].

mod report;
mod sarif;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pipewright_spec::{Capabilities, Diagnostic, Feature, Parsed, parse};

use super::checkout;
use super::files::{FILE_NAME, Named, Source, expand, read};
use super::imports::{self, Brought, Imports};
use super::output::{print, say};
use super::shown::shown;

/// What `--help` says of the exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0  every file can run; there may be warnings
  1  a file cannot run
  2  a file cannot be read, or the command line is wrong";

/// What `--help` says of how it is used.
const EXAMPLES: &str = "\
Examples:
  pipewright validate                      the file of the checkout you stand in
  pipewright validate services/            every bitbucket-pipelines.yml below a directory
  git show HEAD~1:bitbucket-pipelines.yml | pipewright validate -
  pipewright validate --format sarif .     for code hosts and editors";

/// Arguments of `pipewright validate`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXIT_CODES}\n\n{EXAMPLES}"))]
pub(crate) struct Validate {
    /// Files to check; a directory stands for every bitbucket-pipelines.yml in it, - for standard input. Without one, that of
    /// the checkout you stand in.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print what is found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The executor whose gaps are warned of; none for the language alone.
    #[arg(long, value_enum, default_value_t = Judged::Host)]
    executor: Judged,
    #[command(flatten)]
    imports: Imports,
    /// Print one JSON object a file, one a line; the same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// What a file is held against beside the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Judged {
    /// Scripts run directly on the runner's machine.
    Host,
    /// Scripts run in containers, where the machine has an engine.
    Engine,
    /// Nothing.
    None,
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
    /// Files that it imports from.
    brought: Brought,
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
        let named = if self.files.is_empty() {
            usual()?
        } else {
            self.files.clone()
        };
        let checked: Vec<Checked> = named
            .iter()
            .flat_map(|path| expand(path))
            .map(|named| self.check(named))
            .collect();
        for (file, problem) in checked
            .iter()
            .filter_map(|file| Some((file, file.found.as_ref().err()?)))
        {
            say(&format!("{}: {problem}\n", file.name))?;
        }
        for (file, found) in checked
            .iter()
            .filter_map(|file| Some((file, file.found.as_ref().ok()?)))
        {
            for needed in &found.brought.unknown {
                let (pipeline, source) = (
                    shown(&needed.pipeline, 80),
                    shown(&needed.source.to_string(), 120),
                );
                say(&format!(
                    "{}: {pipeline} of {source} is in another repository and not checked; see --import\n",
                    file.name
                ))?;
            }
        }
        let mut out = Vec::new();
        match if self.json { Format::Json } else { self.format } {
            Format::Text => report::text(&mut out, &checked)?,
            Format::Json => report::json(&mut out, &checked)?,
            Format::Sarif => writeln!(
                out,
                "{}",
                serde_json::to_string_pretty(&sarif::log(&checked))?
            )?,
        }
        print(&out)?;
        let refused = checked
            .iter()
            .any(|file| file.found.as_ref().is_ok_and(|found| !found.runs()));
        let worst = checked.iter().map(Checked::code).max().unwrap_or(0);
        Ok(ExitCode::from(worst.max(u8::from(refused))))
    }
}

/// The file here, or that of the checkout; the directory itself where there is none, which is then said.
fn usual() -> anyhow::Result<Vec<PathBuf>> {
    let here = Path::new(FILE_NAME);
    if here.exists() {
        return Ok(vec![here.to_owned()]);
    }
    let top = checkout::top_of(Path::new("."))?
        .map(|top| top.join(FILE_NAME))
        .filter(|path| path.exists());
    Ok(vec![top.unwrap_or_else(|| PathBuf::from("."))])
}

impl Validate {
    fn check(&self, named: Named) -> Checked {
        let Named { name, place } = named;
        let found = place
            .and_then(|place| Ok((read(&place)?, place)))
            .map(|(bytes, place)| {
                let Parsed {
                    pipeline_file,
                    mut diagnostics,
                    source,
                    ..
                } = parse(&name, &bytes);
                let mut brought = Brought::default();
                if let Some(mut file) = pipeline_file.filter(|file| !file.is_invalid()) {
                    let directory = match &place {
                        Source::File(path) => path.parent().unwrap_or(Path::new("")).to_owned(),
                        Source::Standard => PathBuf::new(),
                    };
                    let needed = file.imports();
                    brought = self
                        .imports
                        .bring(&mut file, needed, &|path| imports::below(&directory, path));
                    diagnostics.append(&mut brought.problems);
                    diagnostics.extend(file.import_problems());
                    let judged = match self.executor {
                        Judged::Host => Some(Capabilities::host()),
                        Judged::Engine => Some(Capabilities::engine(false)),
                        Judged::None => None,
                    };
                    if let Some(judged) = judged {
                        // This machine or another: which labels its runners have is not known here.
                        diagnostics.extend(file.not_done_by(&judged.with(Feature::RunsOn)));
                    }
                }
                Found {
                    diagnostics,
                    source,
                    brought,
                }
            });
        Checked { name, found }
    }
}
