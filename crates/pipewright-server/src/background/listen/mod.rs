//! Answering strangers: every wait on one has an end, and there are never more of them than the limit of open files bears.
//!
//! A connection that sends nothing, half a head, or takes nothing of what it is sent is closed when its time is over. Where all
//! places are taken, the connection that has been idle for the longest time makes room: whoever opens many and says nothing
//! keeps nobody out.

mod accept;
mod activity;
mod connection;
mod connections;
mod stream;

pub(super) use accept::accept;
pub(super) use connections::Connections;

use std::time::Duration;

/// How long a new connection may take until its first request's head is whole, and a kept one from its first byte on.
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection is kept without a request. Longer than proxies keep theirs (nginx 60 s), so that none sends a request
/// into a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(75);

/// How long the other side may take nothing of what it is sent.
const STALLED: Duration = Duration::from_secs(60);
