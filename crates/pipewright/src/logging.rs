//! What the server says while it runs: log lines and the few words of its start, on standard error.
//!
//! A report of an act never prevents the act. Lines are handed to a thread of their own, which writes them one after the other:
//! where standard error is closed they go nowhere, where nobody reads it they are dropped and counted once there is no room,
//! and nobody who logs ever waits or fails.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Config, LogFormat, colours};

/// Lines that wait to be written. More are dropped: whoever reads so slowly has lost the thread anyway.
const WAITING_LINES: usize = 8192;

/// How long the end of the process waits for what was said last.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Says things on standard error; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    queue: SyncSender<Said>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Said {
    Text(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

impl Voice {
    /// A voice on standard error.
    fn start() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    fn to(target: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, said) = sync_channel(WAITING_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&said, &lost, target))?;
        Ok(Self { queue, dropped })
    }

    /// Says a text as it is.
    pub(crate) fn say(&self, text: &str) {
        self.queue(text.as_bytes());
    }

    /// Waits for a moment until what was said is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(Said::Flush(done)).is_ok() {
            // Where nobody reads, the process ends all the same.
            let _ = wait.recv_timeout(LAST_WORDS);
        }
    }

    fn queue(&self, text: &[u8]) {
        if self.queue.try_send(Said::Text(text.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_all(said: &Receiver<Said>, dropped: &AtomicU64, mut target: impl Write) {
    while let Ok(next) = said.recv() {
        match next {
            Said::Text(text) => {
                // Nothing is left to do where standard error is closed.
                let _ = target.write_all(&text);
            }
            Said::Flush(done) => {
                let _ = target.flush();
                let _ = done.try_send(());
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let said = format!(
                "{lost} log line{} lost: standard error is not read fast enough\n",
                if lost == 1 { " was" } else { "s were" }
            );
            let _ = target.write_all(said.as_bytes());
        }
    }
}

/// One whole line at a time, as the subscriber writes them.
impl Write for Voice {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Voice {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Begins to log.
pub(crate) fn start(config: &Config) -> anyhow::Result<Voice> {
    let voice = Voice::start()?;
    let filter = EnvFilter::try_new(&config.log_filter)?.and(filter_fn(|line| {
        may_be_logged(line.target(), *line.level())
    }));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(voice.clone())
        .log_internal_errors(false)
        .with_ansi(colours::wanted(&io::stderr()));
    match config.log_format {
        LogFormat::Text => tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .init(),
        LogFormat::Json => tracing_subscriber::registry()
            .with(lines.json().with_filter(filter))
            .init(),
    }
    Ok(voice)
}

/// Other people's crates log requests whole at their finest levels, and the addresses of some requests are secrets: links
/// of set-up, invitation and new password. Whatever the filter asks for, those levels are ours alone.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    const HTTP: &[&str] = &[
        "axum",
        "h2",
        "hyper",
        "hyper_util",
        "reqwest",
        "tower",
        "tower_http",
    ];
    let of = target.split("::").next().unwrap_or_default();
    let most = if of.starts_with("pipewright") {
        tracing::Level::TRACE
    } else if HTTP.contains(&of) {
        tracing::Level::INFO
    } else {
        tracing::Level::DEBUG
    };
    level <= most
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use tracing::Level;

    use super::{Voice, WAITING_LINES, may_be_logged};

    /// Writes what a test allows, one write a permission, and shows what came.
    struct Slow {
        permissions: Receiver<()>,
        came: SyncSender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.permissions.recv();
            let _ = self.came.send(String::from_utf8_lossy(text).into_owned());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn nobody_who_speaks_fails_where_nobody_listens() {
        let mut voice = Voice::to(Closed).expect("a thread");
        for _ in 0..3 {
            voice.write_all(b"line\n").expect("never fails");
            voice.say("word\n");
        }
        voice.flush();
    }

    #[test]
    fn nobody_who_speaks_waits_and_what_was_lost_is_counted() {
        let (permit, permissions) = sync_channel(4 * WAITING_LINES);
        let (came, seen) = sync_channel(4 * WAITING_LINES);
        let voice = Voice::to(Slow { permissions, came }).expect("a thread");
        for _ in 0..WAITING_LINES + 100 {
            voice.say("line\n");
        }
        drop(permit);
        voice.flush();
        let lost = seen
            .iter()
            .find(|text| text.contains("lost"))
            .expect("it is said");
        let count: usize = lost
            .split(' ')
            .next()
            .and_then(|number| number.parse().ok())
            .expect("a number");
        // The writer may have taken one line away before it waited.
        assert!((99..=100).contains(&count), "{lost}");
    }

    #[test]
    fn requests_are_never_logged_whole() {
        assert!(may_be_logged("pipewright_server::pages", Level::TRACE));
        assert!(!may_be_logged("hyper::proto::h1", Level::DEBUG));
        assert!(!may_be_logged("hyper_util::client", Level::TRACE));
        assert!(may_be_logged("hyper::server", Level::WARN));
        assert!(!may_be_logged("sqlx::query", Level::TRACE));
        assert!(may_be_logged("rustls::client", Level::DEBUG));
    }
}
