//! Reading a backup, file by file in the order they were written, whether it is a directory or one compressed file.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use super::manifest::{FORMAT, Manifest, NAME};
use super::sink::is_archive;

/// A list of files is no longer than this.
const MANIFEST_BYTES: u64 = 1 << 30;

/// What is done with each file: its name and its content.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &mut dyn Read) -> anyhow::Result<()>;

/// Gives every file to `visit`, and answers what the backup says of itself.
pub(super) fn read(from: &Path, visit: Visit<'_>) -> anyhow::Result<Manifest> {
    let about = from
        .metadata()
        .with_context(|| format!("{} cannot be read", from.display()))?;
    if about.is_dir() {
        read_directory(from, visit)
    } else if is_archive(from) {
        read_archive(from, visit)
    } else {
        bail!(
            "{} is neither a directory nor a file whose name ends in .tar.zst",
            from.display()
        )
    }
}

fn read_directory(from: &Path, visit: Visit<'_>) -> anyhow::Result<Manifest> {
    let file = File::open(from.join(NAME))
        .with_context(|| format!("{} is not a backup: it has no {NAME}", from.display()))?;
    let manifest = manifest(file)?;
    for file in &manifest.files {
        let path = from.join(inside(&file.name)?);
        let mut content = File::open(&path)
            .with_context(|| format!("{} is missing in the backup", path.display()))?;
        visit(&file.name, &mut content)?;
    }
    Ok(manifest)
}

fn read_archive(from: &Path, visit: Visit<'_>) -> anyhow::Result<Manifest> {
    let wrong = || format!("{} cannot be read", from.display());
    let file = BufReader::new(File::open(from).with_context(wrong)?);
    let decoder = zstd::Decoder::with_buffer(file).with_context(wrong)?;
    let mut archive = tar::Archive::new(decoder);
    for entry in archive.entries().with_context(wrong)? {
        let mut entry = entry.with_context(wrong)?;
        ensure!(
            entry.header().entry_type() == tar::EntryType::Regular,
            "{} holds something that is not a file",
            from.display()
        );
        let name = entry.path().with_context(wrong)?.into_owned();
        let name = name
            .to_str()
            .with_context(|| format!("{} holds a file whose name is not UTF-8", from.display()))?;
        if name == NAME {
            return manifest(entry);
        }
        inside(name)?;
        let name = name.to_owned();
        visit(&name, &mut entry)?;
    }
    bail!("{} is incomplete: it ends without {NAME}", from.display())
}

fn manifest(file: impl Read) -> anyhow::Result<Manifest> {
    let manifest: Manifest = serde_json::from_reader(BufReader::new(file.take(MANIFEST_BYTES)))
        .with_context(|| format!("the backup's {NAME} is not valid"))?;
    ensure!(
        manifest.format <= FORMAT,
        "the backup was made by Pipewright {}, which is newer; use that version",
        manifest.version
    );
    Ok(manifest)
}

/// A name that stays inside of a directory: names in backups are not trusted to.
pub(super) fn inside(name: &str) -> anyhow::Result<PathBuf> {
    let path = PathBuf::from(name);
    let is_inside = !name.is_empty()
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    ensure!(is_inside, "the backup holds a file of the name {name:?}");
    Ok(path)
}
