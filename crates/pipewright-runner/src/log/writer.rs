//! From a pipe to chunks.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::marks::{COMMAND_MARK, Marks};
use super::mask::{MaskStream, Masker};

/// Bytes of one attempt's log unless the configuration says otherwise: 1 GiB.
pub const DEFAULT_LIMIT: u64 = 1 << 30;

/// A chunk leaves when it has this many bytes…
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// … or when its first byte is this old.
const CHUNK_WAIT: Duration = Duration::from_millis(50);

/// How many chunks may wait for the dispatcher. When it is full the pipe is not read, and the script waits.
pub const QUEUE_CHUNKS: usize = 8;

/// Chunks smaller than this are copied out of the buffer.
const SMALL_BYTES: usize = 32 << 10;

/// Room made before each read; the most that one read takes.
const READ_BYTES: usize = 128 << 10;

/// One attempt's log on this side: masks, counts, cuts into chunks. All waiting methods may be dropped and called
/// again without losing a byte.
#[derive(Debug)]
pub struct LogWriter {
    chunks: mpsc::Sender<Bytes>,
    marks: Marks,
    mask: MaskStream,
    /// Decided bytes that did not leave yet.
    outgoing: BytesMut,
    /// When `outgoing` leaves at the latest.
    leaves_at: Option<Instant>,
    /// Bytes that may still be written.
    room: u64,
    limit: u64,
    full: bool,
    /// The last byte that left.
    last: u8,
}

impl LogWriter {
    /// A log that leaves through `chunks` and ends after `limit` bytes.
    pub fn new(chunks: mpsc::Sender<Bytes>, masker: &Masker, limit: u64) -> Self {
        Self {
            chunks,
            marks: Marks::new(),
            mask: masker.stream(),
            outgoing: BytesMut::new(),
            leaves_at: None,
            room: limit,
            limit,
            full: false,
            last: b'\n',
        }
    }

    /// Goes on with a log that has `already` bytes.
    pub fn continuing(
        chunks: mpsc::Sender<Bytes>,
        masker: &Masker,
        limit: u64,
        already: u64,
    ) -> Self {
        let mut log = Self::new(chunks, masker, limit);
        log.room = limit.saturating_sub(already);
        // Whoever filled it has said so.
        log.full = log.room == 0 && already > 0;
        log
    }

    /// The word that a command's mark must carry to be one.
    pub fn mark_word(&self) -> &str {
        self.marks.word()
    }

    /// Writes one line of our own.
    pub async fn line(&mut self, text: &str) {
        let before = self.outgoing.len();
        self.marks.end(self.mask.pending());
        self.mask.drain(true, &mut self.outgoing);
        if self.byte_before(self.outgoing.len()) != b'\n' {
            self.outgoing.extend_from_slice(b"\n");
        }
        self.account(before);
        let text = text.replace(char::from(COMMAND_MARK), "");
        self.mask.pending().extend_from_slice(text.as_bytes());
        self.mask.pending().extend_from_slice(b"\n");
        let before = self.outgoing.len();
        self.mask.drain(true, &mut self.outgoing);
        self.account(before);
        self.leave_if_large().await;
    }

    /// Reads the pipe until every writer has closed it.
    pub async fn pump(&mut self, pipe: &mut Receiver) -> io::Result<()> {
        self.pump_within(pipe, None, usize::MAX)
            .await
            .map(|_closed| ())
    }

    /// Reads what is left in the pipe when its writers should be gone: until they have closed it (true), or nothing
    /// came for `quiet`, or more came than `most` bytes. Time in which the log cannot take more does not count.
    pub async fn pump_rest(
        &mut self,
        pipe: &mut Receiver,
        quiet: Duration,
        most: usize,
    ) -> io::Result<bool> {
        self.pump_within(pipe, Some(quiet), most).await
    }

    async fn pump_within(
        &mut self,
        pipe: &mut Receiver,
        quiet: Option<Duration>,
        most: usize,
    ) -> io::Result<bool> {
        let mut total = 0;
        let mut waiting_since = None;
        while total <= most {
            self.leave_if_large().await;
            let due = self.leaves_at;
            let since = *waiting_since.get_or_insert_with(Instant::now);
            let silent = quiet.map(|quiet| since + quiet);
            let read = if self.mask.is_transparent() {
                self.outgoing.reserve(READ_BYTES);
                let before = self.outgoing.len();
                tokio::select! {
                    read = pipe.read_buf(&mut self.outgoing) => {
                        self.marks.settle(&mut self.outgoing, before);
                        Some((read, before))
                    }
                    () = wait_for(due) => None,
                    () = wait_for(silent) => return Ok(false),
                }
            } else {
                self.mask.pending().reserve(READ_BYTES);
                let from = self.mask.pending().len();
                tokio::select! {
                    read = pipe.read_buf(self.mask.pending()) => {
                        let before = self.outgoing.len();
                        self.marks.settle(self.mask.pending(), from);
                        self.mask.drain(false, &mut self.outgoing);
                        Some((read, before))
                    }
                    () = wait_for(due) => None,
                    () = wait_for(silent) => return Ok(false),
                }
            };
            match read {
                None => self.leave().await,
                Some((Ok(0), _)) => return Ok(true),
                Some((Ok(count), before)) => {
                    total += count;
                    waiting_since = None;
                    self.account(before);
                }
                Some((Err(error), _)) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Lets everything leave; call when nothing more comes.
    pub async fn finish(&mut self) {
        let before = self.outgoing.len();
        self.marks.end(self.mask.pending());
        self.mask.drain(true, &mut self.outgoing);
        self.account(before);
        self.leave().await;
    }

    /// The byte before a place in `outgoing`.
    fn byte_before(&self, place: usize) -> u8 {
        place
            .checked_sub(1)
            .and_then(|place| self.outgoing.get(place).copied())
            .unwrap_or(self.last)
    }

    /// A command's mark begins a line, also where what came before did not end its own.
    fn begin_lines_at_marks(&mut self, before: usize) {
        let mut from = before;
        while let Some(found) = self.outgoing[from..]
            .iter()
            .position(|byte| *byte == COMMAND_MARK)
        {
            let mut place = from + found;
            if self.byte_before(place) != b'\n' {
                let rest = self.outgoing.split_off(place);
                self.outgoing.extend_from_slice(b"\n");
                self.outgoing.unsplit(rest);
                place += 1;
            }
            from = place + 1;
        }
    }

    /// Counts what was added to `outgoing` after `before`, and drops what is over the limit.
    fn account(&mut self, before: usize) {
        self.begin_lines_at_marks(before);
        let added = (self.outgoing.len() - before) as u64;
        if added > self.room {
            let kept = before + self.room as usize;
            self.outgoing.truncate(kept);
            if !self.full {
                self.full = true;
                let words = format!(
                    "\nThe log is longer than {} bytes (setting runner.log_mb); the rest is not kept, and the script continues.\n",
                    self.limit
                );
                self.outgoing.extend_from_slice(words.as_bytes());
            }
        }
        self.room = self.room.saturating_sub(added);
        if !self.outgoing.is_empty() && self.leaves_at.is_none() {
            self.leaves_at = Some(Instant::now() + CHUNK_WAIT);
        }
    }

    async fn leave_if_large(&mut self) {
        if self.outgoing.len() >= CHUNK_BYTES {
            self.leave().await;
        }
    }

    async fn leave(&mut self) {
        if let Some(last) = self.outgoing.last() {
            self.last = *last;
            match self.chunks.reserve().await {
                // A few lines are copied: handing out the buffer would keep all of it alive for them.
                Ok(permit) if self.outgoing.len() < SMALL_BYTES => {
                    permit.send(Bytes::copy_from_slice(&self.outgoing));
                    self.outgoing.clear();
                }
                Ok(permit) => permit.send(self.outgoing.split().freeze()),
                // Nobody wants the log any more: the script's output is read and dropped until it ends.
                Err(_) => self.outgoing.clear(),
            }
        }
        self.leaves_at = None;
    }
}

async fn wait_for(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bytes::Bytes;
    use tokio::net::unix::pipe::Receiver;
    use tokio::sync::mpsc;

    use super::{CHUNK_BYTES, LogWriter, QUEUE_CHUNKS};
    use crate::log::Masker;

    fn pipe() -> (Receiver, std::io::PipeWriter) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        (
            Receiver::from_owned_fd(reader.into()).expect("a pipe's end"),
            writer,
        )
    }

    fn log(limit: u64) -> (LogWriter, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(QUEUE_CHUNKS);
        (
            LogWriter::new(sender, &Masker::new(&[], &[]), limit),
            receiver,
        )
    }

    #[tokio::test]
    async fn a_command_begins_a_line_and_no_line_is_empty_before_it() {
        let (mut log, mut chunks) = log(1000);
        let (mut reader, mut writer) = pipe();
        let mark = format!("\x1d{}", log.mark_word());
        let printed =
            format!("{mark}+ one\nended\n{mark}+ two\nopen{mark}+ three\n\x1d+ forged\nopen");
        writer
            .write_all(printed.as_bytes())
            .expect("the pipe takes it");
        drop(writer);
        log.pump(&mut reader).await.expect("reads");
        log.line("Exit status 0.").await;
        log.finish().await;
        drop(log);
        let mut text = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            text.extend_from_slice(&chunk);
        }
        assert_eq!(
            String::from_utf8_lossy(&text),
            "\x1d+ one\nended\n\x1d+ two\nopen\n\x1d+ three\n+ forged\nopen\nExit status 0.\n"
        );
    }

    #[tokio::test]
    async fn a_quiet_script_is_heard_after_a_moment() {
        let (mut log, mut chunks) = log(1000);
        let (mut reader, mut writer) = pipe();
        writer
            .write_all(b"waiting for input: ")
            .expect("the pipe takes it");
        tokio::select! {
            _ = log.pump(&mut reader) => panic!("the writer is open"),
            chunk = chunks.recv() => assert_eq!(chunk.as_deref(), Some(&b"waiting for input: "[..])),
        }
    }

    #[tokio::test]
    async fn the_limit_is_said_and_the_script_goes_on() {
        let (mut log, mut chunks) = log(1000);
        let (mut reader, mut writer) = pipe();
        let script = std::thread::spawn(move || writer.write_all(&vec![b'x'; 500_000]));
        log.line("Cloned.").await;
        log.pump(&mut reader).await.expect("read to the end");
        log.finish().await;
        drop(log);
        script
            .join()
            .expect("the thread ends")
            .expect("all was taken");
        let mut all = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            all.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(all).expect("UTF-8");
        assert!(
            text.starts_with("Cloned.\nxxx")
                && text.contains("longer than 1000 bytes (setting runner.log_mb);"),
            "{}",
            &text[..40]
        );
        assert_eq!(text.matches('x').count(), 992, "{text}");
    }

    #[tokio::test]
    async fn a_slow_receiver_slows_the_script_and_memory_stays_flat() {
        let (mut log, mut chunks) = log(u64::MAX);
        let (mut reader, mut writer) = pipe();
        const TOTAL: usize = 16 << 20;
        let script = std::thread::spawn(move || writer.write_all(&vec![b'y'; TOTAL]));
        // Nobody receives: the writer's own buffer and the queue fill up, then nothing more is read.
        let stuck =
            tokio::time::timeout(std::time::Duration::from_millis(300), log.pump(&mut reader))
                .await;
        assert!(stuck.is_err(), "16 MiB fit nowhere");
        assert!(
            log.outgoing.capacity() <= 3 * CHUNK_BYTES,
            "{}",
            log.outgoing.capacity()
        );
        let receive = async {
            let mut total = 0;
            while total < TOTAL {
                total += chunks.recv().await.expect("more comes").len();
            }
            total
        };
        let pump = async {
            log.pump(&mut reader).await.expect("read to the end");
            log.finish().await;
        };
        assert_eq!(tokio::join!(receive, pump).0, TOTAL);
        script
            .join()
            .expect("the thread ends")
            .expect("all was taken");
    }
}
