//! Files of a directory → a compressed stream.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tar::{Builder, EntryType, Header};

use super::blocking::Cancel;
use super::error::{ArchiveError, carried};
use super::{ArchiveLimits, Totals};

/// zstd's own default: a good deal smaller than level 1 at half of its speed, which is still faster than a disk.
const LEVEL: i32 = 3;

/// Something to pack, relative to the directory. Its parents are real directories; what it is itself was just looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File(PathBuf),
    /// An empty directory, or one whose contents follow.
    Directory(PathBuf),
    /// A symbolic link that stays inside, with its target.
    Link(PathBuf, PathBuf),
}

/// Packs these entries of `root`. What is gone meanwhile is left out; a file that becomes shorter meanwhile is an error.
/// Blocking.
pub fn pack(
    root: &Path,
    entries: &[Entry],
    target: impl Write,
    limits: ArchiveLimits,
    cancel: &Cancel,
) -> Result<Totals, ArchiveError> {
    if entries.len() as u64 > limits.entries {
        return Err(ArchiveError::TooMany(limits.entries));
    }
    let counted = Counted {
        target,
        bytes: 0,
        limit: limits.archive_bytes,
        cancel,
    };
    let encoder = zstd::Encoder::new(counted, LEVEL).map_err(ArchiveError::Stream)?;
    let mut builder = Builder::new(encoder);
    let mut totals = Totals::default();
    let mut unpacked = 0;
    for entry in entries {
        cancel.check()?;
        match entry {
            Entry::File(path) => {
                let Some(file) = open(&root.join(path))? else {
                    continue;
                };
                let about = file
                    .metadata()
                    .map_err(ArchiveError::file("look at", path))?;
                if !about.is_file() {
                    continue;
                }
                unpacked += about.len();
                if unpacked > limits.unpacked_bytes {
                    return Err(ArchiveError::TooMuch(limits.unpacked_bytes));
                }
                let mode = if about.mode() & 0o100 == 0 {
                    0o644
                } else {
                    0o755
                };
                let mut header = header(
                    EntryType::Regular,
                    about.len(),
                    mode,
                    u64::try_from(about.mtime()).unwrap_or_default(),
                );
                builder
                    .append_data(
                        &mut header,
                        path,
                        Exact {
                            file,
                            left: about.len(),
                            path,
                        },
                    )
                    .map_err(ArchiveError::of_stream)?;
                totals.files += 1;
            }
            Entry::Directory(path) => {
                let mut header = header(EntryType::Directory, 0, 0o755, 0);
                builder
                    .append_data(&mut header, path, io::empty())
                    .map_err(ArchiveError::of_stream)?;
            }
            Entry::Link(path, target) => {
                let mut header = header(EntryType::Symlink, 0, 0o777, 0);
                builder
                    .append_link(&mut header, path, target)
                    .map_err(ArchiveError::of_stream)?;
                totals.files += 1;
            }
        }
    }
    let encoder = builder.into_inner().map_err(ArchiveError::of_stream)?;
    let mut counted = encoder.finish().map_err(ArchiveError::of_stream)?;
    counted.target.flush().map_err(ArchiveError::Stream)?;
    totals.archive_bytes = counted.bytes;
    Ok(totals)
}

fn header(kind: EntryType, size: u64, mode: u32, modified: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(modified);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Neither follows a link nor waits for a pipe; `None` where the file is gone or became a link.
fn open(path: &Path) -> Result<Option<File>, ArchiveError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
    {
        Ok(file) => Ok(Some(file)),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) =>
        {
            Ok(None)
        }
        Err(source) => Err(ArchiveError::File {
            action: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Exactly so many bytes of a file: an archive cannot hold fewer than its header says.
struct Exact<'a> {
    file: File,
    left: u64,
    path: &'a Path,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.file.read(&mut buffer[..most])?;
        if read == 0 {
            let source = io::Error::other(
                "it became shorter while it was packed; end what writes to it in the script",
            );
            return Err(carried(ArchiveError::File {
                action: "read",
                path: self.path.to_owned(),
                source,
            }));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// Counts and bounds what is written.
struct Counted<'a, W> {
    target: W,
    bytes: u64,
    limit: u64,
    cancel: &'a Cancel,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cancel.check_stream()?;
        let written = self.target.write(bytes)?;
        self.bytes += written as u64;
        if self.bytes > self.limit {
            Err(carried(ArchiveError::TooLarge(self.limit)))
        } else {
            Ok(written)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
