//! The client of Bitbucket Data Center against the simulated one: real HTTP, real git, stored state, several versions.

mod connect;
mod lab;
mod reading;
#[path = "../support/mod.rs"]
mod support;
mod writing;
