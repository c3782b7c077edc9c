//! A connection between a runner and a keeper: lines of JSON, both ways.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// One end of it.
#[derive(Debug)]
pub(super) struct Line {
    heard: Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        let (read, out) = stream.into_split();
        Self {
            heard: BufReader::new(read).lines(),
            out,
        }
    }

    /// What the other end says next; `None` where it is gone, or says something else. May be dropped and called again.
    pub(super) async fn hear<T: DeserializeOwned>(&mut self) -> Option<T> {
        let line = self.heard.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }

    pub(super) async fn say(&mut self, what: &impl Serialize) -> io::Result<()> {
        self.out.write_all(&text(what)?).await
    }

    /// Says something short without waiting: on a new connection there is always room for it.
    pub(super) fn say_now(&self, what: &impl Serialize) -> io::Result<()> {
        // Not by the stream's own try, which refuses until the runtime has heard that there is room.
        let stream: &UnixStream = self.out.as_ref();
        rustix::io::write(stream, &text(what)?)?;
        Ok(())
    }
}

fn text(what: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(what)?;
    text.push(b'\n');
    Ok(text)
}
