//! Files as one stream: a tar archive, compressed with zstd, for artifacts and caches.
//!
//! [`pack`] writes what [`unpack`] reads, and nothing else: names are relative, links stay inside, and there are only
//! files, directories and links. An archive is taken as hostile all the same, because what is read may come from another
//! machine. Executable bits and modification times (in seconds) are kept, owners and other rights are not.

mod blocking;
mod convert;
mod error;
mod link;
mod pack;
mod unpack;
mod words;

pub use blocking::{Cancel, blocking};
pub use convert::convert_to_gzip;
pub use error::ArchiveError;
pub use link::stays_inside;
pub use pack::{Entry, pack};
pub use unpack::unpack;
pub use words::size;

/// The bounds of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes of the compressed stream.
    pub archive_bytes: u64,
    /// Bytes of the tar archive inside it.
    pub unpacked_bytes: u64,
    /// Entries.
    pub entries: u64,
}

impl Default for ArchiveLimits {
    /// Bitbucket's limit of 1 GB; 16 GB unpacked, so that a small archive cannot fill a disk; 500,000 entries.
    fn default() -> Self {
        Self {
            archive_bytes: 1 << 30,
            unpacked_bytes: 16 << 30,
            entries: 500_000,
        }
    }
}

/// What an archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files and links.
    pub files: u64,
    /// Bytes of the compressed stream; 0 where it was not counted.
    pub archive_bytes: u64,
}
