//! From an asynchronous stream to a blocking reader, with a bounded number of bytes between the two.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

use super::ArtifactStream;

/// Bytes of one piece.
const PIECE_BYTES: usize = 256 << 10;

/// How many pieces may wait; when it is full the stream is not read.
const PIECES: usize = 4;

/// The blocking side.
pub(super) struct PieceReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

/// The two sides: the future moves pieces until the stream ends or the reader is gone.
pub(super) fn bridge(mut stream: ArtifactStream) -> (impl Future<Output = ()> + Send, PieceReader) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let carry = async move {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE_BYTES);
            let read = stream.read_buf(&mut piece).await;
            let ended = !matches!(read, Ok(count) if count > 0);
            let sent = match read {
                Ok(0) => return,
                Ok(_) => sender.send(Ok(piece.freeze())).await,
                Err(error) => sender.send(Err(error)).await,
            };
            if ended || sent.is_err() {
                return;
            }
        }
    };
    (
        carry,
        PieceReader {
            pieces,
            current: Bytes::new(),
        },
    )
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
