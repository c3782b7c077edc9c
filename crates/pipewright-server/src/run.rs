//! The server's life: begin the background, answer requests, and on request drain both within a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::accounts;
use crate::app::App;
use crate::routes::router;
use crate::tasks::{Background, StartError};

/// How long open requests may take to end; followers of live logs are cut off then and come back by themselves.
const DRAIN: Duration = Duration::from_secs(5);

/// The server could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The background could not begin.
    #[error(transparent)]
    Background(#[from] StartError),
    /// Several accounts build here, and nothing keeps their builds apart.
    #[error("{0}")]
    NotAlone(String),
    /// It cannot be told where may be connected to.
    #[error("the list of allowed outgoing addresses cannot be read; is the database there?")]
    Policy(#[source] pipewright_store::StoreError),
    /// Listening failed.
    #[error("the server can no longer answer requests; restart it")]
    Serve(#[source] std::io::Error),
}

/// Runs until `shutdown` is cancelled, then drains and closes the database. `environment` is what every script of the
/// embedded runner is given first, at least `PATH`.
pub async fn run(
    app: App,
    environment: Vec<(String, String)>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let refusal = accounts::refuse_start(&app).await;
    if let Some(sentence) = refusal.map_err(StartError::Store)? {
        return Err(RunError::NotAlone(sentence));
    }
    crate::administration::outgoing::apply(&app)
        .await
        .map_err(RunError::Policy)?;
    let background = Background::start(&app, environment).await?;
    let listener = listener.tap_io(|stream| {
        // An answer of a few bytes must not wait for more; where the socket refuses, it is only slower.
        let _ = stream.set_nodelay(true);
    });
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let asked = shutdown.clone();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { asked.cancelled().await })
        .into_future();
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    let served = tokio::select! {
        served = serving => served.map_err(RunError::Serve),
        () = deadline => Ok(()),
    };
    background.stop().await;
    app.db.close().await;
    served
}
