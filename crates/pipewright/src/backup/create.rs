//! Making a backup while the server runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use pipewright_core::Timestamp;
use pipewright_store::{Database, copy_sqlite};

use super::manifest::{FORMAT, Manifest, NAME};
use super::sink::Sink;
use super::{DATABASE, DIRECTORIES};
use crate::config::Config;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    /// Files, with the database and without the list.
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Makes a backup at `to`. `without_database`: whoever asks backs PostgreSQL up with its own tools.
pub(crate) async fn create(
    config: &Config,
    to: &Path,
    without_database: bool,
    now: Timestamp,
) -> anyhow::Result<Made> {
    let database = match &config.database {
        _ if without_database => None,
        Database::Sqlite(path) if path.exists() => Some(path.clone()),
        Database::Sqlite(path) => bail!(
            "there is no database {}; say with --data-dir or --config where the server keeps its data",
            path.display()
        ),
        Database::Postgres(_) => bail!(
            "the database is a PostgreSQL server's: back it up with pg_dump first, then make this backup of logs and artifacts with --without-database"
        ),
    };
    let mut sink = Sink::begin(to)?;
    let place = sink.place_of_database();
    // An archive's copy of an interrupted backup.
    let _ = std::fs::remove_file(&place);
    let copied = async {
        if let Some(database) = &database {
            copy_sqlite(database, &place).await?;
        }
        fill(
            &mut sink,
            database.is_some().then_some(place.as_path()),
            &config.server.data_directory,
        )
    };
    let files = match copied.await {
        Ok(files) => files,
        Err(error) => {
            sink.abandon();
            return Err(error);
        }
    };
    let made = Made {
        files: files.len(),
        bytes: files.iter().map(|file| file.bytes).sum(),
    };
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.to_string(),
        holds_database: database.is_some(),
        files,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    sink.finish(NAME, &text)?;
    Ok(made)
}

/// Copies everything: the database's copy first.
fn fill(
    sink: &mut Sink,
    database: Option<&Path>,
    data: &Path,
) -> anyhow::Result<Vec<super::manifest::Copied>> {
    let mut files = Vec::new();
    if let Some(path) = database {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let bytes = file.metadata()?.len();
        files.push(sink.add(DATABASE, path, file, bytes)?);
        sink.forget_database();
    }
    for directory in DIRECTORIES {
        for path in files_below(&data.join(directory))? {
            let file = match File::open(&path) {
                Ok(file) => file,
                // Removed meanwhile, as an artifact that is too old is.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be read", path.display()));
                }
            };
            let bytes = file.metadata()?.len();
            let name = path
                .strip_prefix(data)
                .ok()
                .and_then(Path::to_str)
                .with_context(|| format!("{} has a name that is not UTF-8", path.display()))?
                .to_owned();
            files.push(sink.add(&name, &path, file, bytes)?);
        }
    }
    Ok(files)
}

/// Every file below a directory that is not made again from others or unfinished, in order.
fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut left = vec![directory.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = left.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("{} cannot be read", directory.display()));
            }
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let is_left_out = path
                .extension()
                .is_some_and(|extension| extension == "idx" || extension == "part");
            if entry.file_type()?.is_dir() {
                left.push(path);
            } else if !is_left_out {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
