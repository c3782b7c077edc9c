//! The runner with real git, real OpenSSH and real shells.

mod archives;
mod artifacts;
mod attacker;
mod bitbucket;
mod caches;
mod changes;
mod checkout;
mod local;
mod mirror;
mod outputs;
mod runner;
mod ssh;
mod step;
mod support;
