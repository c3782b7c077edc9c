//! `pipewright backup` and `pipewright restore`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use pipewright_server::{Clock, SystemClock};
use pipewright_store::VaultKey;

use super::Configuration;
use super::serve::take_to_restore;
use crate::backup;
use crate::key_file::{self, KeyFileError};

/// What `backup --help` says of how it is used.
pub(super) const EXAMPLES: &str = "\
Examples:
  pipewright backup create --to /backup/2026-11-30 --data-dir /var/lib/pipewright
  pipewright backup create --to /backup/2026-11-30.tar.zst --config /etc/pipewright.toml
  pipewright backup verify --from /backup/2026-11-30 --key /root/pipewright.key";

/// What `restore --help` says of how it is used.
pub(super) const RESTORE_EXAMPLES: &str = "\
Examples:
  pipewright restore --from /backup/2026-11-30 --data-dir /var/lib/pipewright --key /root/pipewright.key";

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Copy database, logs and artifacts, as they are at one moment; the server may run. The key is not in it.
    Create(Create),
    /// Read a whole backup and say whether it can be relied on.
    Verify(Verify),
}

/// Arguments of `pipewright backup create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Where to: a directory that is not there yet, or one compressed file if the name ends in .tar.zst.
    #[arg(long, value_name = "DIR|FILE")]
    to: PathBuf,
    /// Leave the database out: PostgreSQL is backed up with its own tools.
    #[arg(long)]
    without_database: bool,
    #[command(flatten)]
    configuration: Configuration,
}

/// Arguments of `pipewright backup verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The backup: a directory, or a file whose name ends in .tar.zst.
    #[arg(long, value_name = "DIR|FILE")]
    from: PathBuf,
    /// Also open every stored secret with this key.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Arguments of `pipewright restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup: a directory, or a file whose name ends in .tar.zst.
    #[arg(long, value_name = "DIR|FILE")]
    from: PathBuf,
    /// The key that was kept apart; it is put where secrets.key_file says.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    configuration: Configuration,
}

impl Backup {
    /// Runs the command.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(create) => runtime()?.block_on(create.run()),
            Self::Verify(verify) => runtime()?.block_on(verify.run()),
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")
}

fn key(path: Option<&Path>) -> anyhow::Result<Option<VaultKey>> {
    match path {
        Some(path) => Ok(Some(
            key_file::read(path)?.ok_or_else(|| KeyFileError::Missing(path.to_owned()))?,
        )),
        None => Ok(None),
    }
}

impl Create {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let config = self.configuration.load()?;
        let now = SystemClock.now();
        let made = backup::create(&config, &self.to, self.without_database, now).await?;
        writeln!(
            anstream::stdout().lock(),
            "Backup made in {}: {}.\nThe key is not in it: keep a copy of {} apart from it; without the key stored secrets cannot be read.",
            self.to.display(),
            sizes(made.files, made.bytes),
            config.key_file.display()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    async fn run(&self) -> anyhow::Result<ExitCode> {
        let key = key(self.key.as_deref())?;
        let found = backup::verify(&self.from, key.as_ref(), SystemClock.now()).await?;
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{}: made {}, {}.",
            self.from.display(),
            found.made,
            sizes(found.files, found.bytes)
        )?;
        for note in &found.notes {
            writeln!(out, "{note}")?;
        }
        if found.problems.is_empty() {
            writeln!(out, "The backup is whole.")?;
            return Ok(ExitCode::SUCCESS);
        }
        for problem in &found.problems {
            writeln!(out, "{problem}")?;
        }
        writeln!(out, "The backup cannot be relied on.")?;
        Ok(ExitCode::FAILURE)
    }
}

impl Restore {
    /// Runs the command.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let config = self.configuration.load()?;
        let key = key(self.key.as_deref())?;
        runtime()?.block_on(async {
            let found = backup::verify(&self.from, key.as_ref(), SystemClock.now()).await?;
            ensure!(
                found.problems.is_empty(),
                "the backup cannot be relied on: {} Nothing was restored.",
                found.problems.join(" ")
            );
            let _held = take_to_restore(&config.server.data_directory).await?;
            let restored = backup::restore(&config, &self.from)?;
            let path = &config.key_file;
            let mut out = anstream::stdout().lock();
            writeln!(
                out,
                "Restored {} into {}.",
                sizes(restored.files, found.bytes),
                config.server.data_directory.display()
            )?;
            match key {
                Some(key) => {
                    key_file::write(path, &key)?;
                    writeln!(out, "The key is in {}.", path.display())?;
                }
                None if path.exists() => {}
                None => writeln!(
                    out,
                    "Put the key that was kept apart into {} before the server is started.",
                    path.display()
                )?,
            }
            if !restored.database {
                writeln!(out, "Restore the PostgreSQL database with its own tools.")?;
            }
            writeln!(
                out,
                "Start the server: pushes that came since the backup are found by comparing refs."
            )?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// "17 files, 3.2 MB".
fn sizes(files: usize, bytes: u64) -> String {
    format!(
        "{files} file{}, {:.1} MB",
        if files == 1 { "" } else { "s" },
        bytes as f64 / 1e6
    )
}
