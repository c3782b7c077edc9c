//! `pipewright run`: the pipeline of the checkout you stand in, here and now.
//!
//! The same planner, the same rules ([`pipewright_core::build::advance()`]) and the same executor as on the server. What
//! differs is around them: steps get a copy of this checkout instead of a clone from Bitbucket, variables come from a
//! file, and what happens is told to a terminal. Nothing is ever written to the work tree or to the repository: each step
//! works in a temporary directory that borrows the repository's objects.
//!
//! Order of a run: `command` reads the arguments, `checkout` the repository, `trigger` and `steps` say what is wanted,
//! `env_file` and `variables` what scripts are given, `conditions` what decides whether a step is skipped, `workspace` where they work, `build` drives the steps (`attempt`)
//! and tells `display`; `summary` closes.

mod artifacts;
mod attempt;
mod build;
mod caches;
mod clean_up;
mod command;
pub(super) mod conditions;
mod display;
mod env_file;
mod machine;
mod merge;
mod notices;
mod origin;
mod result;
pub(super) mod signals;
mod steps;
mod summary;
mod tests_said;
mod trigger;
pub(super) mod variables;
mod workspace;

pub(crate) use command::Run;
