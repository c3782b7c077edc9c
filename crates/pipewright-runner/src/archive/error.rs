//! Why an archive was not made or not read, as sentences.

use std::io;
use std::path::PathBuf;

use super::words::size;

/// An archive was not made or not read whole.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The compressed stream is over its limit.
    #[error("it is larger than {} compressed; keep fewer files, or put it somewhere else in the script", size(*.0))]
    TooLarge(u64),
    /// What is in it is over its limit.
    #[error("its files have more than {}; keep fewer files", size(*.0))]
    TooMuch(u64),
    /// It has too many entries.
    #[error("it has more than {0} files; put them into an archive in the script, and keep that")]
    TooMany(u64),
    /// It names a place outside of its directory, or holds what is no file, directory or link.
    #[error(
        "it holds {what}, which no archive of a step does: it is damaged or was tampered with, and nothing more of it is unpacked"
    )]
    Hostile {
        /// The entry, and what is wrong with it.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The stream itself cannot be read or written, or is cut off.
    #[error("its stream is broken: {0}")]
    Stream(#[source] io::Error),
    /// Whoever asked for it does not want it any more.
    #[error("it was cancelled")]
    Cancelled,
}

impl ArchiveError {
    /// True where the archive itself is at fault, not the machine: it is broken, hostile or over a limit, and stays so.
    pub fn is_of_archive(&self) -> bool {
        match self {
            Self::TooLarge(_) | Self::TooMuch(_) | Self::TooMany(_) | Self::Hostile { .. } => true,
            // The system's own errors have a number: a full disk, say.
            Self::Stream(error) => error.raw_os_error().is_none(),
            Self::File { .. } | Self::Cancelled => false,
        }
    }

    pub(super) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// An error that came through a stream of ours says what it was; see [`carried`].
    pub(super) fn of_stream(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Stream(error),
        }
    }
}

/// Our error on its way through a reader or writer that knows only its own kind.
pub(super) fn carried(error: ArchiveError) -> io::Error {
    io::Error::other(error)
}
