//! Contents on their way between streams and files, a piece at a time.

use std::io::{self, Write as _};

use pipewright_core::ids::ArtifactId;
use pipewright_runner::artifacts::ArtifactStream;
use pipewright_store::blobs::BlobStore;
use tokio::io::AsyncReadExt as _;

/// Bytes of one piece.
const PIECE_BYTES: usize = 1 << 20;

/// Writes a content from a stream. Answers its bytes. Dropped before its end, it leaves nothing.
pub(crate) async fn write(
    store: &BlobStore,
    id: ArtifactId,
    mut stream: ArtifactStream,
) -> io::Result<u64> {
    let store = store.clone();
    let mut writer = blocking(move || store.writer(id)).await?;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        while piece.len() < PIECE_BYTES && stream.read_buf(&mut piece).await? > 0 {}
        if piece.is_empty() {
            return blocking(move || writer.finish()).await;
        }
        (writer, piece) = blocking(move || {
            writer.write_all(&piece)?;
            piece.clear();
            Ok((writer, piece))
        })
        .await?;
    }
}

/// Opens a content as a stream.
pub(crate) async fn read(store: &BlobStore, id: ArtifactId) -> io::Result<ArtifactStream> {
    let store = store.clone();
    let file = blocking(move || store.reader(id)).await?;
    Ok(Box::pin(tokio::io::BufReader::with_capacity(
        PIECE_BYTES,
        tokio::fs::File::from_std(file),
    )))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}
