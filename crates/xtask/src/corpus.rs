//! `cargo xtask corpus`: reads, checks and plans every real pipeline file of the shared corpus and prints a table.
//!
//! A file is right when it plans for each of its start conditions, or says with a line and a reason why it is no YAML.
//! Pipelines that are imported from another repository are counted apart. Fails if a file has an error that is none.
#![expect(clippy::print_stdout, reason = "the table is the output")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use pipewright_spec::{Capabilities, Diagnostic, Planned, Severity, parse};

/// What one file came to.
#[derive(Default)]
struct Row {
    name: String,
    bytes: usize,
    starts: usize,
    planned: usize,
    imported: usize,
    /// Start conditions that the host executor runs as they are.
    on_host: usize,
    warnings: usize,
    /// The first error: line, code, message.
    error: Option<String>,
    took: Duration,
}

/// Prints the table. The corpus is `fixtures/pipelines-corpus` in the directory that `PIPEWRIGHT_SHARED` names.
pub(crate) fn run() -> Result<()> {
    let shared = std::env::var_os("PIPEWRIGHT_SHARED")
        .context("set PIPEWRIGHT_SHARED to the directory that holds fixtures/pipelines-corpus")?;
    let rows = files(&Path::new(&shared).join("fixtures/pipelines-corpus"))?
        .iter()
        .map(|path| row(path))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "{:<10} {:>7} {:>6} {:>7} {:>8} {:>7} {:>8} {:>9}  error",
        "file", "bytes", "starts", "planned", "imported", "on host", "warnings", "time"
    );
    for row in &rows {
        let time = format!("{:.0?}", row.took);
        let error = row.error.as_deref().unwrap_or("");
        println!(
            "{:<10} {:>7} {:>6} {:>7} {:>8} {:>7} {:>8} {time:>9}  {error}",
            row.name, row.bytes, row.starts, row.planned, row.imported, row.on_host, row.warnings
        );
    }
    let sum = |count: fn(&Row) -> usize| rows.iter().map(count).sum::<usize>();
    let whole = rows
        .iter()
        .filter(|row| row.error.is_none() && row.planned + row.imported == row.starts)
        .count();
    println!(
        "\n{whole} of {} files plan for each of their {} start conditions ({} planned, {} imported; {} run on the host executor), {} are explained, {} warnings",
        rows.len(),
        sum(|row| row.starts),
        sum(|row| row.planned),
        sum(|row| row.imported),
        sum(|row| row.on_host),
        rows.iter().filter(|row| row.error.is_some()).count(),
        sum(|row| row.warnings),
    );
    let explained = rows
        .iter()
        .filter(|row| row.error.is_some() && row.starts == 0)
        .count();
    ensure!(
        whole + explained == rows.len(),
        "{} files neither plan nor say why; see the table",
        rows.len() - whole - explained
    );
    Ok(())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml")
    });
    files.sort();
    ensure!(
        !files.is_empty(),
        "{} holds no pipeline files",
        directory.display()
    );
    Ok(files)
}

fn row(path: &Path) -> Result<Row> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let begun = Instant::now();
    let parsed = parse(&name, &bytes);
    let mut row = Row {
        name,
        bytes: bytes.len(),
        ..Row::default()
    };
    if let Some(file) = &parsed.pipeline_file {
        for start in file.start_conditions() {
            row.starts += 1;
            match file.plan(&start.sample) {
                Planned::Plan(..) => row.planned += 1,
                Planned::Needs(_) => row.imported += 1,
                Planned::Invalid(_) | Planned::Unsupported(_) | Planned::Nothing { .. } => {}
            }
            if !file
                .unsupported(&start.sample, &Capabilities::host())
                .iter()
                .any(Diagnostic::is_fatal)
            {
                row.on_host += 1;
            }
        }
    }
    row.took = begun.elapsed();
    row.warnings = parsed
        .diagnostics
        .iter()
        .filter(|problem| problem.severity == Severity::Warning)
        .count();
    let first_error = parsed
        .diagnostics
        .iter()
        .find(|problem| problem.severity == Severity::Error);
    row.error = first_error.map(|problem| {
        format!(
            "line {}: {} {}",
            problem.primary.line, problem.code, problem.message
        )
    });
    Ok(row)
}
