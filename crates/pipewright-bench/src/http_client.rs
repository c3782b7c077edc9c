//! The least of an HTTP/1.1 client: one kept connection, one request at a time, so that the figures are the server's.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a whole request as it is and reads the whole answer: its status. The answer must carry its length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        let (status, head) = self.head().await?;
        let length: usize = header(&self.buffer[..head], "content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        self.buffer.drain(..head + length);
        Ok(status)
    }

    /// Sends a request whose answer goes on: its status. What comes then is read with [`Self::next`].
    pub(crate) async fn begin(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        let (status, head) = self.head().await?;
        self.buffer.drain(..head);
        Ok(status)
    }

    /// Some more bytes of an answer that goes on, chunk marks included; none at its end.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if self.buffer.is_empty() && self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Ok(None);
        }
        Ok(Some(std::mem::take(&mut self.buffer)))
    }

    /// Status, and where the head ends.
    async fn head(&mut self) -> anyhow::Result<(u16, usize)> {
        let end = loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break end + 4;
            }
            self.more().await?;
        };
        let status = self
            .buffer
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        Ok((status.context("the answer has no status")?, end))
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection in the middle of an answer");
        }
        Ok(())
    }
}

/// A header's value in an answer's head.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(head).ok()?.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
