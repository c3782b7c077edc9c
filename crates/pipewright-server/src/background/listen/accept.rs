//! The loop that takes connections up.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::connection::serve;
use super::connections::Connections;
use crate::live::{Part, Vitals};

/// The pause after the system refused a connection: it has no more files, or no memory.
const PAUSE: Duration = Duration::from_millis(100);

/// How long whoever finds every place taken is waited for.
const REFUSAL: Duration = Duration::from_secs(1);

/// What whoever finds every place taken is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 53\r\nRetry-After: 5\r\nConnection: close\r\n\r\nToo many people are connected right now; try again.\r\n";

/// Takes connections up until it is cancelled.
pub(in crate::background) async fn accept(
    listener: Arc<TcpListener>,
    router: Router,
    connections: Arc<Connections>,
    vitals: Arc<Vitals>,
    cancel: CancellationToken,
) {
    vitals.well(Part::Listener);
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // Whoever it was has gone again.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionRefused
                ) =>
            {
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted; trying again");
                vitals.unwell(Part::Listener, error.to_string());
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
                continue;
            }
        };
        vitals.well(Part::Listener);
        match connections.place().await {
            Some(place) => {
                let closing = connections.closing.clone();
                let serving = serve(stream, peer, router.clone(), place, closing);
                connections.tasks.spawn(serving);
            }
            None => refuse(stream).await,
        }
    }
}

/// Says that every place is taken.
async fn refuse(mut stream: TcpStream) {
    tracing::warn!("every connection is at a request; a new one is refused");
    // Whoever takes not even this goes without.
    let _ = tokio::time::timeout(REFUSAL, stream.write_all(FULL)).await;
}

#[cfg(test)]
mod tests {
    use super::FULL;

    #[test]
    fn the_refusal_says_how_long_it_is() {
        let text = std::str::from_utf8(FULL).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
