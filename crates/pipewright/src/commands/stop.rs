//! Signals that ask the server to stop: TERM, INT (Ctrl-C) and HUP (its terminal went) alike.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the process exits with at a second signal, as a shell says of one that was interrupted.
const AT_ONCE: i32 = 130;

/// The first signal asks everything to drain; a second one ends the process at once.
pub(super) async fn stop_on_signal(shutdown: CancellationToken) {
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        tracing::error!("signals cannot be listened for; stop the server with KILL");
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    next().await;
    // The act first: a log that cannot be written must not keep the server alive.
    shutdown.cancel();
    tracing::info!("stopping: no new work is started; a second signal ends the server at once");
    next().await;
    std::process::exit(AT_ONCE);
}
