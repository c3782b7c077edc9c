//! Statuses at Bitbucket: put into the outbox with what made them true, sent in order, never in a build's way.

mod enqueue;
mod send;
mod text;

pub(crate) use enqueue::enqueue;
pub(crate) use send::StatusLane;
pub(crate) use text::Told;
