//! The runner with real git, real OpenSSH and real shells.

mod archives;
mod artifacts;
mod attacker;
mod caches;
mod engine;
mod outputs;
mod runner;
mod ssh;
mod step;
mod support;
mod test_reports;
