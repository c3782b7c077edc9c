//! The scheduler: the only caller of the rules that move a build, and the embedded runner's dispatcher.
//!
//! New states, attempts, statuses and stops are written in one transaction with the event that caused them ([`advance`]).
//! What must be told to the rest of this process is gathered in an [`Aftermath`](crate::ground::Aftermath) and told after the commit; were the
//! process killed between the two, the loops would find the same in the database.

mod advance;
mod assign;
mod conditions;
mod embedded;
mod environment;
mod expire;
mod finish;
mod hold;
mod resume;
mod room;
mod stop;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

pub(crate) use advance::{AdvanceError, advance};
pub(crate) use embedded::EmbeddedDispatcher;
pub(crate) use environment::{Change, change_variables};
pub(crate) use expire::run as expire_leases;
pub(crate) use room::lacking;
pub(crate) use stop::stop_within;

/// How long an attempt is a runner's without a word from it. Runners renew every few seconds.
const LEASE: Duration = Duration::from_secs(30);
