//! Planning: the pipeline file at the build's commit becomes the plan that the build runs.
//!
//! `fetch` brings the commit into the mirror and reads the file, `imports` another file where the pipeline is imported;
//! `judge` turns them into a plan, a reason why nothing runs, or diagnostics, without I/O; `changes` finds the changed files
//! where a condition asks for them; `destination` which commit a pull request is merged with; `rules` starts what the file's `triggers` ask for besides; `lane` stores it all and
//! moves the build, in one transaction.

mod changes;
mod destination;
mod fetch;
mod imports;
mod judge;
mod lane;
mod pushed;
mod rules;

pub(crate) use fetch::FILE_NAME;
pub(crate) use judge::trigger_of;
pub(crate) use lane::PlanLane;
