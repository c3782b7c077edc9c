//! Artifacts: taking them from runners, giving them to runners and people, and removing them when their time is over.
//!
//! Contents are files ([`pipewright_store::blobs`]), written before the rows that speak of them: a kill between the two
//! leaves a file that nobody knows, which [`sweep`] removes.

mod store;
mod sweep;

pub(crate) use store::{read, write};
#[cfg(any(test, feature = "testing"))]
pub(crate) use sweep::look;
pub(crate) use sweep::run as sweep;
