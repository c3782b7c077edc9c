//! `cargo xtask tidy`: the rules of the house that a reviewer would otherwise have to police.

mod arrows;
mod callers;
mod calls;
mod floors;
mod links;
mod modules;
mod shape;
pub(crate) mod source;
pub(crate) mod text;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// One thing that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the workspace's root.
    pub(crate) path: String,
    /// Its line from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// What is wrong and what to do.
    pub(crate) sentence: String,
}

/// Runs every check and prints what it found.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let sources = source::read_all(root)?;
    let mut findings = arrows::check(root)?;
    findings.extend(shape::check(&sources));
    findings.extend(calls::check(&sources));
    findings.extend(callers::check(&sources));
    findings.extend(floors::check(&sources));
    findings.extend(links::check(root)?);
    findings.sort();
    let mut out = std::io::stdout().lock();
    for Finding {
        path,
        line,
        sentence,
    } in &findings
    {
        writeln!(out, "{path}:{line}: {sentence}")?;
    }
    writeln!(
        out,
        "tidy: {} files read, {} findings",
        sources.len(),
        findings.len()
    )?;
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
