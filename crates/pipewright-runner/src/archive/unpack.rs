//! A compressed stream → files of a directory, whatever the stream holds.
//!
//! Nothing is ever written through a link: where a link or a file stands in the way of a directory, it is replaced. Only
//! what [`super::pack`] makes is taken: other kinds of entries, hard links, names that are absolute or climb, and links
//! that lead out end the work.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::{Archive, EntryType};

use super::blocking::Cancel;
use super::error::{ArchiveError, carried};
use super::link::stays_inside;
use super::{ArchiveLimits, Totals};

/// The longest name in an archive, in bytes: Linux's own limit.
const NAME_BYTES: u64 = 4096;

/// Unpacks into `root`, a directory in which nobody else works meanwhile. What is in the way is replaced. After an error
/// a part may have been unpacked. Blocking.
pub fn unpack(
    source: impl Read,
    root: &Path,
    limits: ArchiveLimits,
    cancel: &Cancel,
) -> Result<Totals, ArchiveError> {
    let decoder = zstd::Decoder::new(source).map_err(ArchiveError::Stream)?;
    let bounded = Bounded {
        source: decoder,
        left: limits.unpacked_bytes,
        limit: limits.unpacked_bytes,
        cancel,
    };
    let mut archive = Archive::new(bounded);
    let mut target = Target {
        root,
        real: HashSet::new(),
    };
    let mut totals = Totals::default();
    let (mut long_name, mut long_target) = (None, None);
    let mut entries = 0;
    // Raw: names that are longer than a header has room for are read here, where their length is bounded.
    for entry in archive
        .entries()
        .map_err(ArchiveError::of_stream)?
        .raw(true)
    {
        let mut entry = entry.map_err(ArchiveError::of_stream)?;
        entries += 1;
        if entries > limits.entries.saturating_mul(3) {
            return Err(ArchiveError::TooMany(limits.entries));
        }
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                long_name = Some(long(&mut entry)?);
                continue;
            }
            EntryType::GNULongLink => {
                long_target = Some(long(&mut entry)?);
                continue;
            }
            _ => {}
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let link_name = long_target
            .take()
            .or_else(|| entry.link_name_bytes().map(std::borrow::Cow::into_owned));
        let path = relative(name)?;
        let modified = entry.header().mtime().unwrap_or_default();
        match entry.header().entry_type() {
            EntryType::Regular => {
                let is_executable = entry.header().mode().unwrap_or_default() & 0o100 != 0;
                target.file(&path, &mut entry, is_executable, modified)?;
                totals.files += 1;
            }
            EntryType::Directory => target.directory(&path)?,
            EntryType::Symlink => {
                let to = PathBuf::from(OsString::from_vec(link_name.unwrap_or_default()));
                if !stays_inside(&path, &to) {
                    return Err(hostile(&path, "a link that leads out of its directory"));
                }
                target.link(&path, &to)?;
                totals.files += 1;
            }
            _ => {
                return Err(hostile(
                    &path,
                    "neither a file nor a directory nor a symbolic link",
                ));
            }
        }
    }
    Ok(totals)
}

fn hostile(path: &Path, what: &str) -> ArchiveError {
    ArchiveError::Hostile {
        what: format!(
            "{} ({what})",
            path.to_string_lossy()
                .chars()
                .take(200)
                .collect::<String>()
                .escape_debug()
        ),
    }
}

/// A name that comes as an entry of its own.
fn long<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, ArchiveError> {
    let mut name = Vec::new();
    entry
        .take(NAME_BYTES + 1)
        .read_to_end(&mut name)
        .map_err(ArchiveError::of_stream)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    if name.len() as u64 > NAME_BYTES {
        return Err(ArchiveError::Hostile {
            what: format!("a name longer than {NAME_BYTES} bytes"),
        });
    }
    Ok(name)
}

/// The name as a path that stays inside: not empty, no root, no `..`.
fn relative(name: Vec<u8>) -> Result<PathBuf, ArchiveError> {
    let name = PathBuf::from(OsString::from_vec(name));
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => return Err(hostile(&name, "a name that leads out of its directory")),
        }
    }
    if path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(hostile(&name, "an empty name"));
    }
    Ok(path)
}

/// Where it is unpacked.
struct Target<'a> {
    root: &'a Path,
    /// Relative paths that are known to be real directories, and so are those above them.
    real: HashSet<PathBuf>,
}

impl Target<'_> {
    fn file(
        &mut self,
        path: &Path,
        content: &mut impl Read,
        is_executable: bool,
        modified: u64,
    ) -> Result<(), ArchiveError> {
        let full = self.clear(path)?;
        let mut file = File::create_new(&full).map_err(ArchiveError::file("make", &full))?;
        io::copy(content, &mut file).map_err(ArchiveError::of_stream)?;
        let mode = if is_executable { 0o755 } else { 0o644 };
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(ArchiveError::file("set the rights of", &full))?;
        // A time that no file can have is left out; so is one that the file system refuses.
        if let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(modified)) {
            let _ = file.set_modified(time);
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, to: &Path) -> Result<(), ArchiveError> {
        let full = self.clear(path)?;
        std::os::unix::fs::symlink(to, &full).map_err(ArchiveError::file("make", &full))
    }

    /// Makes a directory and those above it; a link or a file in its place is removed.
    fn directory(&mut self, path: &Path) -> Result<(), ArchiveError> {
        if path.as_os_str().is_empty() || self.real.contains(path) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        let full = self.root.join(path);
        match full.symlink_metadata() {
            Ok(about) if about.is_dir() => {}
            Ok(_) => {
                std::fs::remove_file(&full).map_err(ArchiveError::file("replace", &full))?;
                make_directory(&full)?;
            }
            Err(_) => make_directory(&full)?,
        }
        self.real.insert(path.to_owned());
        Ok(())
    }

    /// Makes room for a file or link of this name, in a real directory.
    fn clear(&mut self, path: &Path) -> Result<PathBuf, ArchiveError> {
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        let full = self.root.join(path);
        match full.symlink_metadata() {
            Ok(about) if about.is_dir() => {
                self.real.retain(|known| !known.starts_with(path));
                std::fs::remove_dir_all(&full).map_err(ArchiveError::file("replace", &full))?;
            }
            Ok(_) => std::fs::remove_file(&full).map_err(ArchiveError::file("replace", &full))?,
            Err(_) => {}
        }
        Ok(full)
    }
}

/// Makes a directory that everybody may enter, whatever the server's own have.
fn make_directory(path: &Path) -> Result<(), ArchiveError> {
    std::fs::create_dir(path).map_err(ArchiveError::file("make", path))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
        .map_err(ArchiveError::file("set the rights of", path))
}

/// Bounds what comes out of the decompression.
struct Bounded<'a, R> {
    source: R,
    left: u64,
    limit: u64,
    cancel: &'a Cancel,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.cancel.check_stream()?;
        let read = self.source.read(buffer)?;
        self.left = match self.left.checked_sub(read as u64) {
            Some(left) => left,
            None => return Err(carried(ArchiveError::TooMuch(self.limit))),
        };
        Ok(read)
    }
}
