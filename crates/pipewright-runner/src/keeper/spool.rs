//! The file that holds an attempt's log until the dispatcher has taken it: one writer at a time appends, one reader follows.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, watch};

use crate::log::CHUNK_BYTES;

/// The pause before what the disk did not take is written again. Meanwhile the script waits at its pipe.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// Appends what comes until the channel is closed and empty, and says after each chunk how long the file is.
pub(crate) async fn append(
    path: &Path,
    mut chunks: mpsc::Receiver<Bytes>,
    told: impl Fn(u64),
) -> io::Result<()> {
    let mut file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut length = file.metadata()?.len();
    while let Some(chunk) = chunks.recv().await {
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            match file.write(rest) {
                Ok(written) => {
                    length += written as u64;
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A full disk is nobody's fault here, and may have room again.
                Err(_) => tokio::time::sleep(FULL_PAUSE).await,
            }
        }
        told(length);
    }
    Ok(())
}

/// Follows the file from any byte on.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    path: PathBuf,
    file: Option<File>,
    /// How long the file is known to be; closed when nothing more comes.
    lengths: watch::Receiver<u64>,
}

impl SpoolReader {
    pub(crate) fn new(path: PathBuf, lengths: watch::Receiver<u64>) -> Self {
        Self {
            path,
            file: None,
            lengths,
        }
    }

    /// The next bytes from `offset` on; `None` at the end. May be dropped and called again.
    pub(crate) async fn next(&mut self, offset: u64) -> Option<Bytes> {
        loop {
            let length = *self.lengths.borrow_and_update();
            if offset < length {
                match self.read(offset, length) {
                    Ok(bytes) if !bytes.is_empty() => return Some(bytes),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(%error, path = %self.path.display(), "the log of an attempt cannot be read");
                        return None;
                    }
                }
            }
            if self.lengths.changed().await.is_err() {
                // The last word may have come together with the end.
                if offset >= *self.lengths.borrow() {
                    return None;
                }
            }
        }
    }

    fn read(&mut self, offset: u64, length: u64) -> io::Result<Bytes> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        let wanted = usize::try_from(length - offset)
            .unwrap_or(CHUNK_BYTES)
            .min(CHUNK_BYTES);
        let mut bytes = BytesMut::zeroed(wanted);
        let read = file.read_at(&mut bytes, offset)?;
        bytes.truncate(read);
        Ok(bytes.freeze())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::{mpsc, watch};

    use super::{SpoolReader, append};

    #[tokio::test]
    async fn what_is_appended_is_read_from_any_byte_on_and_then_ends() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let (lengths, known) = watch::channel(0);
        for part in ["one\ntw", "o\nthree\n"] {
            let (chunks, coming) = mpsc::channel(2);
            chunks
                .send(Bytes::from_static(part.as_bytes()))
                .await
                .expect("room");
            drop(chunks);
            let told = |length| {
                lengths.send_replace(length);
            };
            append(&path, coming, told).await.expect("appended");
        }
        drop(lengths);
        for from in [0, 4, 14] {
            let mut reader = SpoolReader::new(path.clone(), known.clone());
            let mut read = Vec::new();
            while let Some(bytes) = reader.next(from + read.len() as u64).await {
                read.extend_from_slice(&bytes);
            }
            assert_eq!(read, &b"one\ntwo\nthree\n"[from as usize..]);
        }
    }
}
