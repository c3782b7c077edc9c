//! The client of Bitbucket Cloud against the simulated one: real HTTP, real git, stored state.

mod connect;
mod lab;
mod reading;
#[path = "../support/mod.rs"]
mod support;
mod writing;
