//! `pipewright key`: whether the key opens what is stored, and the change to a new one.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use pipewright_server::{Clock, SystemClock};
use pipewright_store::files::write_durably;
use pipewright_store::{Db, DbOptions, Vault, VaultKey, sealed};

use super::Configuration;
use super::serve::take;
use crate::config::Config;
use crate::key_file::{self, KeyFileError};

/// What to do with the key.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Open every stored secret with the key, and say which do not open. The server may run meanwhile.
    Check(Configuration),
    /// Make a new key and seal every stored secret with it. The server must be stopped.
    ///
    /// Interrupted at any moment it leaves the old key with the old secrets, or the next start of the server completes it. The
    /// key before it is kept beside the new one, for the backups that were made until now.
    Rotate(Configuration),
}

impl Key {
    /// Runs the command.
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the async runtime cannot be started")?;
        match self {
            Self::Check(configuration) => runtime.block_on(check(configuration.load()?)),
            Self::Rotate(configuration) => runtime.block_on(rotate(configuration.load()?)),
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<Db> {
    let options = DbOptions {
        database: config.database.clone(),
        connections: config.connections,
    };
    Ok(Db::open_as_it_is(&options).await?)
}

async fn check(config: Config) -> anyhow::Result<ExitCode> {
    let path = &config.key_file;
    let key = key_file::read(path)?.ok_or_else(|| KeyFileError::Missing(path.clone()))?;
    let db = open(&config).await?;
    let all = sealed::open_all(&db, &Vault::new(&key)).await?;
    db.close().await;
    let mut out = anstream::stdout().lock();
    if all.refused.is_empty() {
        writeln!(
            out,
            "The key {} opens {}.",
            path.display(),
            secrets(all.opened)
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "The key {} opens {}, and does not open {}:",
        path.display(),
        secrets(all.opened),
        secrets(all.refused.len())
    )?;
    for purpose in &all.refused {
        writeln!(out, "  {purpose}")?;
    }
    Ok(ExitCode::FAILURE)
}

async fn rotate(config: Config) -> anyhow::Result<ExitCode> {
    let path = &config.key_file;
    let _held = take(&config.server.data_directory).await?;
    let now = SystemClock.now();
    let db = open(&config).await?;
    // This also completes a change that was interrupted.
    let old = key_file::open(path, &db, now).await?;
    let key = VaultKey::generate();
    key_file::write(&key_file::next_to(path), &key)?;
    let mut tx = db.begin().await?;
    let count = sealed::seal_all_anew(&mut tx, &old, &Vault::new(&key)).await?;
    let before = keep(path)?;
    tx.commit().await?;
    db.close().await;
    key_file::put_in_place(path)?;
    writeln!(
        anstream::stdout().lock(),
        "Sealed {} with a new key, which is in {}: copy it to where you keep the key apart from the data.\nThe key before it is kept in {} for the backups made until now.",
        secrets(count),
        path.display(),
        before.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps the key that is replaced under a name that says until when it was used.
fn keep(path: &std::path::Path) -> anyhow::Result<PathBuf> {
    let text = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
    for number in 1_u32.. {
        let mut before = path.as_os_str().to_owned();
        before.push(format!(".before-{number}"));
        let before = PathBuf::from(before);
        match before.try_exists() {
            // An interrupted change kept it already.
            Ok(true) if std::fs::read(&before).is_ok_and(|kept| kept == text) => return Ok(before),
            Ok(true) => {}
            _ => {
                write_durably(&before, &text)
                    .with_context(|| format!("{} cannot be written", before.display()))?;
                return Ok(before);
            }
        }
    }
    unreachable!("a name is free before the numbers end")
}

fn secrets(count: usize) -> String {
    match count {
        1 => "1 stored secret".to_owned(),
        count => format!("{count} stored secrets"),
    }
}
