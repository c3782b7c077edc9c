//! Tests from outside: the built binary, a simulated Bitbucket over the network, a real browser, real git and SSH.

mod accessible;
mod attacker;
mod browser;
mod cloud;
mod data_directory;
mod datacenter;
mod diagnostics;
mod disk;
mod drill;
mod git;
mod installation;
mod kill;
mod leavings;
mod life;
mod moves;
mod order;
mod pages;
mod pipeline;
mod readme;
mod rows;
mod server;
mod starts;
mod talk;
mod team;
mod variables;
mod why;
