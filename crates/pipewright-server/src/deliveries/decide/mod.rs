//! Deciding: what a delivery means, and what becomes of each of its changes, with the reason.
//!
//! `read` turns the body into candidates, a closed set; `prepare` asks Bitbucket for what a delivery leaves out (the
//! commit of an annotated tag, the rest of a shortened hash); `rules` judges, without I/O; `record` writes decisions,
//! builds, refs and follow-ups in one transaction. Those of one repository are decided in order.

mod candidate;
mod differences;
mod lane;
mod prepare;
mod read;
mod record;
mod rules;
mod sentence;
#[cfg(test)]
mod tests;

pub(crate) use differences::{COMPARED, Difference, Differences, differences};
pub(crate) use lane::DecideLane;
pub(crate) use rules::why_not_built;
