//! Telling the system's service manager how the server is: systemd's protocol of datagrams to `$NOTIFY_SOCKET`
//! (sd_notify(3)). Where there is no such manager nothing is said.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::live::Part;

/// How often the state is said where no watchdog asks for more.
const EVERY: Duration = Duration::from_secs(10);

/// The way to the service manager.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<UnixDatagram>,
    /// How often the manager wants a sign of life.
    watchdog: Option<Duration>,
}

impl Notify {
    /// From the values of `NOTIFY_SOCKET` and `WATCHDOG_USEC`; without a socket nothing is ever said. A name that begins with
    /// `@` is an abstract one.
    pub fn new(socket: Option<&OsStr>, watchdog_micros: Option<&str>) -> io::Result<Self> {
        let Some(name) = socket.filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let address = match name.as_bytes() {
            [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
            path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Some(socket),
            watchdog: watchdog_micros
                .and_then(|text| text.parse().ok())
                .filter(|micros| *micros > 0)
                .map(Duration::from_micros),
        })
    }

    /// Says it, or goes without: a manager that does not listen must not keep the server from anything.
    fn say(&self, text: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(text.as_bytes())
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }

    /// The server answers.
    pub(super) fn ready(&self) {
        self.say("READY=1\nSTATUS=Ready");
    }

    /// The server was asked to stop, and may take this long.
    pub(super) fn stopping(&self, within: Duration) {
        let micros = within.as_micros();
        self.say(&format!(
            "STOPPING=1\nSTATUS=Stopping: running steps may end\nEXTEND_TIMEOUT_USEC={micros}"
        ));
    }
}

/// Says how the server is, often enough for the watchdog, until it is cancelled. That this loop runs is the sign of life: the
/// runtime turns, and health says the rest.
pub(super) async fn run(app: App, notify: std::sync::Arc<Notify>, cancel: CancellationToken) {
    if notify.socket.is_none() {
        app.live().vitals.ends(Part::Notify);
        cancel.cancelled().await;
        return;
    }
    let every = notify
        .watchdog
        .map_or(EVERY, |watchdog| (watchdog / 3).min(EVERY));
    let vitals = &app.live().vitals;
    loop {
        let troubles = vitals.troubles(Instant::now());
        let status = if vitals.is_stopping() {
            "Stopping: running steps may end".to_owned()
        } else if let Some(trouble) = troubles.first() {
            format!("Trouble with {}: {}", trouble.part.about(), trouble.why)
        } else {
            "Ready".to_owned()
        };
        let status = status.replace('\n', " ");
        notify.say(&format!("WATCHDOG=1\nSTATUS={status}"));
        vitals.well(Part::Notify);
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::Notify;

    #[test]
    fn the_manager_hears_that_the_server_is_ready_and_stops() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("binds");
        let notify = Notify::new(Some(path.as_os_str()), Some("30000000")).expect("connects");
        assert_eq!(notify.watchdog, Some(Duration::from_secs(30)));
        notify.ready();
        notify.stopping(Duration::from_secs(40));
        let mut buffer = [0; 200];
        let mut heard = || {
            let length = manager.recv(&mut buffer).expect("hears");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        assert!(heard().starts_with("READY=1\n"));
        let stopping = heard();
        assert!(
            stopping.starts_with("STOPPING=1\n")
                && stopping.ends_with("EXTEND_TIMEOUT_USEC=40000000"),
            "{stopping}"
        );
    }

    #[test]
    fn without_a_manager_nothing_is_said() {
        for socket in [None, Some("".as_ref())] {
            Notify::new(socket, None)
                .expect("nothing to connect to")
                .ready();
        }
        assert!(Notify::new(Some("/nowhere/notify".as_ref()), None).is_err());
    }
}
