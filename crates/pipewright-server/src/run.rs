//! The server's life: begin the background, answer requests, and on request drain: first what works by itself, then what
//! answers. A webhook is answered until the very end.

use pipewright_store::StoreError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::accounts;
use crate::app::App;
use crate::background::{Background, Notify};
use crate::routes::router;

/// The server did not start, or ended though nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A part that is needed has ended for good.
    #[error("{0}; restart it")]
    Part(String),
    /// Several accounts build here, and nothing keeps their builds apart.
    #[error("{0}")]
    NotAlone(String),
    /// It cannot be told where may be connected to.
    #[error("the list of allowed outgoing addresses cannot be read; is the database there?")]
    Policy(#[source] StoreError),
    /// The database failed at the start.
    #[error("the server cannot start")]
    Store(#[from] StoreError),
}

/// Runs until `shutdown` is cancelled, then drains and closes the database. `environment` is what every script of the
/// embedded runner is given first, at least `PATH`.
pub async fn run(
    app: App,
    environment: Vec<(String, String)>,
    listener: TcpListener,
    notify: Notify,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    if let Some(sentence) = accounts::refuse_start(&app).await? {
        return Err(RunError::NotAlone(sentence));
    }
    crate::administration::outgoing::apply(&app)
        .await
        .map_err(RunError::Policy)?;
    let background = Background::start(&app, environment, notify);
    background.answer(listener, router(app.clone()));
    let ended = tokio::select! {
        why = background.gave_up() => Err(RunError::Part(why)),
        () = shutdown.cancelled() => Ok(()),
    };
    if !background.drain(app.config.drain).await {
        tracing::warn!("not everything ended in time; the next start finds it");
    }
    background.close().await;
    app.db.close().await;
    ended
}
