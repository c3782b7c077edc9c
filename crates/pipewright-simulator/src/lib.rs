//! A stateful Bitbucket Cloud and Bitbucket Data Center for tests and the demonstration.

mod clock;
mod random;
pub mod state;

pub use clock::SimClock;
