//! What server and runner say to each other.

mod assignment;
mod report;

pub use assignment::{Assignment, Checkout, CloneCredential};
pub use report::{AttemptReport, Directive, Timing};
