//! Putting a backup into an empty data directory.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use pipewright_store::Database;
use pipewright_store::files::{parent, sync_directory, write_durably};

use super::source::{self, inside};
use super::{DATABASE, DIRECTORIES};
use crate::config::Config;

/// The file that stands in a data directory until everything of a backup is in it.
pub(crate) const MARKER: &str = "restoring";

/// What was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restored {
    /// Files.
    pub(crate) files: usize,
    /// True where the database was among them.
    pub(crate) database: bool,
}

/// Restores into the data directory, which the caller has taken and which must hold nothing else. The database comes last: until
/// it is in its place no server starts on what is half there.
pub(crate) fn restore(config: &Config, from: &Path) -> anyhow::Result<Restored> {
    let data = &config.server.data_directory;
    let database = match &config.database {
        Database::Sqlite(path) => Some(path.as_path()),
        Database::Postgres(_) => None,
    };
    let marker = data.join(MARKER);
    // Another try after an interrupted one may write over what that left.
    if !marker.exists() {
        must_be_empty(data, &config.key_file)?;
        if let Some(path) = database {
            ensure!(
                !path.exists(),
                "{} already exists; a backup is restored only where there is none",
                path.display()
            );
        }
    }
    write_durably(&marker, format!("{}\n", from.display()).as_bytes())
        .with_context(|| format!("{} cannot be written", marker.display()))?;
    let part = database.map(|path| {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        std::path::PathBuf::from(part)
    });
    let mut restored = Restored {
        files: 0,
        database: false,
    };
    let manifest = source::read(from, &mut |name, content| {
        let target = match (&part, name) {
            (Some(part), DATABASE) => part.clone(),
            (None, DATABASE) => bail!(
                "the backup holds an SQLite database, and database.url names a PostgreSQL server"
            ),
            _ => data.join(inside(name)?),
        };
        let wrong = || format!("{} cannot be written", target.display());
        std::fs::create_dir_all(parent(&target)).with_context(wrong)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&target)
            .with_context(wrong)?;
        io::copy(content, &mut file).with_context(wrong)?;
        file.sync_all().with_context(wrong)?;
        restored.files += 1;
        restored.database |= name == DATABASE;
        Ok(())
    })?;
    ensure!(
        restored.files == manifest.files.len(),
        "the backup is incomplete: it has {} of {} files",
        restored.files,
        manifest.files.len()
    );
    sync_below(data)?;
    if let (Some(path), Some(part)) = (database, part)
        && restored.database
    {
        std::fs::rename(&part, path)
            .and_then(|()| sync_directory(parent(path)))
            .with_context(|| format!("{} cannot be put in place", path.display()))?;
    }
    std::fs::remove_file(&marker)
        .and_then(|()| sync_directory(data))
        .with_context(|| format!("{} cannot be removed", marker.display()))?;
    Ok(restored)
}

/// A key may be there already; anything else would be mixed with the backup.
fn must_be_empty(data: &Path, key: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        let is_ours = path.file_name().is_some_and(|name| name == "lock") || path == key;
        ensure!(
            is_ours,
            "the data directory {} is not empty (it has {}); restore into an empty one, then move that into place",
            data.display(),
            path.display()
        );
    }
    Ok(())
}

fn sync_below(data: &Path) -> anyhow::Result<()> {
    let mut left: Vec<_> = DIRECTORIES.iter().map(|name| data.join(name)).collect();
    while let Some(directory) = left.pop() {
        if !directory.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            }
        }
        File::open(&directory)
            .and_then(|directory| directory.sync_all())
            .with_context(|| format!("{} cannot be flushed", directory.display()))?;
    }
    Ok(())
}
