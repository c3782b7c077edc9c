//! The door of an installation's ports. Closed, new connections are dropped at once and open ones break at their next
//! byte. The port itself stays bound, so that nobody else can take it meanwhile.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Open or closed; clones are the same door.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    closed: Arc<AtomicBool>,
}

impl Gate {
    pub(super) fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Puts the door in front of a port.
    pub(crate) fn guard(&self, listener: TcpListener) -> GatedListener {
        GatedListener {
            listener,
            gate: self.clone(),
        }
    }
}

/// A port behind the door.
#[derive(Debug)]
pub(crate) struct GatedListener {
    listener: TcpListener,
    gate: Gate,
}

impl axum::serve::Listener for GatedListener {
    type Io = GatedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                // Dropping the connection unanswered is what a dead host's load balancer does.
                Ok((stream, _)) if self.gate.is_closed() => drop(stream),
                Ok((stream, address)) => {
                    // Latency matters more than packet count on a loopback; failing to set it changes nothing else.
                    let _ = stream.set_nodelay(true);
                    return (
                        GatedStream {
                            stream,
                            gate: self.gate.clone(),
                        },
                        address,
                    );
                }
                Err(error) => {
                    tracing::debug!(%error, "the simulator could not accept a connection");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection behind the door.
#[derive(Debug)]
pub(crate) struct GatedStream {
    stream: TcpStream,
    gate: Gate,
}

impl GatedStream {
    fn check(&self) -> io::Result<()> {
        if self.gate.is_closed() {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for GatedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        // Checked after the read as well: the reader may have been waiting when the door closed.
        if let Err(error) = self.check() {
            buffer.set_filled(before);
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl AsyncWrite for GatedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
