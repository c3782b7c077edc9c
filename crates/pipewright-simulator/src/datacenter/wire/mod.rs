//! What Data Center puts on the wire, as structs of our own, and how the state becomes them.
//!
//! One [`Render`] per answer or payload: it knows the addresses to print, the version, and whether it writes a REST
//! answer or a payload (their dates and links differ). Key order and optional fields follow the captures. Nothing here
//! decides who may see what.

mod change;
mod commit;
mod key;
mod project;
mod pull_request;
mod refs;
mod render;
mod repository;
mod status;
mod user;
mod webhook;

pub(super) use change::{WireChange, WirePath};
pub(super) use commit::{WireCommit, WireFullCommit};
pub(super) use key::WireAccessKey;
pub(super) use refs::{WireBranch, WireMinimalRef, WireTag};
pub(super) use render::{Audience, Links, Render};
pub(super) use repository::WireRepository;
