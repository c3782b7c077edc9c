//! The life of a build: its states, and the one function that moves it.
//!
//! [`advance()`] takes a build as stored and one event, and returns the new states and what must now be done. The
//! scheduler is its only caller and makes the effects durable in the same transaction as the states.

mod advance;
mod state;

pub use advance::{
    Advanced, BuildEvent, BuildRun, CRASHES_ALLOWED, Effect, Judge, LOST_ATTEMPTS_ALLOWED,
    NOT_SUPPORTED, Refused, RerunFrom, StepRun, Verdict, advance,
};
pub use state::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState, UnknownState};
