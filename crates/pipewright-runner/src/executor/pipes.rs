//! Named pipes between a step's room and this side.

use std::io;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// The most that is kept of a line from inside: words are short.
const LINE_BYTES: usize = 4 << 10;

/// The next line from inside, which is hostile once a script runs: what is too long is cut. Can be dropped and called again.
pub(super) async fn line(results: &mut pipe::Receiver, heard: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    loop {
        if let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
            let rest = heard.split_off(end + 1);
            let mut line = std::mem::replace(heard, rest);
            line.pop();
            return Ok(line);
        }
        heard.truncate(LINE_BYTES);
        if results.read_buf(heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A new named pipe in place of an old one.
pub(super) fn named_pipe(path: &Path) -> io::Result<&Path> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    Ok(path)
}

/// Both ends of a pipe for words to the room.
pub(super) fn sender(path: &Path) -> io::Result<pipe::Sender> {
    pipe::OpenOptions::new().read_write(true).open_sender(path)
}

/// Both ends of a pipe for words from the room: it does not end when the other side goes.
pub(super) fn receiver(path: &Path) -> io::Result<pipe::Receiver> {
    pipe::OpenOptions::new()
        .read_write(true)
        .open_receiver(path)
}
