//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::activity::Request;
use super::connections::Place;
use super::stream::Watched;

/// How often a connection at a request is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The same while the server ends.
const SOON: Duration = Duration::from_millis(50);

/// Answers a connection's requests until it ends, its time is over, or it must make room.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: Place,
    closing: CancellationToken,
) {
    // An answer of a few bytes must not wait for more; where the socket refuses, it is only slower.
    let _ = stream.set_nodelay(true);
    let activity = Arc::clone(&place.activity);
    let noted = Arc::clone(&activity);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let (router, under_way) = (router.clone(), noted.begins());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.oneshot(request).await?;
            Ok::<_, Infallible>(answer.map(|body| Whole {
                body,
                _under_way: under_way,
            }))
        }
    });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    let mut is_closing = false;
    loop {
        let now = Instant::now();
        let look = if closing.is_cancelled() {
            now + SOON
        } else {
            activity.deadline().unwrap_or(now + LOOK)
        };
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection ended early");
                }
                return;
            }
            () = activity.evicted.cancelled() => return,
            () = closing.cancelled(), if !is_closing => is_closing = true,
            () = tokio::time::sleep_until(look) => {
                // Who connects at the very end is answered still, once.
                if is_closing && activity.is_done() {
                    return;
                }
                if activity.deadline().is_some_and(|deadline| deadline <= Instant::now()) {
                    tracing::debug!(%peer, "a connection said nothing for too long");
                    return;
                }
            }
        }
    }
}

/// An answer's body, which is under way until it is handed over whole or given up.
struct Whole {
    body: Body,
    _under_way: Request,
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
