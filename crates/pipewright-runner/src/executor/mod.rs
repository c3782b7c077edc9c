//! Runs the scripts of a step and ends all that they started.
//!
//! [`Executor`] is what differs between a directory on this machine, a container and a pod; [`run_step`] is what does
//! not: the order of script and after-script, limits, stopping, and the log.

mod limits;

pub use limits::StepLimits;
