//! The whole server against the simulated Bitbucket: from a push to the status on its commit.

mod artifacts;
mod cable;
mod caches;
mod clocks;
mod compare;
mod conditions;
mod flow;
mod imports;
mod intake;
mod locks;
mod moves;
mod outputs;
mod pull_requests;
mod restart;
mod retention;
mod schedules;
mod traps;
mod triggers;
mod trouble;
mod variables;
