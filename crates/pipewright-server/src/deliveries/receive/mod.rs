//! Receiving: `POST /hooks/{path}`.
//!
//! The body is limited, its signature verified over the raw bytes, and the delivery stored; only then it is answered.
//! Nothing else happens in this path: Bitbucket waits ten seconds for an answer (trap T10), and Data Center never sends
//! again. Requests that come together share a commit (see [`store`]).

mod handler;
mod store;

pub(crate) use handler::routes;
pub(crate) use store::run;
