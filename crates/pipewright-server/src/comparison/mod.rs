//! Comparing refs: what Bitbucket has against what was last decided, by the git protocol, which costs no REST quota.
//!
//! A push whose webhook was lost is found here, at start and every few minutes, and becomes a delivery of ours that is
//! decided by the same rules as any other. Where Bitbucket cannot reach us, this alone drives builds. A new application
//! first notes where every ref stands, and builds nothing of it.

mod compare;
#[cfg(test)]
mod interleavings;
mod repository;
mod timer;

pub(crate) use compare::compare_one;
pub(crate) use repository::refresh as refresh_repository;
pub(crate) use timer::run;
