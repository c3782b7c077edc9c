//! The judge itself, and the simulated Cloud before it. Data Center's walk is among that product's own tests.

mod cloud;
mod judge;
