//! Where a backup is written to: a directory, or one compressed file.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use pipewright_store::files::{parent, sync_directory};
use sha2::{Digest as _, Sha256};

use super::manifest::Copied;

/// How the names of compressed backups end.
pub(super) const ARCHIVE: &str = ".tar.zst";

/// A level that is as fast as a disk.
const LEVEL: i32 = 3;

/// A backup that is being written, under a name of its own.
pub(super) struct Sink {
    target: PathBuf,
    part: PathBuf,
    kind: Kind,
}

enum Kind {
    Directory,
    Archive(Box<tar::Builder<zstd::Encoder<'static, BufWriter<File>>>>),
}

/// True where this path is one compressed file.
pub(super) fn is_archive(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(ARCHIVE))
}

impl Sink {
    /// Begins. What an interrupted backup to the same target left is removed.
    pub(super) fn begin(target: &Path) -> anyhow::Result<Self> {
        let target = std::path::absolute(target)?;
        match target.symlink_metadata() {
            Ok(about) if about.is_dir() && !is_archive(&target) => {
                if std::fs::read_dir(&target)?.next().is_some() {
                    bail!(
                        "{} is not empty; name a directory that does not exist yet, such as one with the date",
                        target.display()
                    );
                }
            }
            Ok(_) => bail!("{} already exists; choose another name", target.display()),
            Err(_) => {}
        }
        std::fs::create_dir_all(parent(&target))
            .with_context(|| format!("{} cannot be made", parent(&target).display()))?;
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let wrong = || format!("{} cannot be written", part.display());
        let kind = if is_archive(&target) {
            let file = File::create(&part).with_context(wrong)?;
            let mut encoder = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
            encoder.include_checksum(true)?;
            Kind::Archive(Box::new(tar::Builder::new(encoder)))
        } else {
            if part.exists() {
                std::fs::remove_dir_all(&part).with_context(wrong)?;
            }
            std::fs::create_dir(&part).with_context(wrong)?;
            Kind::Directory
        };
        Ok(Self { target, part, kind })
    }

    /// Where the database's copy is made: in its place already, or beside the archive until it is added.
    pub(super) fn place_of_database(&self) -> PathBuf {
        match self.kind {
            Kind::Directory => self.part.join(super::DATABASE),
            Kind::Archive(_) => {
                let mut name = self.part.as_os_str().to_owned();
                name.push(".db");
                PathBuf::from(name)
            }
        }
    }

    /// Removes the database's copy where it stood beside the archive that now holds it.
    pub(super) fn forget_database(&self) {
        if matches!(self.kind, Kind::Archive(_)) {
            // One that stays is removed by the next backup of this name.
            let _ = std::fs::remove_file(self.place_of_database());
        }
    }

    /// Adds a file of this many bytes. One that stands in its place already is only read.
    pub(super) fn add(
        &mut self,
        name: &str,
        from: &Path,
        file: File,
        bytes: u64,
    ) -> anyhow::Result<Copied> {
        let mut content = Hashing {
            source: file.take(bytes),
            hash: Sha256::new(),
            bytes: 0,
        };
        let wrong = || format!("{} cannot be copied to the backup", from.display());
        match &mut self.kind {
            Kind::Directory => {
                let to = self.part.join(name);
                if to == from {
                    io::copy(&mut content, &mut io::sink()).with_context(wrong)?;
                } else {
                    std::fs::create_dir_all(parent(&to)).with_context(wrong)?;
                    let mut to = File::create_new(&to).with_context(wrong)?;
                    io::copy(&mut content, &mut to).with_context(wrong)?;
                    to.sync_all().with_context(wrong)?;
                }
            }
            Kind::Archive(archive) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes);
                header.set_mode(0o600);
                header.set_entry_type(tar::EntryType::Regular);
                archive
                    .append_data(&mut header, name, &mut content)
                    .with_context(wrong)?;
            }
        }
        // A file that became shorter meanwhile would shift everything behind it.
        if content.bytes != bytes {
            bail!(
                "{} became shorter while it was copied; try again",
                from.display()
            );
        }
        Ok(Copied {
            name: name.to_owned(),
            bytes,
            sha256: hex::encode(content.hash.finalize()),
        })
    }

    /// Adds a text, and has the whole backup survive the power going under its right name.
    pub(super) fn finish(self, name: &str, text: &[u8]) -> anyhow::Result<()> {
        let Self { target, part, kind } = self;
        let wrong = || format!("{} cannot be finished", target.display());
        match kind {
            Kind::Directory => {
                let mut file = File::create_new(part.join(name)).with_context(wrong)?;
                file.write_all(text).with_context(wrong)?;
                file.sync_all().with_context(wrong)?;
                let mut left = vec![part.clone()];
                while let Some(directory) = left.pop() {
                    for entry in std::fs::read_dir(&directory)? {
                        let entry = entry?;
                        if entry.file_type()?.is_dir() {
                            left.push(entry.path());
                        }
                    }
                    sync_directory(&directory).with_context(wrong)?;
                }
            }
            Kind::Archive(mut archive) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(text.len() as u64);
                header.set_mode(0o600);
                header.set_entry_type(tar::EntryType::Regular);
                archive
                    .append_data(&mut header, name, text)
                    .with_context(wrong)?;
                let encoder = archive.into_inner().with_context(wrong)?;
                let file = encoder.finish().with_context(wrong)?;
                let file = file.into_inner().map_err(io::IntoInnerError::into_error);
                file.with_context(wrong)?.sync_all().with_context(wrong)?;
            }
        }
        // An empty directory of this name may be there.
        std::fs::rename(&part, &target).with_context(wrong)?;
        sync_directory(parent(&target)).with_context(wrong)
    }

    /// Gives it up: nothing is left.
    pub(super) fn abandon(self) {
        let database = self.place_of_database();
        match self.kind {
            Kind::Directory => {
                let _ = std::fs::remove_dir_all(&self.part);
            }
            Kind::Archive(_) => {
                let _ = std::fs::remove_file(&self.part);
                let _ = std::fs::remove_file(database);
            }
        }
    }
}

/// Counts and hashes what is read through it.
pub(super) struct Hashing<R> {
    pub(super) source: R,
    pub(super) hash: Sha256,
    pub(super) bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
