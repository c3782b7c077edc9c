//! Deciding: what a delivery means, and what becomes of each of its changes, with the reason.
//!
//! `read` turns the body into candidates, a closed set, each change by itself; `prepare` asks Bitbucket for what a delivery
//! leaves out (the commit of an annotated tag, the rest of a shortened hash); `order` says which push a change is and what
//! came last, `rules` whether it is built, both without I/O; `record` writes decisions, builds, refs and follow-ups in one
//! transaction, with `moved` for refs and `requested` for pull requests. Those of one repository are decided in order.

mod candidate;
mod differences;
mod lane;
mod moved;
mod order;
mod prepare;
mod read;
mod record;
mod requested;
mod rules;
mod sentence;
#[cfg(test)]
mod tests;

pub(crate) use differences::{COMPARED, Differences, differences};
pub(crate) use lane::DecideLane;
pub(crate) use rules::why_not_built;
